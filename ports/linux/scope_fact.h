// SPDX-License-Identifier: Apache-2.0
//
// Scope facts: what the scopes of a store's cursors are, for whoever looks at them later. A cursor's own name tells the
// scope's hash alone. Only a host on Linux notes them.
//
// Place     Above runtime/scope.h. docs/STORAGE.md lists the fact.
#pragma once

#include <string>

#include "runtime/scope.h"
#include "storage/store.h"

namespace grid {

inline constexpr std::string_view kScopeFact = "scope/";  // + the scope's hash in hex: kind, size of the map, map, text

inline std::string scope_fact_name(std::uint64_t hash) {
  std::string name(kScopeFact);
  for (int shift = 60; shift >= 0; shift -= 4) name += "0123456789abcdef"[(hash >> shift) & 15];
  return name;
}

inline std::string scope_fact(const runtime::Scope& scope) {
  std::string bytes{static_cast<char>(scope.kind), static_cast<char>(scope.map.size())};
  return bytes.append(scope.map).append(scope.text);
}

// Views of `bytes`; the rows of a predicate are not compiled.
//   corrupt  It is no such fact.
inline Result<runtime::Scope> read_scope_fact(std::string_view bytes) {
  // A char has a sign on some machines.
  if (bytes.size() < 2 || static_cast<std::uint8_t>(bytes[0]) > static_cast<std::uint8_t>(runtime::ScopeKind::entity))
    return Status::corrupt;
  const std::size_t map_bytes = static_cast<unsigned char>(bytes[1]);
  if (bytes.size() < 2 + map_bytes) return Status::corrupt;
  return runtime::Scope{static_cast<runtime::ScopeKind>(bytes[0]), bytes.substr(2, map_bytes),
                        bytes.substr(2 + map_bytes)};
}

}  // namespace grid
