// SPDX-License-Identifier: Apache-2.0
//
// A process that writes is killed at any moment; what it leaves is a prefix with everything that it knew to be durable.

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <map>

#include "storage/lmdb/lmdb_store.h"
#include "tests/check.h"
#include "tests/contract/store_text.h"
#include "tests/contract/temporary_directory.h"
#include "tests/unit/crdt/dice.h"

namespace grid::test {
namespace {

using crdt::Seq;
using storage::LmdbOptions;
using storage::LmdbStore;

constexpr Seq kBatchOps = 7;

// Op `seq` is the same in every run: a function of its sequence.
std::string key_of(Seq seq) { return "key" + std::to_string(seq * 7'919 % 97); }
std::string value_of(Seq seq) { return std::to_string(seq) + std::string(seq % 300, 'v'); }

crdt::Op op_of(Seq seq, const std::string& key, const std::string& value) {
  crdt::Op op;
  op.cell = {{"map", key}, crdt::Stamp::of(seq, 0, 1), 0, as_bytes(value)};
  op.local = true;
  return op;
}

struct Fixture {
  TemporaryDirectory directory;
  std::unique_ptr<LmdbStore> store;
  std::string problem;

  void open() {
    LmdbOptions options;
    options.path = directory.path();
    options.map_bytes = 65'536;
    options.table_entries_max = 40;
    Status status = Status::ok;
    store.reset();
    store = LmdbStore::open(options, status, problem);
  }
};

int make_fixture(void** state) {
  *state = new Fixture;
  return 0;
}

int drop_fixture(void** state) {
  delete static_cast<Fixture*>(*state);
  return 0;
}

// The child: writes until it is killed, and says after each flush what is durable.
[[noreturn]] void write_for_ever(Fixture& fixture, int report) {
  fixture.open();
  if (fixture.store == nullptr) _exit(1);
  LmdbStore& store = *fixture.store;
  for (;;) {
    for (Seq i = 0; i < kBatchOps; ++i) {
      const Seq seq = store.head() + 1;
      if (!store.append(op_of(seq, key_of(seq), value_of(seq))).ok()) _exit(2);
    }
    if (store.commit() != Status::ok) _exit(3);
    const Seq durable = store.head();
    if (write(report, &durable, sizeof(durable)) != sizeof(durable)) _exit(4);
  }
}

void assert_is_prefix(LmdbStore& store, Seq durable) {
  assert_true(store.head() >= durable);
  assert_int_equal(store.head() % kBatchOps, 0);
  std::map<std::string, Seq> newest;
  for (Seq seq = 1; seq <= store.head(); ++seq) newest[key_of(seq)] = seq;
  std::string expected;
  for (const auto& [key, seq] : newest) {
    const std::string value = value_of(seq);
    expected += (expected.empty() ? "" : " ") + text_of(op_of(seq, key, value));
  }
  assert_cells(store, expected.c_str());
  std::size_t ops = 0;
  for (Seq seq = 0; store.next_op(seq).ok(); ++ops) seq = store.next_op(seq)->seq;
  assert_int_equal(ops, newest.size());
}

// STO-1
void a_writer_that_is_killed_leaves_a_prefix_with_all_that_was_durable(void** state) {
  Fixture& fixture = *static_cast<Fixture*>(*state);
  Dice dice;
  for (int round = 0; round < 25; ++round) {
    fixture.store.reset();
    int report[2];
    assert_int_equal(pipe(report), 0);
    const pid_t child = fork();
    if (child == 0) write_for_ever(fixture, report[1]);
    close(report[1]);
    Seq durable = 0;
    for (std::uint64_t left = dice.below(30); left > 0; --left) {
      assert_int_equal(read(report[0], &durable, sizeof(durable)), sizeof(durable));
    }
    kill(child, SIGKILL);
    while (read(report[0], &durable, sizeof(durable)) == sizeof(durable)) {
    }
    close(report[0]);
    waitpid(child, nullptr, 0);
    fixture.open();
    assert_string_equal(fixture.problem.c_str(), "");
    assert_is_prefix(*fixture.store, durable);
  }
  assert_true(fixture.store->head() > 100);
}

void a_store_in_another_process_is_busy_and_the_error_names_it(void** state) {
  Fixture& fixture = *static_cast<Fixture*>(*state);
  int report[2];
  assert_int_equal(pipe(report), 0);
  const pid_t child = fork();
  if (child == 0) write_for_ever(fixture, report[1]);
  Seq durable = 0;
  assert_int_equal(read(report[0], &durable, sizeof(durable)), sizeof(durable));
  fixture.open();
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  close(report[0]);
  close(report[1]);
  assert_null(fixture.store.get());
  assert_non_null(strstr(fixture.problem.c_str(), std::to_string(child).c_str()));
  fixture.problem.clear();
  fixture.open();
  assert_string_equal(fixture.problem.c_str(), "");
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_writer_that_is_killed_leaves_a_prefix_with_all_that_was_durable, make_fixture,
                                      drop_fixture),
      cmocka_unit_test_setup_teardown(a_store_in_another_process_is_busy_and_the_error_names_it, make_fixture,
                                      drop_fixture),
  };
  return cmocka_run_group_tests_name("LMDB store, killed", tests, nullptr, nullptr);
}
