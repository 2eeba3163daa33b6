// SPDX-License-Identifier: Apache-2.0
//
// Scope: which cells a subscription, a watch or a sync is about.
//
// Place     Beside machine.h.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "crdt/base/status.h"
#include "crdt/cell.h"
#include "transport/wire.h"

namespace grid::runtime {

using wire::ScopeKind;

struct Scope {
  ScopeKind kind = ScopeKind::everything;
  std::string_view map{};   // Empty for everything.
  std::string_view text{};  // The prefix or the key.

  bool matches(const crdt::CellName& name) const;
  bool covers_map(std::string_view name) const { return kind == ScopeKind::everything || map == name; }
  // Where a scan of the scope starts, and whether a name lies behind its end.
  crdt::CellName before_first() const;
  bool is_past(const crdt::CellName& name) const;
  // Names the scope in cursors (PROTOCOL P13) and in the facts of a store.
  std::uint64_t hash() const;
  //   invalid, too_large   As check_name(); or a text where there must be none.
  Status check() const;

  friend bool operator==(const Scope&, const Scope&) = default;
};

// A scope with the text that it refers to.
class ScopeCopy {
 public:
  void set(const Scope& scope) {
    kind_ = scope.kind;
    map_bytes_ = static_cast<std::uint8_t>(scope.map.size());
    text_bytes_ = static_cast<std::uint16_t>(scope.text.size());
    if (!scope.map.empty()) std::memcpy(map_, scope.map.data(), scope.map.size());
    if (!scope.text.empty()) std::memcpy(text_, scope.text.data(), scope.text.size());
  }
  Scope get() const { return {kind_, {map_, map_bytes_}, {text_, text_bytes_}}; }

 private:
  ScopeKind kind_ = ScopeKind::everything;
  std::uint8_t map_bytes_ = 0;
  std::uint16_t text_bytes_ = 0;
  char map_[kMapBytesMax] = {};
  char text_[kKeyBytesMax] = {};
};

// A scope as people write it after a map: nothing or something that ends in '/' is a prefix, the rest is one key.
Scope scope_of_pattern(std::string_view map, std::string_view pattern);

}  // namespace grid::runtime
