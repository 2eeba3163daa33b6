// SPDX-License-Identifier: Apache-2.0
//
// Entities frames: what is asked, what is answered, and what is refused of both.

#include <string>

#include "crdt/value.h"
#include "tests/check.h"
#include "tests/unit/wire/samples.h"
#include "transport/wire_entities.h"

namespace grid::wire {
namespace {

using namespace test;

Status ask_status(const EntitiesAsk& ask) {
  std::vector<std::uint8_t> room(3 * kEntitiesAskBytesMax);
  EntitiesAsk read;
  return decode(encode(ask, room), read);
}

void an_ask_is_read_as_it_was_written(void**) {
  EntitiesAsk ask;
  const Frame frame = entities_ask();
  assert_ok(decode(frame, ask));
  assert_int_equal(ask.id, 7);
  assert_true(ask.map == "people" && ask.question.starts_with("[:find ?p") && equal(ask.inputs, kQuestionInputs));
  assert_int_equal(ask.limit, 64);
}

void the_largest_ask_fits_its_room(void**) {
  const std::string map(kMapBytesMax, 'm'), question(kQuestionBytesMax, '[');
  std::vector<std::uint8_t> inputs(kQuestionInputsBytesMax);
  crdt::ValueWriter writer(inputs);
  writer.begin_list();
  writer.text(std::string(kQuestionInputsBytesMax - 9, 'a'));
  writer.end_list();
  const EntitiesAsk ask{UINT32_MAX, map, question, *writer.finish(), kEntitiesMax};
  std::vector<std::uint8_t> room(kEntitiesAskBytesMax);
  EntitiesAsk read;
  assert_ok(decode(encode(ask, room), read));
  assert_int_equal(read.inputs.size(), kQuestionInputsBytesMax);
}

void an_ask_breaks_a_rule(void**) {
  const std::string long_text(kQuestionBytesMax + 1, 'a');
  const std::vector<std::uint8_t> long_inputs(kQuestionInputsBytesMax + 1);
  constexpr std::uint8_t kNoList[] = {0x2a, 2, 'h', 'i'};
  const auto refused = [](Status why, const EntitiesAsk& ask) { assert_int_equal(ask_status(ask), why); };
  refused(Status::corrupt, {.id = 0, .map = "m", .question = "q", .limit = 1});
  refused(Status::corrupt, {.id = 1, .map = "no m", .question = "q", .limit = 1});
  refused(Status::corrupt, {.id = 1, .map = "m", .limit = 1});
  refused(Status::corrupt, {.id = 1, .map = "m", .question = "\xff", .limit = 1});
  refused(Status::corrupt, {.id = 1, .map = "m", .question = "q"});
  refused(Status::corrupt, {.id = 1, .map = "m", .question = "q", .limit = kEntitiesMax + 1});
  refused(Status::corrupt, {.id = 1, .map = "m", .question = "q", .inputs = kNoList, .limit = 1});
  refused(Status::corrupt, {.id = 1, .question = "q", .limit = 1});
  refused(Status::too_large, {.id = 1, .map = "m", .question = long_text, .limit = 1});
  refused(Status::too_large, {.id = 1, .map = "m", .question = "q", .inputs = long_inputs, .limit = 1});
  assert_int_equal(ask_status({.id = 1}), Status::ok);  // It is over.
}

void entities_are_read_as_they_were_written(void**) {
  const Frame frame = entities_reply();
  EntitiesReplyReader reader;
  assert_ok(reader.open(frame));
  assert_true(reader.head().id == 7 && reader.head().status == Status::ok && !reader.head().more);
  std::string_view key;
  assert_true(reader.next(key) && key == "12");
  assert_true(reader.next(key) && key == "ann");
  assert_false(reader.next(key));
  assert_ok(reader.status());
}

void what_does_not_fit_leaves_the_frame_as_it_was(void**) {
  std::uint8_t room[EntitiesReplyWriter::kHeadBytesMax];
  const std::string reason(2 * kEntitiesReasonBytesMax, 'r');
  EntitiesReplyWriter writer({.id = UINT32_MAX, .status = Status::full, .reason = reason, .more = true}, room);
  std::size_t count = 0;
  while (writer.add("ann")) ++count;
  EntitiesReplyReader reader;
  assert_ok(reader.open(writer.finish()));
  assert_true(reader.head().more && reader.head().reason.size() == kEntitiesReasonBytesMax);
  for (std::string_view key; reader.next(key);) --count;
  assert_ok(reader.status());
  assert_int_equal(count, 0);
}

void what_is_the_key_of_no_row_is_refused(void**) {
  std::uint8_t room[EntitiesReplyWriter::kHeadBytesMax + 512];
  EntitiesReplyWriter writer({.id = 1}, room);
  assert_true(writer.add("a\nb"));
  EntitiesReplyReader reader;
  assert_ok(reader.open(writer.finish()));
  std::string_view key;
  assert_false(reader.next(key));
  assert_status(reader.status(), Status::corrupt);
  EntitiesReplyWriter longer({.id = 1}, room);
  assert_true(longer.add(std::string(kKeyBytesMax + 1, 'k')));
  assert_ok(reader.open(longer.finish()));
  assert_false(reader.next(key));
  assert_status(reader.status(), Status::too_large);
}

}  // namespace
}  // namespace grid::wire

int main() {
  using namespace grid::wire;
  const CMUnitTest tests[] = {
      cmocka_unit_test(an_ask_is_read_as_it_was_written),
      cmocka_unit_test(the_largest_ask_fits_its_room),
      cmocka_unit_test(an_ask_breaks_a_rule),
      cmocka_unit_test(entities_are_read_as_they_were_written),
      cmocka_unit_test(what_does_not_fit_leaves_the_frame_as_it_was),
      cmocka_unit_test(what_is_the_key_of_no_row_is_refused),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
