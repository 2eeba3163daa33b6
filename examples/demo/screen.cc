// SPDX-License-Identifier: Apache-2.0

#include "examples/demo/screen.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace demo {

namespace {

// Another screen, no cursor; and back.
constexpr const char* kEnter = "\x1b[?1049h\x1b[?25l";
constexpr const char* kLeave = "\x1b[?25h\x1b[?1049l";
constexpr const char* kHome = "\x1b[H";
constexpr const char* kLineEnd = "\x1b[K\n";
constexpr const char* kRestBlank = "\x1b[J";
// Long lines are cut at the right edge, or go on in the next line.
constexpr const char* kCut = "\x1b[?7l";
constexpr const char* kWrap = "\x1b[?7h";
constexpr std::size_t kFixedLines = 9;  // Of the screen: title, table, blank lines, the prompt's.

std::string clock_of(std::uint64_t at_ms) {
  char text[16];
  std::snprintf(text, sizeof(text), "%02u:%02u", static_cast<unsigned>(at_ms / 60'000),
                static_cast<unsigned>(at_ms / 1'000 % 60));
  return text;
}

std::size_t lines_of_terminal() {
  winsize size{};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : 24;
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

void Screen::suggest(std::vector<std::string> hints) {
  hints_ = std::move(hints);
  if (is_terminal_) return;
  for (const std::string& hint : hints_) std::printf("%s\n", hint.c_str());
  std::fflush(stdout);
}

void Screen::tell(std::uint64_t at_ms, const std::string& event) {
  events_.push_back(clock_of(at_ms) + "  " + event);
  if (events_.size() > kEventsMax) events_.pop_front();
  if (is_terminal_) return;
  std::printf("%s\n", events_.back().c_str());
  std::fflush(stdout);
}

void Screen::draw_plain(std::uint64_t at_ms, const std::vector<ReplicaLine>& replicas) {
  if (at_ms < plain_at_ms_) return;
  plain_at_ms_ = at_ms + kPlainEveryMs;
  for (const ReplicaLine& r : replicas) {
    std::printf("%s    %-8s  %-12s  pending %-4s  rows %-4s  root %-8s  %s\n", clock_of(at_ms).c_str(), r.name.c_str(),
                r.state.c_str(), r.pending.c_str(), r.rows.c_str(), r.root.c_str(), r.moved.c_str());
  }
  std::fflush(stdout);
}

void Screen::draw(std::uint64_t at_ms, const std::vector<ReplicaLine>& replicas) {
  if (!is_terminal_) return draw_plain(at_ms, replicas);
  std::printf("%s%s\x1b[1mGrid\x1b[0m  one gateway, two devices, this machine's readings   %s%s%s", kHome, kCut,
              clock_of(at_ms).c_str(), kLineEnd, kLineEnd);
  std::printf("  %-9s %-14s %8s %7s  %-9s %s%s", "replica", "state", "pending", "rows", "root", "last sync", kLineEnd);
  for (const ReplicaLine& r : replicas) {
    std::printf("  %-9s %s%-14s\x1b[0m %8s %7s  %-9s %s%s", r.name.c_str(), color_of(r.state), r.state.c_str(),
                r.pending.c_str(), r.rows.c_str(), r.root.c_str(), r.moved.c_str(), kLineEnd);
  }
  std::fputs(kLineEnd, stdout);
  const std::size_t taken = kFixedLines + hints_.size();
  const std::size_t lines = std::max(lines_of_terminal(), taken + 1);
  const std::size_t shown = std::min(events_.size(), lines - taken);
  for (std::size_t i = events_.size() - shown; i < events_.size(); ++i) {
    std::printf("  %s%s", events_[i].c_str(), kLineEnd);
  }
  std::printf("%s%s", kWrap, kLineEnd);
  for (const std::string& hint : hints_) std::printf("%s%s", hint.c_str(), kLineEnd);
  std::fputs(kRestBlank, stdout);
  std::fflush(stdout);
}

}  // namespace demo
