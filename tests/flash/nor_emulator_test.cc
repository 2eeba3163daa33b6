// SPDX-License-Identifier: Apache-2.0
//
// The emulator itself: that it refuses what a chip would not do, and that what it cuts is cut.

#include "tests/flash/nor_emulator.h"

#include "tests/check.h"

namespace grid::test {
namespace {

const std::vector<std::uint8_t> kPage(256, 0x5a);

Bytes units(std::size_t count) { return Bytes(kPage).first(count * 16); }

void a_program_must_be_aligned_within_a_page_and_on_erased_bytes(void**) {
  const auto violates = [](std::uint32_t offset, std::size_t size) {
    NorEmulator device(2);
    assert_ok(device.program(64, units(1)));
    assert_true(device.violation().empty());
    assert_status(device.program(offset, Bytes(kPage).first(size)), Status::io);
    return !device.violation().empty();
  };
  assert_true(violates(8, 16));
  assert_true(violates(16, 15));
  assert_true(violates(240, 32));
  assert_true(violates(48, 32));
  assert_true(violates(8'192, 16));
}

void a_unit_is_programmed_once_even_with_ones(void**) {
  NorEmulator device(1);
  const std::vector<std::uint8_t> ones(16, 0xff);
  assert_ok(device.program(0, ones));
  assert_status(device.program(0, units(1)), Status::io);
  assert_false(device.violation().empty());
}

void an_erase_makes_a_sector_new_and_is_counted(void**) {
  NorEmulator device(2);
  assert_ok(device.program(4'096, units(16)));
  assert_ok(device.erase(1));
  assert_int_equal(device.bytes()[4'096], 0xff);
  assert_ok(device.program(4'096, units(16)));
  assert_int_equal(device.erases()[1], 1);
}

void a_cut_leaves_a_part_and_then_nothing_works(void**) {
  bool was_partial = false;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    NorEmulator device(1);
    device.cut_at(1, NorEmulator::Tear::within, seed);
    assert_ok(device.program(0, units(1)));
    assert_status(device.program(16, units(4)), Status::io);
    assert_true(device.is_cut());
    assert_status(device.erase(0), Status::io);
    std::uint8_t byte = 0;
    assert_status(device.read(0, {&byte, 1}), Status::io);
    device.power_on();
    assert_ok(device.read(0, {&byte, 1}));
    assert_int_equal(byte, 0x5a);
    was_partial = was_partial || (device.bytes()[16] == 0x5a && device.bytes()[79] == 0xff);
    for (std::size_t i = 16; i < 80; ++i) assert_int_equal(device.bytes()[i] & 0x5a, 0x5a);
  }
  assert_true(was_partial);
}

void a_worn_sector_goes_on_failing(void**) {
  NorEmulator device(2);
  device.fail_at(0, true, 1);
  assert_status(device.erase(0), Status::io);
  assert_status(device.erase(0), Status::io);
  assert_ok(device.erase(1));
  assert_true(device.has_failed());
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_program_must_be_aligned_within_a_page_and_on_erased_bytes),
      cmocka_unit_test(a_unit_is_programmed_once_even_with_ones),
      cmocka_unit_test(an_erase_makes_a_sector_new_and_is_counted),
      cmocka_unit_test(a_cut_leaves_a_part_and_then_nothing_works),
      cmocka_unit_test(a_worn_sector_goes_on_failing),
  };
  return cmocka_run_group_tests_name("NOR emulator", tests, nullptr, nullptr);
}
