// SPDX-License-Identifier: Apache-2.0

#include "server/host/config/units.h"

#include <charconv>
#include <limits>
#include <span>

namespace grid::server::config {

namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

// From the greatest one down.
constexpr Unit kSpans[] = {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}};
constexpr Unit kSizes[] = {{"GiB", 1ull << 30},
                           {"GB", 1'000'000'000},
                           {"MiB", 1ull << 20},
                           {"MB", 1'000'000},
                           {"KiB", 1ull << 10},
                           {"kB", 1'000},
                           {"B", 1}};

Result<std::uint64_t> parse(std::string_view text, std::span<const Unit> units) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return Status::invalid;
  std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (unit.empty() && number == 0) return std::uint64_t{0};
  if (unit.starts_with(' ')) unit.remove_prefix(1);
  for (const Unit& one : units) {
    if (one.name != unit) continue;
    if (number > std::numeric_limits<std::uint64_t>::max() / one.factor) return Status::invalid;
    return number * one.factor;
  }
  return Status::invalid;
}

std::string write(std::uint64_t number, std::span<const Unit> units) {
  if (number == 0) return "0";
  for (const Unit& one : units) {
    if (number % one.factor == 0) return std::to_string(number / one.factor).append(one.name);
  }
  return {};
}

}  // namespace

Result<Span> parse_span(std::string_view text) {
  const Result<std::uint64_t> ms = parse(text, kSpans);
  return ms.ok() ? Result<Span>(Span{*ms}) : ms.status();
}

Result<Size> parse_size(std::string_view text) {
  const Result<std::uint64_t> bytes = parse(text, kSizes);
  return bytes.ok() ? Result<Size>(Size{*bytes}) : bytes.status();
}

std::string text_of(Span span) { return write(span.ms, kSpans); }

std::string text_of(Size size) { return write(size.bytes, kSizes); }

}  // namespace grid::server::config
