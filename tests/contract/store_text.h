// SPDX-License-Identifier: Apache-2.0
//
// A store as text, so that a test can say at once what it holds.
#pragma once

#include <string>

#include "storage/store.h"
#include "tests/check.h"

namespace grid::test {

// `key=value@stamp`, with `.sub` and `!expiry` where there are any, `-` for a tombstone and `*` for a local op.
inline std::string text_of(const crdt::Op& op) {
  const crdt::Cell& cell = op.cell;
  std::string text(cell.name.key);
  if (!cell.name.sub.empty()) text += "." + std::string(cell.name.sub);
  text += "=" + (cell.is_tombstone() ? "-" : std::string(as_text(cell.value)));
  text += "@" + std::to_string(cell.stamp.wall_ms());
  if (cell.expires_ms != 0) text += "!" + std::to_string(cell.expires_ms);
  return op.local ? text + "*" : text;
}

inline std::string cells_of(storage::Store& store) {
  std::string text, map, key, sub;
  for (;;) {
    const Result<crdt::Op> op = store.next_cell({map, key, sub});
    if (!op.ok()) {
      assert_status(op.status(), Status::not_found);
      return text;
    }
    map = op->cell.name.map;
    key = op->cell.name.key;
    sub = op->cell.name.sub;
    text += (text.empty() ? "" : " ") + text_of(*op);
  }
}

inline std::string ops_of(storage::Store& store) {
  std::string text;
  for (crdt::Seq seq = 0;;) {
    const Result<crdt::Op> op = store.next_op(seq);
    if (!op.ok()) {
      assert_status(op.status(), Status::not_found);
      return text;
    }
    assert_true(op->seq > seq);
    seq = op->seq;
    text += (text.empty() ? "" : " ") + std::to_string(seq) + ":" + text_of(*op);
  }
}

inline std::string facts_of(storage::Store& store, const std::string& prefix) {
  std::string text, after;
  for (;;) {
    const Result<storage::Store::Fact> fact = store.next_fact(prefix, after);
    if (!fact.ok()) {
      assert_status(fact.status(), Status::not_found);
      return text;
    }
    after = fact->name;
    text += (text.empty() ? "" : " ") + after + "=" + std::string(as_text(fact->bytes));
  }
}

#define assert_cells(store, text) assert_string_equal(::grid::test::cells_of(store).c_str(), text)
#define assert_ops(store, text) assert_string_equal(::grid::test::ops_of(store).c_str(), text)
#define assert_facts(store, prefix, text) assert_string_equal(::grid::test::facts_of(store, prefix).c_str(), text)

}  // namespace grid::test
