// SPDX-License-Identifier: Apache-2.0
//
// ValueWriter: order out of disorder, and every misuse and limit as a status.

#include <algorithm>
#include <initializer_list>
#include <string>
#include <vector>

#include "crdt/value.h"
#include "tests/unit/crdt/value_model.h"

namespace grid::test {
namespace {

using crdt::Field;
using crdt::Scalar;

std::uint8_t room[1 << 20];

void fields_come_out_sorted_from_every_order(void**) {
  std::vector<std::string> names = {"", "a", "aa", "b", "ba", "\xc3\xa9"};
  std::string first;
  do {
    ValueWriter writer(room);
    writer.begin_record();
    for (const std::string& name : names) writer.field(name), writer.text(name + std::string(name.size() * 100, 'x'));
    writer.end_record();
    const Result<Bytes> encoded = writer.finish();
    assert_ok(encoded.status());
    assert_ok(crdt::check_value(*encoded));
    if (first.empty()) first = as_text(*encoded);
    assert_true(as_text(*encoded) == first);
  } while (std::next_permutation(names.begin(), names.end()));
}

void long_lists_and_records_make_room_for_their_lengths(void**) {
  for (const std::size_t size : {0u, 1u, 123u, 124u, 125u, 126u, 127u, 128u, 16'370u, 16'383u, 16'384u, 300'000u}) {
    const std::string text(size, 't');
    ValueWriter writer(room);
    writer.begin_record();
    writer.field("z");
    writer.begin_list();
    writer.text(text);
    writer.integer(1);
    writer.end_list();
    writer.field("a");
    writer.text(text);
    writer.end_record();
    const Result<Bytes> encoded = writer.finish();
    assert_ok(encoded.status());
    assert_ok(crdt::check_value(*encoded));
    const Value record(*encoded);
    assert_true(record["a"].text_or("?") == text);
    Value::Walk items(record["z"]);
    assert_true(items.next() && items.value().text_or("?") == text);
    assert_true(items.next() && items.value().integer_or(0) == 1);
    assert_false(items.next());
  }
}

void a_room_of_exactly_the_size_is_enough_and_less_is_full(void**) {
  Dice dice;
  for (int i = 0; i < 500; ++i) {
    const Model model = drawn_model(dice, 4);
    const std::size_t size = encode(model).size;
    for (std::size_t less = 0; less <= std::min<std::size_t>(size, 40); ++less) {
      const std::vector<std::uint8_t> zeros(size - less);
      Encoded exact{Bytes(zeros)};
      ValueWriter writer({exact.memory.get(), exact.size});
      write(model, writer);
      assert_status(writer.finish().status(), less == 0 ? Status::ok : Status::full);
    }
  }
}

void open_lists(ValueWriter& writer, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) writer.begin_list();
}
void close_lists(ValueWriter& writer, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) writer.end_list();
}

void depth_ends_at_its_limit(void**) {
  ValueWriter deep(room);
  open_lists(deep, kValueDepthMax);
  deep.integer(1);
  close_lists(deep, kValueDepthMax);
  assert_ok(deep.finish().status());
  assert_ok(crdt::check_value(*deep.finish()));
  ValueWriter deeper(room);
  open_lists(deeper, kValueDepthMax + 1);
  close_lists(deeper, kValueDepthMax + 1);
  assert_status(deeper.finish().status(), Status::too_large);
}

void a_copy_counts_with_the_depth_that_it_brings(void**) {
  std::uint8_t small[64];
  ValueWriter five(small);
  open_lists(five, 5);
  close_lists(five, 5);
  const Value copied(*five.finish());
  for (const std::size_t around : {0u, 3u, 4u}) {
    ValueWriter writer(room);
    open_lists(writer, around);
    writer.copy_of(copied);
    close_lists(writer, around);
    assert_status(writer.finish().status(), around + 5 <= kValueDepthMax ? Status::ok : Status::too_large);
  }
}

void a_record_ends_at_its_limit(void**) {
  for (const std::size_t count : {crdt::kRecordFieldsMax, crdt::kRecordFieldsMax + 1}) {
    ValueWriter writer(room);
    writer.begin_record();
    for (std::size_t i = count; i > 0; --i) writer.field(std::to_string(10'000 + i)), writer.null();
    writer.end_record();
    const Result<Bytes> encoded = writer.finish();
    assert_status(encoded.status(), count == crdt::kRecordFieldsMax ? Status::ok : Status::too_large);
    if (encoded.ok()) assert_ok(crdt::check_value(*encoded));
  }
}

void a_copy_is_the_value(void**) {
  Dice dice;
  for (int i = 0; i < 1'000; ++i) {
    const Encoded inner = encode(drawn_model(dice, 3));
    ValueWriter writer(room);
    writer.begin_record();
    writer.field("it");
    writer.copy_of(Value(inner.bytes()));
    writer.end_record();
    const Result<Bytes> encoded = writer.finish();
    assert_ok(encoded.status());
    assert_true(equal(Value(*encoded)["it"].canonical(), inner.bytes()));
  }
}

using Misuse = void (*)(ValueWriter&);

const Misuse kMisuses[] = {
    [](ValueWriter&) {},
    [](ValueWriter& w) { w.null(), w.null(); },
    [](ValueWriter& w) { w.null(), w.begin_list(), w.end_list(); },
    [](ValueWriter& w) { w.begin_list(); },
    [](ValueWriter& w) { w.end_list(); },
    [](ValueWriter& w) { w.end_record(); },
    [](ValueWriter& w) { w.begin_list(), w.end_record(); },
    [](ValueWriter& w) { w.begin_record(), w.end_list(); },
    [](ValueWriter& w) { w.field("a"), w.null(); },
    [](ValueWriter& w) { w.begin_list(), w.field("a"), w.null(), w.end_list(); },
    [](ValueWriter& w) { w.begin_record(), w.null(), w.end_record(); },
    [](ValueWriter& w) { w.begin_record(), w.field("a"), w.end_record(); },
    [](ValueWriter& w) { w.begin_record(), w.field("a"), w.field("b"), w.null(), w.end_record(); },
    [](ValueWriter& w) { w.begin_record(), w.field("a"), w.null(), w.null(), w.end_record(); },
    [](ValueWriter& w) { w.begin_record(), w.field("a"), w.null(), w.field("a"), w.null(), w.end_record(); },
    [](ValueWriter& w) {
      w.begin_record();
      for (const char* name : {"b", "d", "a", "c", "b"}) w.field(name), w.null();
      w.end_record();
    },
    [](ValueWriter& w) { w.begin_record(), w.field("\xff"), w.null(), w.end_record(); },
    [](ValueWriter& w) { w.text("\xc3"); },
    [](ValueWriter& w) { w.ref("\xed\xa0\x80"); },
    [](ValueWriter& w) { w.copy_of(Value()); },
    [](ValueWriter& w) { w.begin_list(), w.copy_of(Value()), w.end_list(); },
};

void every_misuse_is_invalid(void**) {
  for (const Misuse& misuse : kMisuses) {
    ValueWriter writer(room);
    misuse(writer);
    assert_status(writer.finish().status(), Status::invalid);
  }
}

void the_first_error_stays(void**) {
  ValueWriter writer({room, 1});
  writer.text("too long for it");
  writer.end_record();
  assert_status(writer.finish().status(), Status::full);
}

void scalars_write_what_they_hold(void**) {
  std::uint8_t small[16];
  ValueWriter inner(small);
  inner.bytes(as_bytes("raw"));
  const Field fields[] = {{"n", nullptr},
                          {"t", true},
                          {"i", -5},
                          {"u", std::uint16_t{9}},
                          {"d", 21.5},
                          {"s", "text"},
                          {"v", Value(*inner.finish())}};
  ValueWriter writer(room);
  writer.begin_record();
  for (const Field& field : fields) writer.field(field.name), field.value.write(writer);
  writer.end_record();
  const Value record(*writer.finish());
  assert_true(record["n"].kind() == ValueKind::null);
  assert_true(record["t"].truth_or(false));
  assert_int_equal(record["i"].integer_or(0), -5);
  assert_int_equal(record["u"].integer_or(0), 9);
  assert_true(record["d"].number_or(0) == 21.5);
  assert_true(record["s"].text_or("") == "text");
  assert_true(as_text(record["v"].bytes_or({})) == "raw");
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(fields_come_out_sorted_from_every_order),
      cmocka_unit_test(long_lists_and_records_make_room_for_their_lengths),
      cmocka_unit_test(a_room_of_exactly_the_size_is_enough_and_less_is_full),
      cmocka_unit_test(depth_ends_at_its_limit),
      cmocka_unit_test(a_copy_counts_with_the_depth_that_it_brings),
      cmocka_unit_test(a_record_ends_at_its_limit),
      cmocka_unit_test(a_copy_is_the_value),
      cmocka_unit_test(every_misuse_is_invalid),
      cmocka_unit_test(the_first_error_stays),
      cmocka_unit_test(scalars_write_what_they_hold),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
