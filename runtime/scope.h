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

namespace grid::storage {
class Store;
}

namespace grid::runtime {

using wire::ScopeKind;

inline constexpr char kAttributesBetween = '\n';

class Scan;

// What tells the rows of a scope of the kind `where`. By its value alone: an expired row is in its scope until
// something else stands, on both ends alike.
class RowTest {
 public:
  // `value` is canonical, and not empty.
  virtual bool accepts(std::string_view key, Bytes value) const = 0;
  // A row is the cell without a sub; what else lies under its key goes with it.
  bool accepts(const crdt::Cell& row) const { return !row.is_tombstone() && accepts(row.name.key, row.value); }
  // Scan::next() of a scope of such rows. Reached by this alone: who has no test links none of scan_rows.cc.
  virtual Result<crdt::Op> next(Scan& scan, storage::Store& store, std::uint64_t known_ms) const {
    return next_row(scan, store, known_ms);
  }

 protected:
  ~RowTest() = default;

 private:
  static Result<crdt::Op> next_row(Scan& scan, storage::Store& store, std::uint64_t known_ms);
};

// Calls `visit(attribute)` for each line of the text of a scope of facts, until one answers false.
template <typename Visit>
void each_attribute(std::string_view text, Visit visit) {
  for (;;) {
    std::size_t end = 0;
    while (end < text.size() && text[end] != kAttributesBetween) ++end;
    if (!visit(std::string_view(text.data(), end)) || end == text.size()) return;
    text.remove_prefix(end + 1);
  }
}

struct Scope {
  ScopeKind kind = ScopeKind::everything;
  std::string_view map{};  // Empty for everything.
  // The prefix, the key, that of the entity, the predicate, or the attributes: a line each, in order.
  std::string_view text{};
  const RowTest* rows = nullptr;  // Of the predicate; whoever looks at cells needs it.

  bool is_of_key() const { return kind == ScopeKind::key || kind == ScopeKind::entity; }
  // A device lets go of what it has of the map when no scope of these kinds has it.
  bool is_partial() const { return kind == ScopeKind::facts || kind == ScopeKind::entity || rows != nullptr; }
  // Of `where`: its row may be in the scope.
  bool matches(const crdt::CellName& name) const;
  bool covers_map(std::string_view name) const { return kind == ScopeKind::everything || map == name; }
  // Where a scan of the scope starts, and whether a name lies behind its end.
  crdt::CellName before_first() const;
  bool is_past(const crdt::CellName& name) const;
  // Names the scope in cursors (PROTOCOL P13) and in the facts of a store.
  std::uint64_t hash() const;
  // Of the attributes of `facts` check_attributes() says more.
  //   invalid, too_large   As check_name(); or a text where there must be none.
  Status check() const;

  friend bool operator==(const Scope& a, const Scope& b) {
    return a.kind == b.kind && a.map == b.map && a.text == b.text;
  }
};

// A scope with the text that it refers to.
class ScopeCopy {
 public:
  void set(const Scope& scope) {
    kind_ = scope.kind;
    rows_ = scope.rows;
    map_bytes_ = static_cast<std::uint8_t>(scope.map.size());
    text_bytes_ = static_cast<std::uint16_t>(scope.text.size());
    if (!scope.map.empty()) std::memcpy(map_, scope.map.data(), scope.map.size());
    if (!scope.text.empty()) std::memcpy(text_, scope.text.data(), scope.text.size());
  }
  Scope get() const { return {kind_, {map_, map_bytes_}, {text_, text_bytes_}, rows_}; }
  const RowTest* rows() const { return rows_; }

 private:
  ScopeKind kind_ = ScopeKind::everything;
  const RowTest* rows_ = nullptr;
  std::uint8_t map_bytes_ = 0;
  std::uint16_t text_bytes_ = 0;
  char map_[kMapBytesMax] = {};
  char text_[kKeyBytesMax] = {};
};

// A scope as people write it after a map: nothing or something that ends in '/' is a prefix, the rest is one key.
Scope scope_of_pattern(std::string_view map, std::string_view pattern);

}  // namespace grid::runtime
