// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <unistd.h>

#include <cstdio>
#include <utility>

namespace grid::cli {
namespace {

constexpr std::chrono::milliseconds kBetween{100};

}  // namespace

Progress::Progress(std::string what)
    : what_(std::move(what)), on_terminal_(::isatty(STDERR_FILENO) == 1), began_(Clock::now()) {}

Progress::~Progress() {
  if (shown_) std::fputs("\r\x1b[K", stderr);
}

void Progress::show(std::uint64_t done, std::uint64_t total) {
  const Clock::time_point now = Clock::now();
  if (!on_terminal_ || now - last_ < kBetween) return;
  last_ = now;
  shown_ = true;
  const double seconds = std::chrono::duration<double>(now - began_).count();
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  std::fprintf(stderr, "\r\x1b[K%s %llu", what_.c_str(), static_cast<unsigned long long>(done));
  if (total != 0) std::fprintf(stderr, " of %llu", static_cast<unsigned long long>(total));
  std::fprintf(stderr, ", %.0f/s", rate);
  if (total > done && rate > 0) std::fprintf(stderr, ", %.0f s left", static_cast<double>(total - done) / rate);
}

}  // namespace grid::cli
