// SPDX-License-Identifier: Apache-2.0

#include "runtime/query/planner.h"

#include <algorithm>
#include <optional>
#include <span>

#include "crdt/query/analysis.h"

namespace grid::runtime {
namespace {

using crdt::Value;
using crdt::ValueKind;
using query::Constraint;
using query::Test;

using Ranges = std::vector<CodeRange>;

constexpr std::size_t kConstraintsMax = 32;
// Getting to a row by its number costs about as much as this many rows of a scan.
constexpr std::size_t kRowsPerEntry = 4;

// ---- keys

void raise_first(KeyRange& keys, std::string_view first) { keys.first = std::max(keys.first, first); }

void lower_last(KeyRange& keys, std::string_view last) {
  keys.last = keys.has_last ? std::min(keys.last, last) : last;
  keys.has_last = true;
}

void narrow_between(KeyRange& keys, const Value& bounds) {
  Value::Walk walk(bounds);
  if (walk.next() && walk.value().kind() == ValueKind::text) raise_first(keys, walk.value().text_or({}));
  if (walk.next() && walk.value().kind() == ValueKind::text) lower_last(keys, walk.value().text_or({}));
}

// Bounds that are no text accept no key: whatever way there is, nothing comes of it.
void narrow(KeyRange& keys, const Constraint& constraint) {
  if (constraint.test == Test::between) return narrow_between(keys, constraint.operand);
  if (constraint.operand.kind() != ValueKind::text) return;
  const std::string_view text = constraint.operand.text_or({});
  switch (constraint.test) {
    case Test::equal:
      raise_first(keys, text);
      return lower_last(keys, text);
    case Test::greater:
    case Test::at_least:
      return raise_first(keys, text);
    case Test::less:
    case Test::at_most:
      return lower_last(keys, text);
    case Test::starts_with:
      raise_first(keys, text);
      if (text.size() > keys.prefix.size()) keys.prefix = text;
      return;
    default:
      return;
  }
}

// ---- codes

Code code_of(IndexKind kind, const Value& value) {
  return kind == IndexKind::hash ? hash_code(value) : order_code(value);
}

// The points of an `in`, in order, each once; nothing where one has no code.
std::optional<Ranges> points_of(IndexKind kind, const Value& list) {
  std::vector<Code> codes;
  for (Value::Walk walk(list); walk.next();) {
    if (!is_indexed(walk.value())) return std::nullopt;
    codes.push_back(code_of(kind, walk.value()));
  }
  std::sort(codes.begin(), codes.end());
  codes.erase(std::unique(codes.begin(), codes.end()), codes.end());
  Ranges ranges;
  for (const Code& code : codes) ranges.push_back({code, code});
  return ranges;
}

std::optional<Ranges> between_of(const Value& bounds) {
  Value::Walk walk(bounds);
  walk.next();
  const Value low = walk.value();
  walk.next();
  if (!is_indexed(low) || !is_indexed(walk.value())) return std::nullopt;
  return Ranges{{order_code(low), order_code(walk.value())}};
}

std::optional<Ranges> side_of(Test test, const Value& bound) {
  if (!is_indexed(bound)) return std::nullopt;
  CodeRange range = class_range(bound);
  (test == Test::less || test == Test::at_most ? range.last : range.first) = order_code(bound);
  return Ranges{range};
}

// Where in an index the rows lie that pass the constraint; nothing when the index can't tell.
std::optional<Ranges> ranges_of(IndexKind kind, const Constraint& constraint) {
  const Value& operand = constraint.operand;
  if (constraint.test == Test::in) return points_of(kind, operand);
  if (constraint.test == Test::equal) {
    if (!is_indexed(operand)) return std::nullopt;
    const Code code = code_of(kind, operand);
    return Ranges{{code, code}};
  }
  if (kind == IndexKind::hash) return std::nullopt;
  switch (constraint.test) {
    case Test::less:
    case Test::at_most:
    case Test::greater:
    case Test::at_least:
      return side_of(constraint.test, operand);
    case Test::between:
      return between_of(operand);
    case Test::starts_with:
      return Ranges{prefix_range(ValueKind::text, operand.text_or({})),
                    prefix_range(ValueKind::ref, operand.text_or({}))};
    default:
      return std::nullopt;
  }
}

// What lies in both; neither overlaps in itself, both rise.
Ranges common(const Ranges& a, const Ranges& b) {
  Ranges both;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    const CodeRange range{std::max(a[i].first, b[j].first), std::min(a[i].last, b[j].last)};
    if (range.first <= range.last) both.push_back(range);
    a[i].last < b[j].last ? ++i : ++j;
  }
  return both;
}

std::optional<Ranges> ranges_in(const Index& index, std::span<const Constraint> constraints) {
  std::optional<Ranges> all;
  for (const Constraint& constraint : constraints) {
    if (!(constraint.path == index.path())) continue;
    std::optional<Ranges> ranges = ranges_of(index.kind(), constraint);
    if (ranges) all = all ? common(*all, *ranges) : std::move(*ranges);
  }
  return all;
}

// Keeps the better of what the plan has and this index; says of a worse one why.
void consider(Plan& plan, const Index& index, std::span<const Constraint> constraints) {
  const std::string name(index.path_text());
  if (index.is_over_cap()) {
    plan.why_no_index = "the index on " + name + " has reached its cap and is switched off";
    return;
  }
  std::optional<Ranges> ranges = ranges_in(index, constraints);
  if (!ranges) {
    if (plan.why_no_index.empty()) plan.why_no_index = "nothing that every answer has fits the index on " + name;
    return;
  }
  std::size_t expected = 0;
  for (const CodeRange& range : *ranges) expected += index.count(range);
  if (expected * kRowsPerEntry > index.entries()) {
    plan.why_no_index = "the index on " + name + " leaves " + std::to_string(expected) + " of " +
                        std::to_string(index.entries()) + " rows: a scan is cheaper";
    return;
  }
  if (plan.index != nullptr && plan.expected <= expected) return;
  plan.way = Way::index;
  plan.index = &index;
  plan.ranges = std::move(*ranges);
  plan.expected = expected;
}

}  // namespace

const char* name_of(Way way) {
  constexpr const char* kNames[] = {"scan", "keys", "index"};
  return kNames[static_cast<std::uint8_t>(way)];
}

Plan plan_for(const query::Predicate& where, const std::vector<const Index*>& indexes) {
  Constraint room[kConstraintsMax];
  const std::span<const Constraint> constraints(room, query::required(where, room));
  Plan plan;
  for (const Constraint& constraint : constraints) {
    if (constraint.path.root() == query::Root::key) narrow(plan.keys, constraint);
  }
  if (!plan.keys.first.empty() || plan.keys.has_last) plan.way = Way::keys;
  for (const Index* index : indexes) consider(plan, *index, constraints);
  if (plan.index != nullptr) {
    plan.why_no_index.clear();
  } else if (indexes.empty()) {
    plan.why_no_index = "no index is declared for this map";
  }
  return plan;
}

}  // namespace grid::runtime
