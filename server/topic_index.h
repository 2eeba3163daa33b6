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
  bool empty() const { return root_.empty(); }

 private:
  struct Level {
    std::map<std::string, Level, std::less<>> children;
    std::set<runtime::LinkId> links;  // Of filters that end here.

    bool empty() const { return children.empty() && links.empty(); }
  };

  static void take_child(const Level& level, std::string_view name, std::vector<runtime::LinkId>& out);

  Level root_;
};

}  // namespace grid::server
