// SPDX-License-Identifier: Apache-2.0
//
// Port for Linux.
//
// GRID_WALL_OFFSET_MS in the environment is for tests of wrong clocks: it is added to the wall clock, and `unknown`
// makes it a clock that was never set.

#include "ports/port.h"

#include <poll.h>
#include <sys/random.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "crdt/clock.h"

namespace grid::port {
namespace {

std::uint64_t read_ms(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000 + static_cast<std::uint64_t>(now.tv_nsec) / 1'000'000;
}

struct WallOffset {
  bool unknown = false;
  std::int64_t ms = 0;
};

WallOffset read_offset() {
  const char* text = std::getenv("GRID_WALL_OFFSET_MS");
  if (text == nullptr) return {};
  if (std::strcmp(text, "unknown") == 0) return {.unknown = true};
  return {.ms = std::strtoll(text, nullptr, 10)};
}

const char* prefix_of(Level level) {
  switch (level) {
    case Level::info:
      return "grid: ";
    case Level::warning:
      return "grid: warning: ";
    case Level::error:
      return "grid: error: ";
  }
  return "";
}

iovec piece(const char* text) { return {const_cast<char*>(text), std::strlen(text)}; }

}  // namespace

// Goes on while the machine is suspended: what was asked before that is old, and a welcome that was slept on is late.
std::uint64_t monotonic_ms() { return read_ms(CLOCK_BOOTTIME); }

std::uint64_t wall_ms() {
  static const WallOffset kOffset = read_offset();
  if (kOffset.unknown) return 0;
  const std::int64_t now_ms = static_cast<std::int64_t>(read_ms(CLOCK_REALTIME)) + kOffset.ms;
  return now_ms < static_cast<std::int64_t>(crdt::kBuildEpochMs) ? 0 : static_cast<std::uint64_t>(now_ms);
}

void entropy(MutBytes out) {
  while (!out.empty()) {
    const ssize_t got = getrandom(out.data(), out.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) stop("the kernel gives no random numbers");
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

void log(Level level, const char* line) {
  pollfd err{STDERR_FILENO, POLLOUT, 0};
  if (poll(&err, 1, 0) != 1 || (err.revents & POLLOUT) == 0) return;
  const iovec pieces[] = {piece(prefix_of(level)), piece(line), piece("\n")};
  [[maybe_unused]] const ssize_t written = writev(STDERR_FILENO, pieces, 3);
}

void stop(const char* line) {
  log(Level::error, line);
  std::abort();
}

std::uint32_t headroom_bytes() {
  const long pages = sysconf(_SC_AVPHYS_PAGES);
  const long page_bytes = sysconf(_SC_PAGESIZE);
  if (pages < 0 || page_bytes < 0) return 0;
  const std::uint64_t bytes = static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(page_bytes);
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes, UINT32_MAX));
}

}  // namespace grid::port
