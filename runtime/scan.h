// SPDX-License-Identifier: Apache-2.0
//
// Scan: walks the standing cells of a scope in order, and can stop and go on later.
//
// Place     Above scope.h and storage/store.h. Used by both machines.
#pragma once

#include <cstring>

#include "runtime/scope.h"
#include "storage/store.h"

namespace grid::runtime {

class Scan {
 public:
  Scan() = default;
  // `scope` keeps what its views refer to for as long as the scan goes on.
  explicit Scan(const Scope& scope) : scope_(scope) { keep(scope.before_first()); }

  // The next cell, tombstones included; what is written behind the present place meanwhile is seen.
  //   not_found  The end.
  Result<crdt::Op> next(storage::Store& store) {
    Result<crdt::Op> op = take(store);
    if (!op.ok()) return op;
    if (scope_.is_past(op->cell.name)) return Status::not_found;
    keep(op->cell.name);
    return op;
  }

 private:
  // before_first() may itself be the name of the first cell.
  Result<crdt::Op> take(storage::Store& store) {
    if (!started_) {
      started_ = true;
      if (!scope_.text.empty()) {
        Result<crdt::Op> first = store.find(place());
        if (first.status() != Status::not_found) return first;
      }
    }
    return store.next_cell(place());
  }
  crdt::CellName place() const {
    const char* const key = name_ + map_bytes_;
    return {{name_, map_bytes_}, {key, key_bytes_}, {key + key_bytes_, sub_bytes_}};
  }
  void keep(const crdt::CellName& name) {
    map_bytes_ = name.map.size();
    key_bytes_ = name.key.size();
    sub_bytes_ = name.sub.size();
    copy(as_bytes(name.sub), copy(as_bytes(name.key), copy(as_bytes(name.map), room())));
  }
  MutBytes room() { return {reinterpret_cast<std::uint8_t*>(name_), sizeof(name_)}; }

  Scope scope_;
  bool started_ = false;
  std::size_t map_bytes_ = 0;
  std::size_t key_bytes_ = 0;
  std::size_t sub_bytes_ = 0;
  char name_[kNameBytesMax] = {};
};

}  // namespace grid::runtime
