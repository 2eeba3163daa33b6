// SPDX-License-Identifier: Apache-2.0
//
// Screen: the demo as a person sees it: one live screen on a terminal, plain lines anywhere else.
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
  ~Screen();  // Gives the terminal back.
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  // Something has happened.
  void tell(std::uint64_t at_ms, const std::string& event);
  void draw(std::uint64_t at_ms, const std::vector<ReplicaLine>& replicas, const std::vector<std::string>& hints);
  bool is_terminal() const { return is_terminal_; }

 private:
  static constexpr std::size_t kEventsMax = 12;
  static constexpr std::uint64_t kPlainEveryMs = 5'000;

  bool is_terminal_;
  std::deque<std::string> events_;
  std::uint64_t plain_at_ms_ = 0;
};

}  // namespace demo
