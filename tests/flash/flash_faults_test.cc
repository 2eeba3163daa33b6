// SPDX-License-Identifier: Apache-2.0
//
// FlashStore on chips that fail: programs and erases that don't work, bits that turn over, and partitions that hold
// something else.

#include <algorithm>
#include <functional>
#include <memory>

#include "tests/check.h"
#include "tests/flash/flash_chip.h"
#include "tests/flash/flash_script.h"
#include "tests/unit/crdt/dice.h"

namespace grid::test {
namespace {

using storage::FlashOptions;

constexpr int kFlushEvery = 3;  // Steps.
constexpr std::uint32_t kSectors = 14;
constexpr FlashOptions kOptions{.cells_max = 30, .in_flight_max = 400, .facts_max = 8, .batch_bytes_max = 12'000};

struct Run {
  Run() = default;
  explicit Run(std::uint64_t seed) : script(seed) {}

  Status open(const FlashOptions& options = kOptions) {
    chip = std::make_unique<FlashChip>(device, options);
    return chip->store().mount();
  }
  void play(int steps) {
    for (int i = 1; i <= steps; ++i) {
      if (!script.step(chip->store())) fail_msg("step %d: %s", i, chip->store().problem());
      if (i % kFlushEvery != 0) continue;
      if (!script.flush(chip->store())) fail_msg("step %d: %s", i, chip->store().problem());
    }
  }
  std::string problem() const { return chip->store().problem(); }

  NorEmulator device{kSectors};
  FlashScript script{1};
  std::unique_ptr<FlashChip> chip;
  std::unique_ptr<FlashScript> scratch;
};

int make(void** state) {
  *state = new std::unique_ptr<Run>;
  return 0;
}
int drop(void** state) {
  delete static_cast<std::unique_ptr<Run>*>(*state);
  return 0;
}
Run& start(void** state, std::uint64_t seed) {
  auto& run = *static_cast<std::unique_ptr<Run>*>(*state);
  run = std::make_unique<Run>(seed);
  return *run;
}

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

bool names_an_offset(const std::string& problem) { return problem.find("at offset 0x") != std::string::npos; }

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

// Cells that stand still while others are written around them, until compaction has moved every sector.
constexpr int kStill = 20;

std::string still_key(int i) { return "still" + std::to_string(10 + i); }

Status put(storage::FlashStore& store, std::string_view key, std::string_view value, bool is_local = false) {
  crdt::Op op;
  op.cell = {{"map", key}, crdt::Stamp::of(1, 0, 1), 0, as_bytes(value)};
  op.local = is_local;
  GRID_TRY(store.append(op).status());
  return store.commit();
}

void write_around(storage::FlashStore& store, int writes) {
  for (int i = 0; i < writes; ++i) {
    const Status status = put(store, "moving" + std::to_string(i % 7), std::string(100, 'm'));
    if (status != Status::ok) fail_msg("write %d: %s, %s", i, name_of(status), store.problem());
  }
}

int count_still(storage::FlashStore& store) {
  int count = 0;
  for (int i = 0; i < kStill; ++i) {
    const std::string key = still_key(i);
    const Result<crdt::Op> op = store.find({"map", key});
    assert_true(op.ok() || op.status() == Status::not_found);
    if (!op.ok()) continue;
    assert_true(as_text(op->cell.value) == "value of " + key);
    ++count;
  }
  return count;
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

// A bit that turns over is either not needed, or named; what it does not touch stays readable.
void rot_is_named_and_hides_nothing_else(void** state) {
  Dice dice;
  int named = 0, harmless = 0;
  for (int round = 0; round < 600; ++round) {
    Run& run = start(state, 11);
    assert_ok(run.open());
    run.play(30);
    const std::size_t cells = run.chip->store().cell_count();
    run.device.rot(static_cast<std::uint32_t>(dice.below(run.device.bytes().size())), static_cast<int>(dice.below(8)));
    const Status status = run.open();
    if (status == Status::ok) {
      ++harmless;
      continue;
    }
    ++named;
    assert_true(status == Status::corrupt || status == Status::newer || status == Status::invalid);
    assert_true(names_an_offset(run.problem()));
    FlashOptions salvage = kOptions;
    salvage.salvage = true;
    const bool is_record = run.problem().find("damaged is the record") != std::string::npos;
    assert_true(run.open(salvage) == Status::ok || !is_record);
    if (is_record) assert_true(run.chip->store().cell_count() + 1 >= cells);
  }
  print_message("%d rotten bits were named, %d were where nothing is needed\n", named, harmless);
  assert_true(named > 30);
}

void rot_under_a_running_store_is_named_and_the_rest_is_read(void** state) {
  Run& run = start(state, 13);
  assert_ok(run.open());
  storage::FlashStore& store = run.chip->store();
  for (const char* key : {"a", "b", "c"}) {
    crdt::Op op;
    op.cell = {{"map", key}, crdt::Stamp::of(1, 0, 1), 0, as_bytes("a value to be found")};
    assert_ok(store.append(op).status());
  }
  assert_ok(store.commit());
  const std::string_view all = as_text(run.device.bytes());
  const std::size_t second = all.find("value", all.find("value") + 1);
  run.device.rot(static_cast<std::uint32_t>(second), 0);
  assert_ok(store.find({"map", "a"}).status());
  assert_status(store.find({"map", "b"}).status(), Status::corrupt);
  assert_true(names_an_offset(store.problem()));
  assert_ok(store.find({"map", "c"}).status());
  assert_status(run.open(), Status::corrupt);
}

// STO-1
void rot_costs_the_record_that_it_hits_and_the_store_goes_on(void** state) {
  Dice dice;
  int lost = 0;
  for (int round = 0; round < 150; ++round) {
    Run& run = start(state, 1);
    assert_ok(run.open());
    storage::FlashStore& store = run.chip->store();
    for (int i = 0; i < kStill; ++i) assert_ok(put(store, still_key(i), "value of " + still_key(i), i % 2 == 0));
    assert_ok(store.set_fact("fact", as_bytes("of a device")));
    assert_ok(store.share(store.head()));
    assert_ok(store.commit());
    // Any byte of the records: a head, a name, a value.
    const std::uint64_t records_end = kStill * 112;
    run.device.rot(static_cast<std::uint32_t>(storage::flash::kRecordsAt + dice.below(records_end)),
                   static_cast<int>(dice.below(8)));
    // It is met by who looks for it, or by who compacts.
    for (int i = 0; i < kStill && round % 2 == 0; ++i) static_cast<void>(store.find({"map", still_key(i)}).status());
    if (round % 2 == 0) assert_true(count_still(store) >= kStill - 1);
    write_around(store, 1'500);
    const int left = count_still(store);
    assert_true(left >= kStill - 1);
    assert_int_equal(store.wear().records_lost, kStill - left);
    lost += kStill - left;
    const Result<Bytes> fact = store.fact("fact");
    assert_true(fact.ok() && as_text(*fact) == "of a device");
    for (crdt::Seq seq = 0; store.next_op(seq).ok();) seq = store.next_op(seq)->seq;
    assert_status(store.next_op(store.head()).status(), Status::not_found);
    assert_ok(run.open());  // Nothing damaged is left behind.
    assert_int_equal(count_still(run.chip->store()), left);
    assert_string_equal(run.device.violation().c_str(), "");
  }
  print_message("%d records were lost\n", lost);
  assert_true(lost > 50);
}

// STO-1  A cut leaves a sector that no commit ever covered. When the sector behind it is lost, and with it where the
// log came from, what the cut left must not come back: its sequences belong to other writes now.
void a_salvaged_log_has_nothing_that_was_never_committed(void** state) {
  Run& run = start(state, 1);
  FlashOptions options = kOptions;
  options.cells_max = 400;
  options.in_flight_max = 0;
  options.batch_bytes_max = 60'000;
  options.salvage = true;
  const auto append = [&run](const std::string& key, const std::string& value) {
    crdt::Op op;
    op.cell = {{"map", key}, crdt::Stamp::of(1, 0, 1), 0, as_bytes(value)};
    assert_ok(run.chip->store().append(op).status());
  };
  const auto place_of = [&run](const std::string& key) {
    return static_cast<std::size_t>(as_text(run.device.bytes()).find(key)) / 4'096;
  };
  const std::string filling(150, 'f');
  for (const bool is_cut_at_a_sector : {false, true}) {
    run.device = NorEmulator(kSectors);
    assert_ok(run.open(options));
    for (int i = 0; i < kStill; ++i) append(still_key(i), "value of " + still_key(i));
    assert_ok(run.chip->store().set_fact("fact", as_bytes("committed")));
    run.chip->store().seal();
    // A batch that is never sealed: in the same sector only, or in the next one too.
    const int voids = is_cut_at_a_sector ? 25 : 3;
    for (int i = 0; i < voids; ++i) append("void" + std::to_string(10 + i), filling);
    assert_ok(run.chip->store().set_fact("fact", as_bytes("void")));
    assert_true((place_of("void" + std::to_string(9 + voids)) != place_of("still10")) == is_cut_at_a_sector);
    assert_ok(run.open(options));
    for (int i = 0; i < 60; ++i) {
      append("later" + std::to_string(10 + i), filling);
      run.chip->store().seal();
    }
    const std::size_t lost = place_of("later10");
    run.device.rot(static_cast<std::uint32_t>(lost * 4'096 + storage::flash::Opening::kAt), 3);
    assert_ok(run.open(options));
    storage::FlashStore& store = run.chip->store();
    assert_int_equal(count_still(store), kStill);
    assert_string_equal(std::string(as_text(*store.fact("fact"))).c_str(), "committed");
    for (int i = 0; i < voids; ++i) {
      const std::string key = "void" + std::to_string(10 + i);
      assert_status(store.find({"map", key}).status(), Status::not_found);
    }
    int later = 0;
    for (int i = 0; i < 60; ++i) {
      const std::string key = "later" + std::to_string(10 + i);
      const bool is_lost = place_of(key) == lost;
      assert_status(store.find({"map", key}).status(), is_lost ? Status::not_found : Status::ok);
      later += is_lost ? 0 : 1;
    }
    assert_true(later > 20);
    write_around(store, 500);
    assert_int_equal(count_still(store), kStill);
  }
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

void noise_is_refused_with_an_offset(void** state) {
  Dice dice;
  for (int round = 0; round < 1'000; ++round) {
    Run& run = start(state, 1);
    const std::string noise = dice.bytes(kSectors * 4'096);
    run.device.load({noise.begin(), noise.end()});
    assert_status(run.open(), Status::corrupt);
    assert_true(names_an_offset(run.problem()));
    assert_int_equal(run.device.counts().changes(), 0);
  }
}

// Whatever a damaged image says, mounting, reading, writing and salvaging it does not crash.
void damaged_images_never_crash(void** state) {
  Dice dice;
  Run base(17);
  assert_ok(base.open());
  base.play(60);
  for (int round = 0; round < 1'000; ++round) {
    Run& run = start(state, 1);
    std::vector<std::uint8_t> image = base.device.bytes();
    for (std::uint64_t left = 1 + dice.below(6); left != 0; --left) {
      const std::size_t at = dice.below(image.size()),
                        size = std::min<std::size_t>(1 + dice.below(600), image.size() - at);
      const bool erases = dice.one_in(3);
      for (std::size_t i = 0; i < size; ++i) image[at + i] = erases ? 0xff : static_cast<std::uint8_t>(dice.any());
    }
    run.device.load(std::move(image));
    FlashOptions options = kOptions;
    options.salvage = dice.one_in(2);
    const Status status = run.open(options);
    if (status != Status::ok) {
      assert_true(run.problem().size() > 20);
      continue;
    }
    for (crdt::Seq seq = 0; run.chip->store().next_op(seq).ok();) seq = run.chip->store().next_op(seq)->seq;
    crdt::Op op;
    op.cell = {{"map", "key1"}, crdt::Stamp::of(1, 0, 1), 0, as_bytes("value")};
    for (int i = 0; i < 40; ++i) {
      static_cast<void>(run.chip->store().append(op).status());
      if (i % 8 == 0) static_cast<void>(run.chip->store().commit());
    }
    assert_string_equal(run.device.violation().c_str(), "");
  }
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
      fault_test(rot_is_named_and_hides_nothing_else),
      fault_test(rot_under_a_running_store_is_named_and_the_rest_is_read),
      fault_test(rot_costs_the_record_that_it_hits_and_the_store_goes_on),
      fault_test(no_call_erases_more_than_a_sector),
      fault_test(a_salvaged_log_has_nothing_that_was_never_committed),
      fault_test(noise_is_refused_with_an_offset),
      fault_test(damaged_images_never_crash),
      fault_test(a_partition_that_is_too_small_or_of_another_size_is_refused),
      fault_test(a_later_format_is_refused_by_name_and_left_alone),
      fault_test(a_full_partition_says_so_and_takes_erasures),
  };
  return cmocka_run_group_tests_name("flash store, faults", tests, nullptr, nullptr);
}
