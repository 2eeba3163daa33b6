// SPDX-License-Identifier: Apache-2.0
//
// What every Store promises of reading: what went in comes out, in order. Knows no technology.

#include "tests/contract/store_fixture.h"

namespace grid::test {
namespace {

void a_new_store_is_empty(void** state) {
  Store& store = store_of(state);
  assert_int_equal(store.head(), 0);
  assert_int_equal(store.shared(), 0);
  assert_int_equal(store.settled(), 0);
  assert_cells(store, "");
  assert_ops(store, "");
  assert_facts(store, "", "");
  assert_status(store.find({"map", "key"}).status(), Status::not_found);
  assert_non_null(store.problem());
}

void reads_see_the_open_batch(void** state) {
  Store& store = store_of(state);
  assert_int_equal(put(store, "b", "1", 10), 1);
  assert_int_equal(put(store, "a", "2", 11), 2);
  assert_int_equal(store.head(), 2);
  assert_cells(store, "a=2@11 b=1@10");
  assert_ops(store, "1:b=1@10 2:a=2@11");
  assert_int_equal(store.find({"map", "b"})->seq, 1);
}

void an_op_comes_out_as_it_went_in(void** state) {
  const std::string sub("\0\xff\x01 any", 7);
  const std::string value(300'000, 'v');
  crdt::Op op;
  op.cell = {{"map", "key \xc3\xa9", sub}, Stamp::of(5, 6, 7), 1'700'000'000'123, as_bytes(value)};
  op.base = Stamp::of(1, 2, 3);
  op.quality = crdt::ClockQuality::server;
  op.local = true;
  op.was_applied = true;
  append(store_of(state), op);
  for (const bool reopened : {false, true}) {
    if (reopened) {
      assert_ok(store_of(state).commit());
      fixture_of(state).reopen();
    }
    const Result<crdt::Op> out = store_of(state).find(op.cell.name);
    assert_ok(out.status());
    assert_int_equal(out->seq, 1);
    assert_true(out->cell.name == op.cell.name && out->cell.stamp == op.cell.stamp && out->base == op.base);
    assert_int_equal(out->cell.expires_ms, op.cell.expires_ms);
    assert_true(equal(out->cell.value, op.cell.value));
    assert_true(out->quality == op.quality && out->local && out->was_applied);
  }
}

void append_sets_and_does_not_merge(void** state) {
  Store& store = store_of(state);
  put(store, "a", "new", 20);
  put(store, "a", "old", 10);
  assert_cells(store, "a=old@10");
}

void a_tombstone_stands_like_any_cell(void** state) {
  Store& store = store_of(state);
  put(store, "a", "1", 10);
  put(store, "a", "", 11);
  assert_cells(store, "a=-@11");
  assert_ops(store, "2:a=-@11");
  assert_true(store.find({"map", "a"})->cell.is_tombstone());
}

void cells_come_in_the_order_of_their_names(void** state) {
  Store& store = store_of(state);
  const crdt::CellName names[] = {{"m", "a", "\xff"},    {"m", "a", ""},  {"m", "a b", ""},     {"m", "ab", "s"},
                                  {"m-", "a", ""},       {"m", "b", ""},  {"m", "a", "x"},      {"m", "aa", ""},
                                  {"m", "\xc3\xa9", ""}, {"mm", "a", ""}, {"m", "a", {"\0", 1}}};
  for (const crdt::CellName& name : names) {
    crdt::Op op;
    op.cell = {name, Stamp::of(1, 0, 1), 0, as_bytes("v")};
    append(store, op);
    if (name.key == "b") assert_ok(store.commit());
  }
  std::size_t count = 0;
  std::string map, key, sub;
  for (;; ++count) {
    const Result<crdt::Op> op = store.next_cell({map, key, sub});
    if (!op.ok()) break;
    assert_true((op->cell.name > crdt::CellName{map, key, sub}));
    map = op->cell.name.map;
    key = op->cell.name.key;
    sub = op->cell.name.sub;
  }
  assert_int_equal(count, std::size(names));
}

void a_scan_begins_anywhere(void** state) {
  Store& store = store_of(state);
  for (const char* key : {"a", "ab", "ac", "b"}) put(store, key, "1", 1);
  assert_ok(store.commit());
  put(store, "aba", "1", 1);
  const std::string longest(kKeyBytesMax + 100, 'a'), last_sub(kSubBytesMax + 1, '\xff');
  const auto next = [&](std::string_view key, std::string_view sub = {}) {
    const Result<crdt::Op> op = store.next_cell({"map", key, sub});
    return op.ok() ? std::string(op->cell.name.key) : "none";
  };
  assert_string_equal(next("").c_str(), "a");
  assert_string_equal(next("a").c_str(), "ab");
  assert_string_equal(next("a", last_sub).c_str(), "ab");
  assert_string_equal(next("aa").c_str(), "ab");
  assert_string_equal(next(longest).c_str(), "ab");
  assert_string_equal(next("ab").c_str(), "aba");
  assert_string_equal(next("b").c_str(), "none");
  assert_ok(store.next_cell({"ma", "z"}).status());
  assert_status(store.next_cell({"map0", ""}).status(), Status::not_found);
  assert_status(store.find({"map", longest}).status(), Status::not_found);
}

void facts_are_kept_until_set_again(void** state) {
  Store& store = store_of(state);
  assert_ok(store.set_fact("clock", as_bytes("1")));
  assert_ok(store.set_fact("cursor/b", as_bytes("2")));
  assert_ok(store.set_fact("cursor/a", as_bytes("1")));
  assert_ok(store.set_fact("cursors", as_bytes("x")));
  assert_ok(store.commit());
  assert_ok(store.set_fact("cursor/b", {}));
  assert_ok(store.set_fact("cursor/c", as_bytes("3")));
  assert_ok(store.set_fact("clock", as_bytes("2")));
  for (int round = 0; round < 3; ++round) {
    Store& now = store_of(state);
    assert_facts(now, "cursor/", "cursor/a=1 cursor/c=3");
    assert_facts(now, "", "clock=2 cursor/a=1 cursor/c=3 cursors=x");
    assert_string_equal(std::string(as_text(*now.fact("clock"))).c_str(), "2");
    assert_status(now.fact("cursor/b").status(), Status::not_found);
    assert_status(now.next_fact("cursor/", "cursor/c").status(), Status::not_found);
    assert_string_equal(std::string(now.next_fact("cursor/", "cursor/aa")->name).c_str(), "cursor/c");
    assert_ok(now.commit());
    if (round == 1) fixture_of(state).reopen();
  }
}

void a_fact_has_limits(void** state) {
  Store& store = store_of(state);
  const std::string name(Store::kFactNameBytesMax, 'n'), bytes(Store::kFactBytesMax, 'b');
  assert_ok(store.set_fact(name, as_bytes(bytes)));
  assert_int_equal(store.fact(name)->size(), Store::kFactBytesMax);
  assert_status(store.set_fact(name + "n", {}), Status::too_large);
  assert_status(store.set_fact("name", as_bytes(bytes + "b")), Status::too_large);
  assert_status(store.set_fact("", as_bytes("b")), Status::invalid);
  assert_status(store.fact("").status(), Status::not_found);
}

}  // namespace

int run_store_reads(const char* name, MakeDisk make_disk) {
  make_disk_of_suite = make_disk;
  const CMUnitTest tests[] = {
      contract_test(a_new_store_is_empty),
      contract_test(reads_see_the_open_batch),
      contract_test(an_op_comes_out_as_it_went_in),
      contract_test(append_sets_and_does_not_merge),
      contract_test(a_tombstone_stands_like_any_cell),
      contract_test(cells_come_in_the_order_of_their_names),
      contract_test(a_scan_begins_anywhere),
      contract_test(facts_are_kept_until_set_again),
      contract_test(a_fact_has_limits),
  };
  return cmocka_run_group_tests_name(name, tests, nullptr, nullptr);
}

}  // namespace grid::test
