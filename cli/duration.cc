// SPDX-License-Identifier: Apache-2.0
#include "cli/duration.h"

#include <charconv>
#include <cmath>

namespace grid::cli {
namespace {

constexpr double kMillisecondsMax = 100.0 * 366 * 24 * 3'600 * 1'000;

std::optional<double> unit_ms(std::string_view unit) {
  if (unit == "ms") return 1;
  if (unit == "s" || unit.empty()) return 1'000;
  if (unit == "m") return 60'000;
  if (unit == "h") return 3'600'000;
  if (unit == "d") return 86'400'000;
  return std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> milliseconds_of(std::string_view text) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (error != std::errc{}) return std::nullopt;
  const std::optional<double> unit = unit_ms({rest, static_cast<std::size_t>(end - rest)});
  if (!unit || !std::isfinite(number) || number < 0 || number * *unit > kMillisecondsMax) return std::nullopt;
  return static_cast<std::uint64_t>(std::llround(number * *unit));
}

}  // namespace grid::cli
