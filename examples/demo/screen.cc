// SPDX-License-Identifier: Apache-2.0

#include "examples/demo/screen.h"

#include <unistd.h>

#include <cstdio>

namespace demo {

namespace {

// Another screen, no cursor; and back.
constexpr const char* kEnter = "\x1b[?1049h\x1b[?25l";
constexpr const char* kLeave = "\x1b[?25h\x1b[?1049l";
constexpr const char* kHome = "\x1b[H";
constexpr const char* kLineEnd = "\x1b[K\n";
constexpr const char* kRestBlank = "\x1b[J";

std::string clock_of(std::uint64_t at_ms) {
  char text[16];
  std::snprintf(text, sizeof(text), "%02u:%02u", static_cast<unsigned>(at_ms / 60'000),
                static_cast<unsigned>(at_ms / 1'000 % 60));
  return text;
}

const char* color_of(const std::string& state) {
  if (state == "realtime" || state == "serving") return "\x1b[32m";
  if (state == "disconnected" || state == "error") return "\x1b[31m";
  return "\x1b[33m";
}

}  // namespace

Screen::Screen() : is_terminal_(isatty(STDOUT_FILENO) == 1) {
  if (is_terminal_) std::fputs(kEnter, stdout);
}

Screen::~Screen() {
  if (!is_terminal_) return;
  std::fputs(kLeave, stdout);
  for (const std::string& event : events_) std::printf("%s\n", event.c_str());
  std::fflush(stdout);
}

void Screen::tell(std::uint64_t at_ms, const std::string& event) {
  events_.push_back(clock_of(at_ms) + "  " + event);
  if (events_.size() > kEventsMax) events_.pop_front();
  if (is_terminal_) return;
  std::printf("%s\n", events_.back().c_str());
  std::fflush(stdout);
}

void Screen::draw(std::uint64_t at_ms, const std::vector<ReplicaLine>& replicas,
                  const std::vector<std::string>& hints) {
  if (!is_terminal_) {
    if (at_ms < plain_at_ms_) return;
    plain_at_ms_ = at_ms + kPlainEveryMs;
    for (const ReplicaLine& r : replicas) {
      std::printf("%s  %-8s %-14s pending %-5s rows %-5s root %s  %s\n", clock_of(at_ms).c_str(), r.name.c_str(),
                  r.state.c_str(), r.pending.c_str(), r.rows.c_str(), r.root.c_str(), r.moved.c_str());
    }
    std::fflush(stdout);
    return;
  }
  std::printf("%s\x1b[1mGrid\x1b[0m  one gateway, two devices, this machine's readings   %s%s%s", kHome,
              clock_of(at_ms).c_str(), kLineEnd, kLineEnd);
  std::printf("  %-9s %-14s %8s %7s  %-9s %s%s", "replica", "state", "pending", "rows", "root", "last sync", kLineEnd);
  for (const ReplicaLine& r : replicas) {
    std::printf("  %-9s %s%-14s\x1b[0m %8s %7s  %-9s %s%s", r.name.c_str(), color_of(r.state), r.state.c_str(),
                r.pending.c_str(), r.rows.c_str(), r.root.c_str(), r.moved.c_str(), kLineEnd);
  }
  std::fputs(kLineEnd, stdout);
  for (const std::string& event : events_) std::printf("  %s%s", event.c_str(), kLineEnd);
  std::fputs(kLineEnd, stdout);
  for (const std::string& hint : hints) std::printf("  %s%s", hint.c_str(), kLineEnd);
  std::fputs(kRestBlank, stdout);
  std::fflush(stdout);
}

}  // namespace demo
