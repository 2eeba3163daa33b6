// SPDX-License-Identifier: Apache-2.0
//
// Control messages beside nanopb's own runtime, which no device links: both make the same bytes of a message, and
// whatever is taken here nanopb takes for the same message.

#include <pb_common.h>
#include <pb_decode.h>
#include <pb_encode.h>

#include "tests/check.h"
#include "tests/unit/crdt/dice.h"
#include "tests/unit/wire/samples.h"

namespace grid::wire {
namespace {

using namespace test;

template <typename Message>
Frame encoded_by_nanopb(const pb_msgdesc_t* fields, Kind kind, const Message& message) {
  Frame frame(kControlBytesMax);
  frame[0] = static_cast<std::uint8_t>(kind);
  pb_ostream_t stream = pb_ostream_from_buffer(frame.data() + 1, frame.size() - 1);
  assert_true(pb_encode(&stream, fields, &message));
  frame.resize(stream.bytes_written + 1);
  return frame;
}

// Any length, with the ends of the range more often than others.
std::size_t any_size(Dice& dice, std::size_t most) {
  const std::size_t draw = dice.below(4);
  return draw == 0 ? 0 : draw == 1 ? most : dice.below(most + 1);
}

void fill(Dice& dice, const pb_field_iter_t& field) {
  auto* bytes = static_cast<std::uint8_t*>(field.pData);
  if (PB_LTYPE(field.type) == PB_LTYPE_STRING) {
    const std::size_t size = any_size(dice, field.data_size - 1u);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>('a' + dice.below(26));
    bytes[size] = 0;
  } else if (PB_LTYPE(field.type) == PB_LTYPE_BYTES) {
    auto* array = static_cast<pb_bytes_array_t*>(field.pData);
    array->size = static_cast<pb_size_t>(any_size(dice, field.data_size - offsetof(pb_bytes_array_t, bytes)));
    for (std::size_t i = 0; i < array->size; ++i) array->bytes[i] = static_cast<std::uint8_t>(dice.below(256));
  } else if (PB_LTYPE(field.type) == PB_LTYPE_BOOL) {
    *static_cast<bool*>(field.pData) = dice.below(2) == 1;
  } else {
    const std::uint64_t number = dice.below(3) == 0 ? dice.below(4) : ~std::uint64_t{0} >> dice.below(64);
    std::memcpy(bytes, &number, field.data_size);  // Any will do.
  }
}

template <typename Message>
void compare_encoders(Dice& dice, const pb_msgdesc_t* fields, Kind kind) {
  for (int round = 0; round < 2'000; ++round) {
    Message message{};
    pb_field_iter_t field;
    assert_true(pb_field_iter_begin(&field, fields, &message));
    do fill(dice, field);
    while (pb_field_iter_next(&field));
    assert_true(encoded(message) == encoded_by_nanopb(fields, kind, message));
  }
}

template <typename Message>
void compare_decoders(Dice& dice, const pb_msgdesc_t* fields, Kind kind, const Frame& sample) {
  std::size_t taken = 0;
  for (int round = 0; round < 20'000; ++round) {
    Frame frame = sample;
    const std::size_t changes = dice.below(3);
    for (std::size_t i = 0; i < changes; ++i) {
      frame[1 + dice.below(frame.size() - 1)] = static_cast<std::uint8_t>(dice.below(256));
    }
    Message here, there;
    if (decode(frame, here) != Status::ok) continue;
    ++taken;
    pb_istream_t stream = pb_istream_from_buffer(frame.data() + 1, frame.size() - 1);
    assert_true(pb_decode(&stream, fields, &there));
    assert_true(encoded(here) == encoded_by_nanopb(fields, kind, there));
  }
  assert_true(taken > 6'000);
}

template <typename Message>
void compare_both(const pb_msgdesc_t* fields, Kind kind, const Message& sample) {
  Dice dice;
  compare_encoders<Message>(dice, fields, kind);
  compare_decoders<Message>(dice, fields, kind, encoded(sample));
}

void every_message_is_what_nanopb_makes_of_it(void**) {
  compare_both(grid_Hello_fields, Kind::hello, hello());
  compare_both(grid_Welcome_fields, Kind::welcome, welcome());
  compare_both(grid_Subscribe_fields, Kind::subscribe, subscribe());
  compare_both(grid_Subscribed_fields, Kind::subscribed, subscribed());
  compare_both(grid_Unsubscribe_fields, Kind::unsubscribe, grid_Unsubscribe{7});
  compare_both(grid_Ack_fields, Kind::ack, grid_Ack{UINT64_MAX, 300, kToken});
  compare_both(grid_Current_fields, Kind::current, current());
  compare_both(grid_PullAck_fields, Kind::pull_ack, pull_ack());
  compare_both(grid_Verify_fields, Kind::verify, grid_Verify{7, true});
  compare_both(grid_Bye_fields, Kind::bye, bye());
  compare_both(grid_InspectAsk_fields, Kind::inspect_ask, inspect_ask());
}

void a_field_of_another_wire_type_is_corrupt(void**) {
  grid_Bye left;
  const std::uint8_t number_as_text[] = {static_cast<std::uint8_t>(Kind::bye), 0x0a, 1, 'x'};
  const std::uint8_t text_as_number[] = {static_cast<std::uint8_t>(Kind::bye), 0x10, 1};
  const std::uint8_t text_as_fixed64[] = {static_cast<std::uint8_t>(Kind::bye), 0x11, 1, 2, 3, 4, 5, 6, 7, 8};
  const std::uint8_t number_of_33_bits[] = {static_cast<std::uint8_t>(Kind::bye), 0x18, 0x80, 0x80, 0x80, 0x80, 0x10};
  for (const Bytes frame :
       {Bytes(number_as_text), Bytes(text_as_number), Bytes(text_as_fixed64), Bytes(number_of_33_bits)}) {
    assert_status(decode(frame, left), Status::corrupt);
  }
}

}  // namespace
}  // namespace grid::wire

int main() {
  using namespace grid::wire;
  const CMUnitTest tests[] = {
      cmocka_unit_test(every_message_is_what_nanopb_makes_of_it),
      cmocka_unit_test(a_field_of_another_wire_type_is_corrupt),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
