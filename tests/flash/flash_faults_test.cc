// SPDX-License-Identifier: Apache-2.0
//
// FlashStore on chips that fail: programs and erases that don't work for a moment or for good, partitions and memory
// that are too small, or of another kind.

#include <algorithm>
#include <functional>

#include "tests/flash/flash_run.h"
#include "tests/unit/crdt/dice.h"

namespace grid::test {
namespace {

// Each part of the memory in its turn does not fit, while smaller ones behind it do.
void too_little_memory_is_refused_whatever_it_is_missing_for(void**) {
  constexpr FlashOptions kUneven{.cells_max = 30, .in_flight_max = 2'000, .facts_max = 1'000};
  NorEmulator device(kSectors);
  constexpr std::size_t kNeeded = storage::FlashStore::memory_bytes(kUneven, kSectors);
  constexpr std::size_t kAlignment = 128;  // At most so much of it is gaps.
  std::vector<std::uint8_t> memory(kNeeded);
  for (std::size_t bytes = 0; bytes + kAlignment < kNeeded; ++bytes) {
    Arena arena(MutBytes(memory).first(bytes));
    storage::FlashStore store(device, arena, kUneven);
    assert_status(store.mount(), Status::invalid);
  }
}

// Every program and every erase of a script fails once, with the sector worn from then on: the store goes on, tries the
// sector once more, knows it after a reboot, and holds all.
void a_sector_that_fails_is_retired_and_costs_nothing(void** state) {
  Dice dice;
  const std::uint64_t seed = dice.any();
  int failures = 0;
  for (std::uint64_t call = 2;; call += 3) {
    Run& run = start(state, seed);
    assert_ok(run.open());
    run.device.fail_at(call, true, seed + call);
    run.play(90);
    if (!run.device.has_failed()) break;
    ++failures;
    for (int more = 0; more < 100 && run.chip->store().wear().sectors_good == kSectors; ++more) run.play(12);
    // One that failed under the last commit is recorded by the next.
    assert_true(run.script.flush(run.chip->store()));
    assert_int_equal(run.chip->store().wear().sectors_good, kSectors - 1);
    assert_string_equal(FlashScript::text_of(run.chip->store()).c_str(), run.script.text().c_str());
    assert_ok(run.open());
    assert_int_equal(run.chip->store().wear().sectors_good, kSectors - 1);
    assert_string_equal(FlashScript::text_of(run.chip->store()).c_str(), run.script.text().c_str());
    run.play(12);
    assert_string_equal(run.device.violation().c_str(), "");
  }
  print_message("%d calls failed, one a run\n", failures);
  assert_true(failures > 50);
}

// The same, but that the device fails once only: no sector is given up.
void a_failure_that_passes_costs_no_sector(void** state) {
  Dice dice;
  const std::uint64_t seed = dice.any();
  int failures = 0;
  for (std::uint64_t call = 2;; call += 3) {
    Run& run = start(state, seed);
    assert_ok(run.open());
    run.device.fail_at(call, false, seed + call);
    run.play(90);
    if (!run.device.has_failed()) break;
    ++failures;
    const std::vector<std::uint32_t> erases = run.device.erases();
    // Until each sector has been used again.
    const auto rests = [&] {
      return !std::equal(erases.begin(), erases.end(), run.device.erases().begin(), std::less<>());
    };
    for (int more = 0; more < 100 && rests(); ++more) run.play(30);
    assert_false(rests());
    assert_int_equal(run.chip->store().wear().sectors_good, kSectors);
    assert_string_equal(FlashScript::text_of(run.chip->store()).c_str(), run.script.text().c_str());
    assert_ok(run.open());
    assert_int_equal(run.chip->store().wear().sectors_good, kSectors);
    assert_string_equal(FlashScript::text_of(run.chip->store()).c_str(), run.script.text().c_str());
    assert_string_equal(run.device.violation().c_str(), "");
  }
  print_message("%d calls failed, one a run\n", failures);
  assert_true(failures > 50);
}

// A driver that has no memory for a while: what was written before stands, what is written meanwhile is refused.
void a_device_that_fails_for_a_while_is_written_to_again(void** state) {
  Run& run = start(state, 1);
  assert_ok(run.open());
  storage::FlashStore& store = run.chip->store();
  for (int i = 0; i < kStill; ++i) assert_ok(put(store, still_key(i), "value of " + still_key(i)));
  run.device.fail_changes(true);
  crdt::Op op;
  op.cell = {{"map", "late"}, crdt::Stamp::of(1, 0, 1), 0, as_bytes("value")};
  for (int i = 0; i < 2; ++i) assert_status(store.append(op).status(), Status::io);
  run.device.fail_changes(false);
  for (int i = 0; i < 20; ++i) assert_ok(store.commit());
  write_around(store, 800);
  assert_int_equal(store.wear().sectors_good, kSectors);
  assert_int_equal(count_still(store), kStill);
  assert_ok(run.open());
  assert_int_equal(count_still(run.chip->store()), kStill);
}

void a_device_that_fails_for_good_is_io_for_good(void** state) {
  Run& run = start(state, 7);
  assert_ok(run.open());
  run.play(12);
  const std::string durable = run.script.text();
  crdt::Op op;
  op.cell = {{"map", "key"}, crdt::Stamp::of(1, 0, 1), 0, as_bytes("value")};
  assert_ok(run.chip->store().append(op).status());
  run.device.cut_at(0, NorEmulator::Tear::within, 1);
  run.chip->store().seal();
  for (int i = 0; i < 3; ++i) assert_status(run.chip->store().flush(), Status::io);
  assert_status(run.chip->store().append(op).status(), Status::io);
  run.device.power_on();
  assert_status(run.chip->store().commit(), Status::io);
  assert_ok(run.open());
}

// BND-1  A chip's loop waits for each erase.
void no_call_erases_more_than_a_sector(void** state) {
  Run& run = start(state, 1);
  assert_ok(run.open());
  write_around(run.chip->store(), 800);
  // Every sector that is not of the log is to be erased.
  for (std::uint32_t at = 0; at < run.device.bytes().size(); at += 4'096) {
    std::uint8_t* const sector = run.device.bytes().data() + at;
    if (sector[storage::flash::kRecordsAt] == 0xff) sector[storage::flash::kRecordsAt] = 0;
  }
  run.device.load(run.device.bytes());
  assert_ok(run.open());
  storage::FlashStore& store = run.chip->store();
  std::uint64_t most_appending = 0, most_sealing = 0, most_flushed = 0, most_programs = 0;
  const auto since = [&run] {
    const NorEmulator::Counts counts = run.device.counts();
    run.device.reset_counts();
    return counts;
  };
  since();
  for (int i = 0; i < 3'000; ++i) {
    crdt::Op op;
    const std::string key = "k" + std::to_string(i % 23), value(static_cast<std::size_t>(i * 37 % 1'000), 'v');
    op.cell = {{"map", key}, crdt::Stamp::of(1, 0, 1), 0, as_bytes(value)};
    assert_ok(store.append(op).status());
    const NorEmulator::Counts appending = since();
    store.seal();
    const NorEmulator::Counts sealing = since();
    store.flushed();
    const NorEmulator::Counts flushed = since();
    most_appending = std::max(most_appending, appending.erases);
    most_sealing = std::max(most_sealing, sealing.erases);
    most_flushed = std::max(most_flushed, flushed.erases);
    most_programs = std::max(most_programs, appending.programs);
  }
  print_message("erases: append %d, seal %d, flushed %d; programs: append %d\n", static_cast<int>(most_appending),
                static_cast<int>(most_sealing), static_cast<int>(most_flushed), static_cast<int>(most_programs));
  assert_true(most_appending <= 1);
  assert_true(most_sealing <= 1);
  assert_true(most_flushed <= 1);
  assert_true(most_programs <= 40);
}

void a_partition_that_is_too_small_or_of_another_size_is_refused(void** state) {
  Run& run = start(state, 1);
  run.device = NorEmulator(4);
  assert_status(run.open(), Status::invalid);
  run.device = NorEmulator(kSectors);
  assert_ok(run.open());
  run.play(6);
  std::vector<std::uint8_t> half(run.device.bytes().begin(), run.device.bytes().begin() + 10 * 4'096);
  run.device = NorEmulator(10);
  run.device.load(std::move(half));
  assert_status(run.open(), Status::invalid);
  assert_true(names_an_offset(run.problem()));
}

void a_later_format_is_refused_by_name_and_left_alone(void** state) {
  Run& run = start(state, 1);
  std::vector<std::uint8_t> image(kSectors * 4'096, 0xff);
  storage::flash::Label label;
  label.format = 2;
  label.write(image.data());
  run.device.load(image);
  assert_status(run.open(), Status::newer);
  assert_true(run.device.bytes() == image);
}

// BND-1
void a_full_partition_says_so_and_takes_erasures(void** state) {
  Run& run = start(state, 1);
  FlashOptions options = kOptions;
  options.cells_max = 1'000;
  assert_ok(run.open(options));
  storage::FlashStore& store = run.chip->store();
  const std::string value(200, 'v');
  const auto put = [&](int i) {
    const std::string key = "key" + std::to_string(i);
    crdt::Op op;
    op.cell = {{"map", key}, crdt::Stamp::of(1, 0, 1), 0, as_bytes(value)};
    Status status = store.append(op).status();
    if (status == Status::full && store.commit() == Status::ok) status = store.append(op).status();
    return status;
  };
  int count = 0;
  while (put(count) == Status::ok) ++count;
  assert_status(put(count), Status::full);
  assert_true(count > 80);
  assert_true(std::string(store.problem()).size() > 20);
  for (int round = 0; round < 2'000; ++round) {
    crdt::Op erasure;
    const std::string key = "key" + std::to_string(round % count);
    erasure.cell.name = {"map", key};
    assert_ok(store.append(erasure).status());
    assert_ok(store.commit());
    assert_status(put(round % count), Status::ok);
    assert_ok(store.commit());
  }
  assert_int_equal(store.cell_count(), count);
  assert_ok(run.open(options));
  assert_int_equal(run.chip->store().cell_count(), count);
  assert_string_equal(run.device.violation().c_str(), "");
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
#define fault_test(test) cmocka_unit_test_setup_teardown(test, make, drop)
  const CMUnitTest tests[] = {
      cmocka_unit_test(too_little_memory_is_refused_whatever_it_is_missing_for),
      fault_test(a_sector_that_fails_is_retired_and_costs_nothing),
      fault_test(a_failure_that_passes_costs_no_sector),
      fault_test(a_device_that_fails_for_a_while_is_written_to_again),
      fault_test(a_device_that_fails_for_good_is_io_for_good),
      fault_test(no_call_erases_more_than_a_sector),
      fault_test(a_partition_that_is_too_small_or_of_another_size_is_refused),
      fault_test(a_later_format_is_refused_by_name_and_left_alone),
      fault_test(a_full_partition_says_so_and_takes_erasures),
  };
  return cmocka_run_group_tests_name("flash store, faults", tests, nullptr, nullptr);
}
