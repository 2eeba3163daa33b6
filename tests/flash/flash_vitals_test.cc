// SPDX-License-Identifier: Apache-2.0
//
// What a device with a flash store tells of its flash.

#include "ports/inspect/flash_vitals.h"

#include "tests/check.h"
#include "tests/flash/flash_chip.h"

namespace {

using namespace grid;

void the_wear_of_the_flash_is_told_as_the_store_knows_it(void**) {
  test::NorEmulator device(8);
  storage::FlashOptions options;
  auto chip = std::make_unique<test::FlashChip>(device, options);
  assert_ok(chip->store().mount());
  std::uint8_t number[] = {0x18, 0};
  for (int i = 0; i < 2'000; ++i) {
    number[1] = static_cast<std::uint8_t>(i % 128);
    const crdt::Cell cell{{"m", "k"}, crdt::Stamp::of(1, static_cast<std::uint16_t>(i), 5), 0, number};
    assert_ok(chip->store().append({.cell = cell}).status());
    assert_ok(chip->store().commit());
  }
  const storage::FlashStore::Wear wear = chip->store().wear();
  std::uint8_t room[256];
  crdt::ValueWriter writer(room);

  writer.begin_record();
  port::FlashVitals(chip->store()).tell(writer);
  writer.end_record();

  assert_true(wear.erases_max > 0);
  const Result<Bytes> bytes = writer.finish();
  assert_ok(bytes.status());
  const crdt::Value told(*bytes);
  assert_int_equal(told["flash_records_lost"].integer_or(-1), 0);
  assert_int_equal(told["flash_sectors"].integer_or(0), 8);
  assert_int_equal(told["flash_sectors_good"].integer_or(0), wear.sectors_good);
  assert_int_equal(told["flash_erases_max"].integer_or(-1), wear.erases_max);
  assert_int_equal(told["flash_erases_sum"].integer_or(-1), wear.erases_sum);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(the_wear_of_the_flash_is_told_as_the_store_knows_it)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
