// SPDX-License-Identifier: Apache-2.0

#include "runtime/scan.h"

namespace grid::runtime {

using crdt::Op;

Scan::Scan(const Scope& scope) : scope_(scope) { keep(scope.before_first()); }

Scan::Scan(const Scope& scope, const crdt::CellName& after) : scope_(scope), started_(true) { keep(after); }

Result<Op> Scan::next(storage::Store& store, std::uint64_t known_ms) {
  if (scope_.rows != nullptr) return scope_.rows->next(*this, store, known_ms);
  for (;;) {
    Result<Op> op = take(store);
    if (!op.ok()) return op;
    if (scope_.is_past(op->cell.name)) return Status::not_found;
    keep(op->cell.name);
    if (scope_.kind != ScopeKind::facts || scope_.matches(op->cell.name)) return op;
  }
}

// before_first() may itself be the name of the first cell.
Result<Op> Scan::take(storage::Store& store) {
  if (!started_) {
    started_ = true;
    if (!place().key.empty()) {
      Result<Op> first = store.find(place());
      if (first.status() != Status::not_found) return first;
    }
  }
  return store.next_cell(place());
}

crdt::CellName Scan::place() const {
  const char* const key = name_ + map_bytes_;
  return {{name_, map_bytes_}, {key, key_bytes_}, {key + key_bytes_, sub_bytes_}};
}

void Scan::keep(const crdt::CellName& name) {
  map_bytes_ = name.map.size();
  key_bytes_ = name.key.size();
  sub_bytes_ = name.sub.size();
  const MutBytes room(reinterpret_cast<std::uint8_t*>(name_), sizeof(name_));
  copy(as_bytes(name.sub), copy(as_bytes(name.key), copy(as_bytes(name.map), room)));
}

}  // namespace grid::runtime
