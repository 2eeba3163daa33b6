// SPDX-License-Identifier: Apache-2.0

#include "runtime/scope.h"

#include "crdt/hash.h"

namespace grid::runtime {

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
      return name.map == map && name.key == text;
  }
  return false;
}

crdt::CellName Scope::before_first() const { return {map, kind == ScopeKind::where ? std::string_view() : text, {}}; }

bool Scope::is_past(const crdt::CellName& name) const {
  if (kind == ScopeKind::everything) return false;
  if (name.map != map) return name.map > map;
  if (kind == ScopeKind::map || kind == ScopeKind::where) return false;
  if (kind == ScopeKind::key) return name.key > text;
  return name.key > text && !name.key.starts_with(text);
}

std::uint64_t Scope::hash() const {
  return crdt::Hash64().add_number(static_cast<std::uint64_t>(kind)).add_sized(map).add_sized(text).value();
}

Status Scope::check() const {
  if (kind > ScopeKind::where) return Status::invalid;
  if (kind == ScopeKind::everything) return map.empty() && text.empty() ? Status::ok : Status::invalid;
  GRID_TRY(crdt::check_map_name(map));
  if (kind == ScopeKind::map) return text.empty() ? Status::ok : Status::invalid;
  if (kind == ScopeKind::where) {
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
