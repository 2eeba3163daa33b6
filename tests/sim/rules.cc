// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/rules.h"

#include "crdt/base/check.h"
#include "crdt/value.h"

namespace grid::sim {

namespace {

enum Ruling : std::uint32_t { kNone, kRequire, kFirst, kGreatest, kImmutable, kLeast };

// -1: it has none.
std::int64_t field(std::string_view value, std::string_view name) {
  return crdt::Value(as_bytes(value))[name].integer_or(-1);
}

}  // namespace

server::RowRules rules_of(std::uint32_t ruling) {
  server::RowRules rules;
  server::MapRules of_m;
  of_m.map = "m";
  if (ruling == kRequire) of_m.require = "level < 7";
  if (ruling == kFirst) of_m.first_write_wins = true;
  if (ruling == kGreatest) of_m.max_wins = "level";
  if (ruling == kImmutable) of_m.immutable = {"site"}, of_m.reject_if = "level = 3";
  if (ruling == kLeast) of_m.min_wins = "level", of_m.require = "level > 0";
  server::RowRules::Fault fault;
  GRID_CHECK(ruling == kNone || rules.add(of_m, fault) == Status::ok);
  return rules;
}

bool is_forbidden(std::uint32_t ruling, std::string_view value) {
  const std::int64_t level = field(value, "level");
  if (ruling == kRequire) return level < 0 || level >= 7;
  if (ruling == kImmutable) return level == 3;
  return ruling == kLeast && level <= 0;
}

bool may_conflict(std::uint32_t ruling) { return ruling == kFirst || ruling == kImmutable; }

bool may_follow(std::uint32_t ruling, std::string_view now, std::string_view next) {
  const std::int64_t level = field(now, "level"), next_level = field(next, "level");
  if (ruling == kFirst) return now == next;
  if (ruling == kImmutable) return field(now, "site") < 0 || field(now, "site") == field(next, "site");
  if (ruling == kGreatest) return level < 0 || next_level >= level;
  return ruling != kLeast || (next_level >= 0 && next_level <= level);
}

}  // namespace grid::sim
