// SPDX-License-Identifier: Apache-2.0

#include "server/subscription_index.h"

#include <algorithm>
#include <bit>
#include <optional>

#include "crdt/query/analysis.h"
#include "crdt/view.h"
#include "runtime/query/code.h"

namespace grid::server {

using crdt::Value;
using query::Constraint;
using query::Test;
using runtime::CodeRange;
using runtime::Scope;
using runtime::ScopeKind;

namespace {

constexpr std::size_t kConstraintsMax = 32;
constexpr std::size_t kPointsMax = 64;

// Of the two halves of a code the first is enough: who is found is looked at.
struct Span {
  std::uint64_t first;
  std::uint64_t last;
};
Span span_of(const CodeRange& range) { return {range.first.high, range.last.high}; }

// The points of `=` and `in`; nothing where one of them has no code.
std::optional<std::vector<std::uint64_t>> points_of(const Constraint& constraint) {
  std::vector<std::uint64_t> points;
  if (constraint.test == Test::equal) {
    if (!runtime::is_indexed(constraint.operand)) return std::nullopt;
    return std::vector{runtime::hash_code(constraint.operand).high};
  }
  if (constraint.test != Test::in) return std::nullopt;
  for (Value::Walk walk(constraint.operand); walk.next();) {
    if (!runtime::is_indexed(walk.value()) || points.size() == kPointsMax) return std::nullopt;
    points.push_back(runtime::hash_code(walk.value()).high);
  }
  return points;
}

using Spans = std::vector<Span>;

std::optional<Spans> between_of(const Value& bounds) {
  Value::Walk walk(bounds);
  walk.next();
  const Value low = walk.value();
  walk.next();
  if (!runtime::is_indexed(low) || !runtime::is_indexed(walk.value())) return std::nullopt;
  return Spans{{runtime::order_code(low).high, runtime::order_code(walk.value()).high}};
}

std::optional<Spans> spans_of(const Constraint& constraint) {
  const Value& bound = constraint.operand;
  if (constraint.test == Test::between) return between_of(bound);
  if (constraint.test == Test::starts_with) {
    const std::string_view prefix = bound.text_or({});
    return Spans{span_of(runtime::prefix_range(crdt::ValueKind::text, prefix)),
                 span_of(runtime::prefix_range(crdt::ValueKind::ref, prefix))};
  }
  const bool is_above = constraint.test == Test::greater || constraint.test == Test::at_least;
  const bool is_below = constraint.test == Test::less || constraint.test == Test::at_most;
  if ((!is_above && !is_below) || !runtime::is_indexed(bound)) return std::nullopt;
  Span span = span_of(runtime::class_range(bound));
  (is_above ? span.first : span.last) = runtime::order_code(bound).high;
  return Spans{span};
}

// Calls `visit(prefix, level)` for the fewest blocks that the span is made of.
template <typename Visit>
void cut(const Span& span, Visit visit) {
  for (std::uint64_t at = span.first; at <= span.last;) {
    int level = at == 0 ? 63 : std::min(63, std::countr_zero(at));
    while (level > 0 && ((std::uint64_t{1} << level) - 1) > span.last - at) --level;
    visit(at >> level, static_cast<std::uint8_t>(level));
    const std::uint64_t next = at + (std::uint64_t{1} << level);
    if (next <= at) return;
    at = next;
  }
}

}  // namespace

// Points before ranges: they leave the least.
SubscriptionIndex::Place SubscriptionIndex::place_of(const query::Predicate& predicate) {
  Constraint room[kConstraintsMax];
  const std::span<const Constraint> all(room, query::required(predicate, room));
  Place place;
  const auto take = [&place](const Constraint& constraint) {
    if (constraint.path.root() != query::Root::literal) place.path = as_text(constraint.path.encoded());
    return constraint.path.root() != query::Root::literal;
  };
  for (const Constraint& constraint : all) {
    const auto points = points_of(constraint);
    if (!points || !take(constraint)) continue;
    place.is_points = true;
    for (const std::uint64_t point : *points) place.blocks.push_back({point, 0});
    return place;
  }
  for (const Constraint& constraint : all) {
    const std::optional<Spans> spans = spans_of(constraint);
    if (!spans || !take(constraint)) continue;
    for (const Span& span : *spans) {
      cut(span, [&place](std::uint64_t prefix, std::uint8_t level) { place.blocks.push_back({prefix, level}); });
    }
    return place;
  }
  return place;
}

template <typename Change>
void SubscriptionIndex::change(const Scope& scope, const query::Predicate& predicate, Change change) {
  if (scope.kind == ScopeKind::everything) return change(everywhere_);
  Map& map = maps_[std::string(scope.map)];
  if (scope.is_of_key()) return change(map.keys[std::string(scope.text)]);
  if (scope.kind == ScopeKind::facts) {
    change(map.attributes[{}]);
    return runtime::each_attribute(scope.text, [&](std::string_view attribute) {
      change(map.attributes[std::string(attribute)]);
      return true;
    });
  }
  const Place place = scope.kind == ScopeKind::where ? place_of(predicate) : Place{};
  // A span that holds nothing accepts nothing.
  if (place.path.empty()) return change(map.rest);
  Field& field = map.fields[place.path];
  for (const Block& block : place.blocks) {
    Blocks& blocks = place.is_points ? field.points : field.ranges;
    const std::size_t before = blocks.size();
    Entries& entries = blocks[block];
    if (!place.is_points) field.levels[block.level] += blocks.size() - before;
    change(entries);
    if (!entries.empty()) continue;
    blocks.erase(block);
    if (!place.is_points) --field.levels[block.level];
  }
  if (field.points.empty() && field.ranges.empty()) map.fields.erase(place.path);
}

void SubscriptionIndex::add(const Scope& scope, const query::Predicate& predicate, const Entry& entry) {
  change(scope, predicate, [&entry](Entries& entries) { entries.push_back(entry); });
}

void SubscriptionIndex::remove(const Scope& scope, const query::Predicate& predicate, const Entry& entry) {
  change(scope, predicate, [&entry](Entries& entries) { std::erase(entries, entry); });
  const auto map = maps_.find(scope.map);
  if (map == maps_.end()) return;
  if (scope.is_of_key() && map->second.keys.find(scope.text)->second.empty()) {
    map->second.keys.erase(std::string(scope.text));
  }
  std::erase_if(map->second.attributes, [](const auto& one) { return one.second.empty(); });
  if (map->second.keys.empty() && map->second.fields.empty() && map->second.attributes.empty() &&
      map->second.rest.empty())
    maps_.erase(map);
}

void SubscriptionIndex::find(const crdt::CellName& name, const Value& value, std::vector<const Entries*>& found) const {
  found.push_back(&everywhere_);
  const auto map = maps_.find(name.map);
  if (map == maps_.end()) return;
  found.push_back(&map->second.rest);
  const auto key = map->second.keys.find(name.key);
  if (key != map->second.keys.end()) found.push_back(&key->second);
  if (!map->second.attributes.empty() && crdt::view_of(name.sub) == crdt::View::facts) {
    const auto attribute = map->second.attributes.find(crdt::attribute_of(name.sub));
    if (attribute != map->second.attributes.end()) found.push_back(&attribute->second);
  }
  if (!value.exists()) return;
  for (const auto& [path, field] : map->second.fields) {
    query::Path::Room room;
    find_in(field, query::Path(as_bytes(path)).of({name.key, value}, room), found);
  }
}

void SubscriptionIndex::find_in(const Field& field, const Value& value, std::vector<const Entries*>& found) {
  if (!runtime::is_indexed(value)) return;
  const auto point = field.points.find({runtime::hash_code(value).high, 0});
  if (point != field.points.end()) found.push_back(&point->second);
  const std::uint64_t code = runtime::order_code(value).high;
  for (std::uint8_t level = 0; level < 64; ++level) {
    if (field.levels[level] == 0) continue;
    const auto block = field.ranges.find({code >> level, level});
    if (block != field.ranges.end()) found.push_back(&block->second);
  }
}

}  // namespace grid::server
