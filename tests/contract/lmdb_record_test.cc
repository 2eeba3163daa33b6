// SPDX-License-Identifier: Apache-2.0
//
// The bytes of storage/lmdb: pinned as docs/STORAGE.md has them, and none but those that were written are believed.

#include <string>
#include <vector>

#include "storage/lmdb/record.h"
#include "tests/check.h"
#include "tests/unit/crdt/dice.h"
#include "tests/unit/crdt/hex.h"

namespace grid::storage::lmdb {
namespace {

crdt::Op example() {
  crdt::Op op;
  op.cell = {{"climate", "bench/3", "s"}, crdt::Stamp::of(1'700'000'000'123, 7, 0x1f), 1'700'000'060'000, {}};
  op.cell.value = as_bytes("\x30\x2a");
  op.base = crdt::Stamp::of(1'600'000'000'000, 0, 0x2f);
  op.quality = crdt::ClockQuality::ntp;
  op.local = true;
  return op;
}

std::vector<std::uint8_t> record_of(Seq seq, const crdt::Op& op) {
  std::vector<std::uint8_t> record(record_size(op));
  write_record(seq, op, record);
  return record;
}

void a_record_has_the_bytes_that_are_documented(void**) {
  const std::vector<std::uint8_t> record = record_of(42, example());
  assert_string_equal(test::hex(record).c_str(),
                      "ea5caea6010d030707000100"          // checksum; version, flags, quality; lengths
                      "018bcfe5687b0007000000000000001f"  // stamp
                      "0174876e80000000000000000000002f"  // base
                      "6052e6cf8b010000"                  // expiry
                      "636c696d61746562656e63682f3373"    // names
                      "302a");
}

void a_plain_record_has_no_base_and_no_expiry(void**) {
  crdt::Op op = example();
  op.base = {};
  op.cell.expires_ms = 0;
  op.local = false;
  assert_int_equal(record_size(op), kSealBytes + kOpHeadBytes + 7 + 7 + 1 + 2);
  const std::vector<std::uint8_t> record = record_of(1, op);
  crdt::Op out;
  assert_true(read_record(1, record, out));
  assert_true(out.base.is_none() && out.cell.expires_ms == 0 && !out.local && out.cell.name == op.cell.name);
}

void a_record_that_was_touched_is_not_believed(void**) {
  const std::vector<std::uint8_t> record = record_of(42, example());
  crdt::Op out;
  assert_true(read_record(42, record, out));
  assert_false(read_record(43, record, out));
  for (std::size_t bit = 0; bit < 8 * record.size(); ++bit) {
    std::vector<std::uint8_t> touched = record;
    touched[bit / 8] = static_cast<std::uint8_t>(touched[bit / 8] ^ (1U << (bit % 8)));
    assert_false(read_record(42, touched, out));
  }
  for (std::size_t size = 0; size < record.size(); ++size) {
    assert_false(read_record(42, Bytes(record).first(size), out));
  }
}

void names_sort_as_keys_as_they_do_as_names(void**) {
  test::Dice dice;
  const auto text = [&](std::size_t size_max, bool any) {
    std::string drawn(dice.below(size_max), ' ');
    for (char& byte : drawn) byte = static_cast<char>(any ? dice.below(256) : ' ' + dice.below(3));
    return drawn;
  };
  for (int i = 0; i < 50'000; ++i) {
    const std::string parts[] = {text(3, false), text(4, false), text(3, true),
                                 text(3, false), text(4, false), text(3, true)};
    const crdt::CellName a{parts[0], parts[1], parts[2]}, b{parts[3], parts[4], parts[5]};
    assert_true((a < b) == (NameKey(a).text() < NameKey(b).text()));
  }
}

void marks_come_back_or_say_why_not(void**) {
  std::uint8_t bytes[Marks::kBytes];
  Marks marks, out;
  marks.head = 4;
  marks.shared = 3;
  marks.settled = 2;
  marks.folded = 1;
  marks.write(bytes);
  std::uint32_t format = 0;
  assert_ok(Marks::read(bytes, out, format));
  assert_true(out.head == 4 && out.shared == 3 && out.settled == 2 && out.folded == 1);
  assert_status(Marks::read(Bytes(bytes).first(Marks::kBytes - 1), out, format), Status::corrupt);
  bytes[20] ^= 1;
  assert_status(Marks::read(bytes, out, format), Status::corrupt);
  bytes[8] = 2;
  assert_status(Marks::read(bytes, out, format), Status::newer);
  assert_int_equal(format, 2);
}

}  // namespace
}  // namespace grid::storage::lmdb

int main() {
  using namespace grid::storage::lmdb;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_record_has_the_bytes_that_are_documented),
      cmocka_unit_test(a_plain_record_has_no_base_and_no_expiry),
      cmocka_unit_test(a_record_that_was_touched_is_not_believed),
      cmocka_unit_test(names_sort_as_keys_as_they_do_as_names),
      cmocka_unit_test(marks_come_back_or_say_why_not),
  };
  return cmocka_run_group_tests_name("LMDB store, bytes", tests, nullptr, nullptr);
}
