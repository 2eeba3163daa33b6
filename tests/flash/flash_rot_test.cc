// SPDX-License-Identifier: Apache-2.0
//
// FlashStore on partitions whose bits turn over, that lost a sector, or that hold noise.

#include "tests/flash/flash_run.h"
#include "tests/unit/crdt/dice.h"

namespace grid::test {
namespace {

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

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
#define fault_test(test) cmocka_unit_test_setup_teardown(test, make, drop)
  const CMUnitTest tests[] = {
      fault_test(rot_is_named_and_hides_nothing_else),
      fault_test(rot_under_a_running_store_is_named_and_the_rest_is_read),
      fault_test(rot_costs_the_record_that_it_hits_and_the_store_goes_on),
      fault_test(a_salvaged_log_has_nothing_that_was_never_committed),
      fault_test(noise_is_refused_with_an_offset),
      fault_test(damaged_images_never_crash),
  };
  return cmocka_run_group_tests_name("flash store, rot", tests, nullptr, nullptr);
}
