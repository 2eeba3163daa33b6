// SPDX-License-Identifier: Apache-2.0
//
// A store on a disk as a test's fixture, and short ways to write to it.
#pragma once

#include <string>

#include "tests/check.h"
#include "tests/contract/disk.h"
#include "tests/contract/store_text.h"

namespace grid::test {

using crdt::Seq;
using crdt::Stamp;
using storage::Store;

inline MakeDisk make_disk_of_suite = nullptr;

struct StoreFixture {
  explicit StoreFixture(const Disk::Sizes& sizes) : disk(make_disk_of_suite(sizes)), store(&disk->open()) {}

  Store& reopen() { return *(store = &disk->open()); }

  std::unique_ptr<Disk> disk;
  Store* store;
};

inline int make_fixture(void** state) {
  *state = new StoreFixture({});
  return 0;
}

inline int make_small_fixture(void** state) {
  *state = new StoreFixture({.batch_bytes_max = 100'000, .value_bytes_max = 1'000});
  return 0;
}

inline int drop_fixture(void** state) {
  delete static_cast<StoreFixture*>(*state);
  return 0;
}

inline StoreFixture& fixture_of(void** state) { return *static_cast<StoreFixture*>(*state); }
inline Store& store_of(void** state) { return *fixture_of(state).store; }

inline crdt::Op op_of(std::string_view key, std::string_view value, std::uint64_t ms) {
  crdt::Op op;
  op.cell = {{"map", key}, Stamp::of(ms, 0, 1), 0, as_bytes(value)};
  return op;
}

inline Seq append(Store& store, const crdt::Op& op) {
  const Result<Seq> seq = store.append(op);
  assert_ok(seq.status());
  return *seq;
}

inline Seq put(Store& store, std::string_view key, std::string_view value, std::uint64_t ms) {
  return append(store, op_of(key, value, ms));
}

inline Seq put_local(Store& store, std::string_view key, std::string_view value, std::uint64_t ms) {
  crdt::Op op = op_of(key, value, ms);
  op.local = true;
  return append(store, op);
}

inline Seq erase(Store& store, std::string_view key) {
  crdt::Op op;
  op.cell.name = {"map", key};
  return append(store, op);
}

#define contract_test(test) cmocka_unit_test_setup_teardown(test, make_fixture, drop_fixture)
#define small_contract_test(test) cmocka_unit_test_setup_teardown(test, make_small_fixture, drop_fixture)

}  // namespace grid::test
