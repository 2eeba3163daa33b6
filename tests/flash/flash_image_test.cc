// SPDX-License-Identifier: Apache-2.0
//
// What is found in images of a flash partition: nothing wrong in one that a power cut left, the right offset in one
// that was damaged, and all rows that can be read.

#include <algorithm>
#include <memory>

#include "storage/image/image_check.h"
#include "storage/image/image_salvage.h"
#include "storage/image/nor_image.h"
#include "tests/check.h"
#include "tests/flash/flash_chip.h"
#include "tests/flash/flash_script.h"
#include "tests/unit/crdt/dice.h"
#include "tests/unit/crdt/hex.h"

namespace grid::test {
namespace {

using storage::FlashOptions;
using storage::ImageCheck;
using storage::ImageLog;
using storage::ImageRecord;
using Image = std::vector<std::uint8_t>;

constexpr std::uint32_t kSectorBytes = 4'096;
constexpr std::uint32_t kSectors = 14;
constexpr FlashOptions kOptions{.cells_max = 400, .in_flight_max = 400, .facts_max = 20, .batch_bytes_max = 12'000};

struct Store {
  explicit Store(Image bytes, const FlashOptions& options = kOptions)
      : image(std::move(bytes)),
        device(image, kSectorBytes),
        memory(storage::FlashStore::memory_bytes(kOptions, device.sector_count())),
        arena(memory),
        store(device, arena, options) {}

  Image image;
  storage::NorImage device;
  std::vector<std::uint8_t> memory;
  Arena arena;
  storage::FlashStore store;
};

// What a test holds, so that a failing one leaves nothing behind.
struct Bench {
  std::unique_ptr<FlashChip> chip;
  std::unique_ptr<Store> store;
  std::unique_ptr<ImageLog> log;
  Image image;
};

int make(void** state) {
  *state = new Bench;
  return 0;
}
int drop(void** state) {
  delete static_cast<Bench*>(*state);
  return 0;
}
Bench& bench_of(void** state) { return *static_cast<Bench*>(*state); }

// The script's first `steps` on a chip that is already there; ends where the power goes.
void play(Bench& bench, NorEmulator& device, FlashScript& script, int steps) {
  bench.chip = std::make_unique<FlashChip>(device, kOptions);
  if (bench.chip->store().mount() != Status::ok) return;
  for (int i = 1; i <= steps; ++i) {
    if (!script.step(bench.chip->store())) return;
    if (i % 3 == 0 && !script.flush(bench.chip->store())) return;
  }
}

Image image_of(Bench& bench, std::uint64_t seed, int steps) {
  NorEmulator device(kSectors);
  FlashScript script(seed);
  play(bench, device, script, steps);
  bench.chip.reset();
  return device.bytes();
}

ImageCheck check(Bench& bench, const Image& image) {
  bench.log = std::make_unique<ImageLog>(image, kSectorBytes);
  return storage::check_image(*bench.log);
}

// Records of the log, but for the commit at its end.
std::vector<ImageRecord> records_of(const ImageLog& log) {
  std::vector<ImageRecord> records;
  for (const std::uint32_t sector : log.order()) {
    log.walk(
        log.begin_of(sector), log.sectors()[sector].end, [&](const ImageRecord& record) { records.push_back(record); },
        [](storage::flash::Address, storage::flash::Address) {});
  }
  records.pop_back();
  return records;
}

void an_image_that_a_power_cut_left_has_no_damage(void** state) {
  Bench& bench = bench_of(state);
  Dice dice;
  int unsure = 0;
  for (int round = 0; round < 60; ++round) {
    NorEmulator device(kSectors);
    FlashScript script(dice.any());
    play(bench, device, script, 40);
    for (int cut = 0; cut < 10; ++cut) {
      device.cut_at(dice.below(40), static_cast<NorEmulator::Tear>(dice.below(3)), dice.any());
      FlashScript more(dice.any());
      play(bench, device, more, 30);
      device.power_on();
      const ImageCheck found = check(bench, device.bytes());
      unsure += !found.unsure.empty();
      if (found.damage.empty()) continue;
      fail_msg("round %d, cut %d: 0x%llx: %s", round, cut, 0ull + found.damage[0].offset, found.damage[0].what.c_str());
    }
  }
  print_message("%d of 600 had a batch that no commit closes\n", unsure);
  assert_true(unsure > 20);
}

void a_damaged_byte_in_a_record_is_named_by_the_record(void** state) {
  Bench& bench = bench_of(state);
  Dice dice;
  for (int round = 0; round < 1'000; ++round) {
    if (round % 50 == 0) bench.image = image_of(bench, dice.any(), 120);
    const ImageCheck whole = check(bench, bench.image);
    const std::vector<ImageRecord> records = records_of(*bench.log);
    assert_int_equal(whole.damage.size(), 0);
    assert_int_equal(whole.records, records.size() + 1);
    const ImageRecord& record = records[dice.below(records.size())];
    const std::uint64_t offset = std::uint64_t{record.at} * storage::flash::kUnitBytes;
    const std::uint64_t byte = offset + dice.below(record.bytes.size());
    const std::uint8_t before = bench.image[byte];
    bench.image[byte] = static_cast<std::uint8_t>(before ^ (1 + dice.below(255)));
    const ImageCheck found = check(bench, bench.image);
    bench.image[byte] = before;
    if (found.damage.size() == 1 && found.damage[0].offset == offset) continue;
    fail_msg("round %d, byte 0x%llx of the record at 0x%llx: %zu found, first at 0x%llx", round, 0ull + byte,
             0ull + offset, found.damage.size(), found.damage.empty() ? 0ull : 0ull + found.damage[0].offset);
  }
}

void a_damaged_front_of_a_sector_is_named(void** state) {
  Bench& bench = bench_of(state);
  Dice dice;
  bench.image = image_of(bench, dice.any(), 150);
  check(bench, bench.image);
  const std::vector<std::uint32_t> order = bench.log->order();
  assert_true(order.size() > 3);
  for (const std::uint32_t sector : order) {
    for (std::uint64_t byte = 0; byte < storage::flash::kRecordsAt; ++byte) {
      Image image = bench.image;
      image[sector * kSectorBytes + byte] ^= 0x10;
      const ImageCheck found = check(bench, image);
      assert_true(found.damage.size() >= 1);
      const std::uint64_t part = byte < storage::flash::Opening::kAt ? 0 : storage::flash::Opening::kAt;
      assert_int_equal(found.damage[0].offset, sector * kSectorBytes + part);
    }
  }
}

// Damage there looks like a power cut, and is told as one.
void damage_to_the_last_commit_is_not_passed_over_in_silence(void** state) {
  Bench& bench = bench_of(state);
  Dice dice;
  for (int round = 0; round < 40; ++round) {
    Image image = image_of(bench, dice.any(), 30 + static_cast<int>(dice.below(90)));
    check(bench, image);
    const std::uint32_t sector = bench.log->order().back();
    const std::uint64_t end = std::uint64_t{bench.log->sectors()[sector].end} * storage::flash::kUnitBytes;
    image[end - 1 - dice.below(storage::flash::Head::kCommitBytes)] ^= 0x04;
    const ImageCheck found = check(bench, image);
    assert_int_equal(found.damage.size(), 0);
    assert_true(std::any_of(found.unsure.begin(), found.unsure.end(),
                            [&](const storage::Finding& each) { return each.offset / kSectorBytes == sector; }));
  }
}

// A damaged image mounts, or the check says why not; what is salvaged was written once.
void damaged_images_are_checked_and_salvaged(void** state) {
  Bench& bench = bench_of(state);
  Dice dice;
  const Image base = image_of(bench, dice.any(), 90);
  check(bench, base);
  const std::size_t rows = storage::salvage_image(*bench.log).rows.size();
  assert_true(rows > 10);
  std::size_t salvaged = 0;
  for (int round = 0; round < 1'000; ++round) {
    Image image = base;
    for (std::uint64_t left = 1 + dice.below(6); left != 0; --left) {
      const std::size_t at = dice.below(image.size()),
                        size = std::min<std::size_t>(1 + dice.below(600), image.size() - at);
      const bool erases = dice.one_in(3);
      for (std::size_t i = 0; i < size; ++i) image[at + i] = erases ? 0xff : static_cast<std::uint8_t>(dice.any());
    }
    const ImageCheck found = check(bench, image);
    const storage::Salvage salvage = storage::salvage_image(*bench.log);
    for (const storage::SalvagedRow& row : salvage.rows) {
      const std::string_view value = as_text(row.op.cell.value);
      if (row.op.cell.name.map == "map" && value.find_first_not_of('v') == value.npos) continue;
      fail_msg("round %d: salvaged what was never written", round);
    }
    salvaged += salvage.rows.size();
    bench.store = std::make_unique<Store>(std::move(image));
    const Status status = bench.store->store.mount();
    if (found.damage.empty() && status != Status::ok) fail_msg("round %d: %s", round, bench.store->store.problem());
    if (status == Status::ok) static_cast<void>(bench.store->store.next_cell({}).status());
  }
  print_message("%zu of %zu rows\n", salvaged, 1'000 * rows);
  assert_true(salvaged > 600 * rows);
}

void a_record_that_is_damaged_costs_its_own_row_only(void** state) {
  Bench& bench = bench_of(state);
  Dice dice;
  Image image = image_of(bench, dice.any(), 60);
  check(bench, image);
  const std::size_t rows = storage::salvage_image(*bench.log).rows.size();
  std::vector<ImageRecord> records = records_of(*bench.log);
  for (const ImageRecord& record : records) {
    const std::size_t at = std::size_t{record.at} * storage::flash::kUnitBytes;
    image[at] ^= 1;
    check(bench, image);
    const storage::Salvage salvage = storage::salvage_image(*bench.log);
    assert_int_equal(salvage.skipped.size(), 1);
    assert_int_equal(salvage.skipped[0].offset, at);
    // An erasure that is lost brings its row back; everything else costs at most one.
    assert_true(salvage.rows.size() + 1 >= rows && salvage.rows.size() <= rows + 1);
    image[at] ^= 1;
  }
}

Image golden_image() {
  Image image;
  for (const std::vector<std::string>& line : golden(GRID_GOLDEN, "flash-1.txt", 2)) {
    const std::vector<std::uint8_t> bytes = unhex(line[1]);
    image.resize(unhex_number(line[0]), 0xff);
    image.insert(image.end(), bytes.begin(), bytes.end());
  }
  return image;
}

// STO-1: an image that a device somewhere may hold, with what power cuts left in it.
void the_golden_image_reads_as_it_always_did(void** state) {
  Bench& bench = bench_of(state);
  const Image image = golden_image();
  const ImageCheck found = check(bench, image);
  assert_int_equal(found.damage.size(), 0);
  assert_int_equal(found.unsure.size(), 0);
  assert_int_equal(found.records, 20);
  bench.store = std::make_unique<Store>(image);
  storage::FlashStore& store = bench.store->store;
  assert_ok(store.mount());
  const std::string ajar = "bench/2=-@1795226460080*";
  assert_int_equal(store.head(), 17);
  assert_int_equal(store.shared(), 13);
  assert_int_equal(store.settled(), 12);
  const auto hex_of = [&](const char* fact) { return hex(*store.fact(fact)); };
  assert_string_equal(hex_of("node").c_str(), "9f3c61d2a0b4e875");
  assert_string_equal(hex_of("app").c_str(),
                      "67726565"
                      "6e686f757365");
  assert_string_equal(hex_of("clock").substr(0, 32).c_str(), "01a1fbd62d8000009f3c61d2a0b4e875");
  assert_status(store.fact("fork").status(), Status::not_found);
  const std::string i300("\x18\xd8\x04"), i301("\x18\xda\x04"), yes("\x10\x01");
  const std::string record("\x52\x13\x0a\x11\x0a\x04temp\x12\x09\x21\0\0\0\0\0\x80\x35\x40", 21);
  const std::string cells = "bench/1=" + record + "@1795226460020 " + ajar + " bench/3=" + i301 +
                            "@1795226460070* front=" + yes + "@1795226460095*";
  assert_true(cells_of(store) == cells);
  const std::string ops = "11:bench/1=" + record + "@1795226460020 13:bench/3=" + i300 +
                          "@1795226460040!4102444800000* 15:bench/3=" + i301 + "@1795226460070* 16:" + ajar +
                          " 17:front=" + yes + "@1795226460095*";
  assert_true(ops_of(store) == ops);
  assert_int_equal(store.wear().sectors_good, 7);
}

void put(Bench& bench, const std::string& key) {
  const std::string value(900, 'v');
  crdt::Op op;
  op.cell = {{"map", key}, crdt::Stamp::of(1, 0, 1), 0, as_bytes(value)};
  assert_ok(bench.chip->store().append(op).status());
}

// A sector is full, the next one was begun and never closed, a third goes on behind the first, whose opening is lost.
void a_salvaged_mount_takes_nothing_that_a_cut_left_open(void** state) {
  Bench& bench = bench_of(state);
  NorEmulator device(8);
  bench.chip = std::make_unique<FlashChip>(device, kOptions);
  assert_ok(bench.chip->store().mount());
  for (const char* key : {"a", "b", "c", "d"}) {
    put(bench, key);
    assert_ok(bench.chip->store().commit());
  }
  for (const char* key : {"open1", "open2"}) put(bench, key);
  bench.chip = std::make_unique<FlashChip>(device, kOptions);
  assert_ok(bench.chip->store().mount());
  put(bench, "e");
  bench.chip->store().seal();  // The power goes before what was begun is erased.
  check(bench, device.bytes());
  assert_int_equal(bench.log->order().size(), 2);
  device.rot(bench.log->order()[0] * kSectorBytes + storage::flash::Opening::kAt, 0);
  FlashOptions options = kOptions;
  options.salvage = true;
  bench.store = std::make_unique<Store>(device.bytes(), options);
  assert_ok(bench.store->store.mount());
  assert_int_equal(bench.store->store.cell_count(), 1);
  assert_ok(bench.store->store.find({"map", "e"}).status());
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
#define image_test(test) cmocka_unit_test_setup_teardown(test, make, drop)
  const CMUnitTest tests[] = {
      image_test(an_image_that_a_power_cut_left_has_no_damage),
      image_test(a_damaged_byte_in_a_record_is_named_by_the_record),
      image_test(a_damaged_front_of_a_sector_is_named),
      image_test(damage_to_the_last_commit_is_not_passed_over_in_silence),
      image_test(damaged_images_are_checked_and_salvaged),
      image_test(a_record_that_is_damaged_costs_its_own_row_only),
      image_test(the_golden_image_reads_as_it_always_did),
      image_test(a_salvaged_mount_takes_nothing_that_a_cut_left_open),
  };
  return cmocka_run_group_tests_name("flash images", tests, nullptr, nullptr);
}
