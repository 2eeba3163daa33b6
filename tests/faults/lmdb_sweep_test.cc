// SPDX-License-Identifier: Apache-2.0
//
// LmdbStore under a scripted workload, with the power cut after every call that changes a file, and with every such
// call failing once.

#include <cstdlib>
#include <filesystem>
#include <memory>

#include "storage/lmdb/lmdb_store.h"
#include "tests/contract/temporary_directory.h"
#include "tests/faults/store_script.h"
#include "tests/faults/sweep.h"

namespace grid::test {
namespace {

using storage::LmdbOptions;
using storage::LmdbStore;

constexpr int kFlushEvery = 3, kReopenEvery = 21;  // Steps.
constexpr char kStore[] = "/data/apps/store";

std::unique_ptr<LmdbStore> open_store(const std::string& folder, Status& status, std::string& problem) {
  LmdbOptions options;
  options.path = folder + kStore;
  options.map_bytes = 65'536;
  options.table_entries_max = 40;
  return LmdbStore::open(options, status, problem);
}

// One run of a script on a folder that a platter watches.
struct Run {
  explicit Run(std::uint64_t seed) : script(seed), dice(seed) { platter.on_change(&look, this); }

  static void look(void* run) { static_cast<Run*>(run)->look_at_cuts(); }
  void look_at_cuts();
  std::string what_is_wrong_in(const std::string& folder);
  void judge_cut(Platter::Loss loss);
  void open();
  void play(int steps);
  void meet_failure(Status status);
  void reopen();

  TemporaryDirectory folder;
  Platter platter{folder.path()};
  StoreScript script;
  std::mt19937_64 dice;
  std::unique_ptr<LmdbStore> store;
  bool looks = true;  // At the image of every cut.
  std::uint64_t cuts = 0, images = 0;
  bool is_over = false;  // The store has failed, and was judged.
  std::string wrong;     // What the first image that was not a prefix says. Asserts don't jump out of LMDB.
};

void Run::look_at_cuts() {
  if (!looks || !wrong.empty()) return;
  ++cuts;
  judge_cut(Platter::Loss::everything);
  judge_cut(Platter::Loss::nothing);
  for (int i = 0; i < sweep_losses(); ++i) judge_cut(Platter::Loss::some);
}

void Run::judge_cut(Platter::Loss loss) {
  TemporaryDirectory image;
  platter.cut(image.path(), loss, dice);
  ++images;
  const std::string found = what_is_wrong_in(image.path());
  if (!found.empty() && wrong.empty()) wrong = "cut after call " + std::to_string(platter.calls()) + ": " + found;
}

std::string Run::what_is_wrong_in(const std::string& at) {
  Status status = Status::ok;
  std::string problem;
  std::unique_ptr<LmdbStore> found = open_store(at, status, problem);
  if (found == nullptr) return problem;
  const std::string text = StoreScript::text_of(*found);
  if (!script.may_hold(text)) return "neither durable nor sealed later: " + text;
  StoreScript after = script;
  if (!after.go_on_from(text)) return "can't happen";
  for (int i = 0; i < kFlushEvery; ++i) after.step(*found);
  if (after.flush(*found) != Status::ok) return found->problem();
  return StoreScript::text_of(*found) == after.text() ? "" : "goes on wrongly";
}

// A store that can't be opened is as it was: with room, or another try, it opens.
void Run::open() {
  Status status = Status::ok;
  std::string problem;
  store = open_store(folder.path(), status, problem);
  if (store != nullptr) return;
  assert_true(platter.has_failed());
  assert_true(status == Status::io || status == Status::full);
  assert_true(problem.starts_with(folder.path()));
  platter.make_room();
  store = open_store(folder.path(), status, problem);
  if (store == nullptr) fail_msg("after a failed opening: %s", problem.c_str());
}

void Run::play(int steps) {
  open();
  for (int i = 1; i <= steps && !is_over; ++i) {
    script.step(*store);
    if (i % kFlushEvery != 0) continue;
    const Status status = script.flush(*store);
    if (status != Status::ok) meet_failure(status);
    if (!is_over && i % kReopenEvery == 0) reopen();
  }
  if (is_over) return;
  assert_ok(script.flush(*store));
  assert_string_equal(StoreScript::text_of(*store).c_str(), script.text().c_str());
  looks = true;
  look_at_cuts();
}

// Without room the store waits, and loses nothing. Any other failure is its end, whatever the medium says later.
void Run::meet_failure(Status status) {
  assert_true(platter.has_failed());
  if (status == Status::full) {
    assert_non_null(strstr(store->problem(), "No space left"));
    platter.make_room();
    status = script.flush(*store);
    if (status == Status::ok) return;
    // The very last write of a commit: LMDB itself refuses to go on.
    assert_true(platter.failed_synced_write());
  }
  assert_status(status, Status::io);
  assert_true(std::string(store->problem()).starts_with("store " + folder.path()));
  for (int i = 0; i < 3; ++i) assert_status(store->flush(), Status::io);
  script.step(*store);
  assert_status(script.flush(*store), Status::io);
  assert_non_null(strstr(store->problem(), "writing failed"));
  is_over = true;
  looks = true;
  look_at_cuts();
  looks = false;  // What follows is another script's.
  platter.make_room();
  store.reset();
  const std::string found = what_is_wrong_in(folder.path());
  if (wrong.empty() && !found.empty()) wrong = "opened again: " + found;
}

void Run::reopen() {
  store.reset();
  open();
  const std::string text = StoreScript::text_of(*store);
  if (!script.go_on_from(text)) wrong = "opened again: " + text;
}

// ---- the sweeps

using Runs = Sweep<Run>;

// STO-1
void a_power_cut_after_any_write_leaves_a_prefix_with_all_that_was_durable(void** state) {
  Runs::of(state).cut_everywhere(sweep_steps());
}

// STO-1
void any_write_or_sync_that_fails_ends_the_store_and_costs_nothing_durable(void** state) {
  Runs::of(state).fail_everywhere(sweep_steps(), Platter::Failure::io);
}

// STO-1
void a_disk_that_fills_up_at_any_write_costs_nothing(void** state) {
  Runs::of(state).fail_everywhere(sweep_steps(), Platter::Failure::no_space);
}

// STO-1
void a_disk_that_fills_up_in_the_middle_of_any_write_costs_nothing(void** state) {
  Runs::of(state).fail_everywhere(sweep_steps(), Platter::Failure::torn);
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
#define sweep_test(test) cmocka_unit_test_setup_teardown(test, Runs::make, Runs::drop)
  const CMUnitTest tests[] = {
      sweep_test(a_power_cut_after_any_write_leaves_a_prefix_with_all_that_was_durable),
      sweep_test(any_write_or_sync_that_fails_ends_the_store_and_costs_nothing_durable),
      sweep_test(a_disk_that_fills_up_at_any_write_costs_nothing),
      sweep_test(a_disk_that_fills_up_in_the_middle_of_any_write_costs_nothing),
  };
  return cmocka_run_group_tests_name("LMDB store, every write", tests, nullptr, nullptr);
}
