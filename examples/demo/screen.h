// SPDX-License-Identifier: Apache-2.0
//
// Screen: the demo as a person sees it: one live screen on a terminal, plain lines anywhere else.
//
// Place     Lowest of the demo. Knows text, no grid.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace demo {

struct ReplicaLine {
  std::string name;
  std::string state;
  std::string pending;
  std::string rows;
  std::string root;
  std::string moved;
};

class Screen {
 public:
  Screen();
  ~Screen();  // Gives the terminal back, and leaves there what has happened.
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  // What one can do meanwhile.
  void suggest(std::vector<std::string> hints);
  // Something has happened.
  void tell(std::uint64_t at_ms, const std::string& event);
  void draw(std::uint64_t at_ms, const std::vector<ReplicaLine>& replicas);

 private:
  static constexpr std::size_t kEventsMax = 12;
  static constexpr std::uint64_t kPlainEveryMs = 5'000;

  void draw_plain(std::uint64_t at_ms, const std::vector<ReplicaLine>& replicas);

  bool is_terminal_;
  std::deque<std::string> events_;
  std::vector<std::string> hints_;
  std::uint64_t plain_at_ms_ = 0;
};

}  // namespace demo
