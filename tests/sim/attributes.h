// SPDX-License-Identifier: Apache-2.0
//
// Attributes: a naive reading of facts' names and of the scopes that name attributes, or an entity, for whoever judges.
//
// Place     Below judge.h and answers.h. Asks nothing of runtime/scope.h what is right.
#pragma once

#include <algorithm>
#include <string_view>

#include "tests/sim/world.h"

namespace grid::sim {

// 03, a length, and so many bytes (docs/WIRE.md). Empty: of a marker, or of what is no fact.
inline std::string_view attribute_in(std::string_view sub) {
  if (sub.size() < 2 || sub[0] != '\x03') return {};
  return sub.substr(2, static_cast<std::uint8_t>(sub[1]));
}

inline bool lists(std::string_view lines, std::string_view attribute) {
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    if (lines.substr(0, end) == attribute) return true;
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
  return false;
}

// Whether the device is to hold the whole of the map,
inline bool has_whole(const Site& site, std::string_view map) {
  return std::any_of(site.scopes.begin(), site.scopes.end(), [map](const ScopeText& scope) {
    return scope.kind == runtime::ScopeKind::everything || (scope.kind == runtime::ScopeKind::map && scope.map == map);
  });
}

// or all facts under the attribute.
inline bool has_attribute(const Site& site, std::string_view map, std::string_view attribute) {
  return std::any_of(site.scopes.begin(), site.scopes.end(), [&](const ScopeText& scope) {
    return scope.kind == runtime::ScopeKind::facts && scope.map == map && lists(scope.text, attribute);
  });
}

// Of attributes, or an entity: what no scope has any more goes.
inline bool is_of_facts(runtime::ScopeKind kind) {
  return kind == runtime::ScopeKind::facts || kind == runtime::ScopeKind::entity;
}

// A scope of attributes has their facts, and every marker.
inline bool is_in_attributes(std::string_view lines, std::string_view sub) {
  return sub == std::string_view("\x03\x00", 2) || (!attribute_in(sub).empty() && lists(lines, attribute_in(sub)));
}

// Whether the scope may have the cell, whose row of those of a predicate must be looked at besides.
inline bool has_name(const runtime::Scope& scope, const crdt::CellName& name) {
  if (!is_of_facts(scope.kind)) return scope.matches(name);
  const bool is_of_entity = scope.kind == runtime::ScopeKind::entity;
  return scope.map == name.map && (is_of_entity ? scope.text == name.key : is_in_attributes(scope.text, name.sub));
}

}  // namespace grid::sim
