// SPDX-License-Identifier: Apache-2.0
//
// TopicIndex: who listens to what, as a tree of levels, so that a message finds its listeners without asking each.
//
// Place     Below channels.h. Knows no link but its number.
// Promises  find() visits at most the levels that match, and names each link once.
//           BND-1  It holds what was added, no more: whoever adds has counted (ChannelOptions::filters_max).
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/machine.h"

namespace grid::server {

class TopicIndex {
 public:
  // `filter` is legal.
  void add(std::string_view filter, runtime::LinkId link);
  void remove(std::string_view filter, runtime::LinkId link);
  // The links that have a filter for `topic`, in order.
  void find(std::string_view topic, std::vector<runtime::LinkId>& out) const;
  bool empty() const { return root_.children.empty() && root_.links.empty(); }

 private:
  struct Level {
    std::map<std::string, Level, std::less<>> children;
    std::set<runtime::LinkId> links;  // Of filters that end here.
  };

  static void find(const Level& level, std::string_view rest, std::vector<runtime::LinkId>& out);
  static void take_all(const Level& level, std::vector<runtime::LinkId>& out);
  static void remove(Level& level, std::string_view rest, runtime::LinkId link);

  Level root_;
};

}  // namespace grid::server
