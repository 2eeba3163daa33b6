// SPDX-License-Identifier: Apache-2.0

#include "runtime/scope.h"

#include "crdt/hash.h"
#include "crdt/view.h"

namespace grid::runtime {

namespace {

// The marker, whose attribute is empty, buries all of an entity, and so concerns everybody.
bool has_attribute(std::string_view list, std::string_view sub) {
  if (crdt::view_of(sub) != crdt::View::facts) return false;
  const std::string_view attribute = crdt::attribute_of(sub);
  bool found = attribute.empty();
  if (!found) each_attribute(list, [&](std::string_view one) { return !(found = one == attribute); });
  return found;
}

}  // namespace

bool Scope::matches(const crdt::CellName& name) const {
  switch (kind) {
    case ScopeKind::everything:
      return true;
    case ScopeKind::map:
    case ScopeKind::where:
      return name.map == map;
    case ScopeKind::prefix:
      return name.map == map && name.key.starts_with(text);
    case ScopeKind::key:
    case ScopeKind::entity:
      return name.map == map && name.key == text;
    case ScopeKind::facts:
      return name.map == map && has_attribute(text, name.sub);
  }
  return false;
}

crdt::CellName Scope::before_first() const {
  const bool is_of_keys = kind == ScopeKind::prefix || is_of_key();
  return {map, is_of_keys ? text : std::string_view(), {}};
}

bool Scope::is_past(const crdt::CellName& name) const {
  if (kind == ScopeKind::everything) return false;
  if (name.map != map) return name.map > map;
  if (kind == ScopeKind::map || kind == ScopeKind::where || kind == ScopeKind::facts) return false;
  if (is_of_key()) return name.key > text;
  return name.key > text && !name.key.starts_with(text);
}

std::uint64_t Scope::hash() const {
  return crdt::Hash64().add_number(static_cast<std::uint64_t>(kind)).add_sized(map).add_sized(text).value();
}

Status Scope::check() const {
  if (kind > ScopeKind::entity) return Status::invalid;
  if (kind == ScopeKind::everything) return map.empty() && text.empty() ? Status::ok : Status::invalid;
  GRID_TRY(crdt::check_map_name(map));
  if (kind == ScopeKind::map) return text.empty() ? Status::ok : Status::invalid;
  if (kind == ScopeKind::where || kind == ScopeKind::facts) {
    if (text.size() > kKeyBytesMax) return Status::too_large;
    return !text.empty() && crdt::is_utf8(text) ? Status::ok : Status::invalid;
  }
  return crdt::check_name({map, text, {}});
}

Scope scope_of_pattern(std::string_view map, std::string_view pattern) {
  if (pattern.empty()) return {ScopeKind::map, map, {}};
  return {pattern.ends_with('/') ? ScopeKind::prefix : ScopeKind::key, map, pattern};
}

}  // namespace grid::runtime
