// SPDX-License-Identifier: Apache-2.0
//
// Search frames: what is asked, what is answered, and what is refused of both.

#include <cmath>
#include <string>

#include "tests/check.h"
#include "tests/unit/wire/samples.h"
#include "transport/wire_search.h"

namespace grid::wire {
namespace {

using namespace test;

Status ask_status(const SearchAsk& ask) {
  std::uint8_t room[2 * kSearchAskBytesMax];
  SearchAsk read;
  return decode(encode(ask, room), read);
}

void an_ask_is_read_as_it_was_written(void**) {
  SearchAsk ask;
  const Frame frame = search_ask();
  assert_ok(decode(frame, ask));
  assert_int_equal(ask.id, 7);
  assert_true(ask.map == "notes" && ask.text == "oslo -\"cold room\"" && ask.after_key == "note/3");
  assert_true(ask.after_rank == -1.5 && ask.limit == 20 && ask.watch);
}

void an_ask_breaks_a_rule(void**) {
  const std::string long_text(kSearchTextBytesMax + 1, 'a');
  assert_int_equal(ask_status({.id = 0, .map = "notes", .text = "a"}), Status::corrupt);
  assert_int_equal(ask_status({.id = 1, .map = "no tes", .text = "a"}), Status::corrupt);
  assert_int_equal(ask_status({.id = 1, .map = "notes", .text = long_text}), Status::too_large);
  assert_int_equal(ask_status({.id = 1, .map = "notes", .text = "\xff"}), Status::corrupt);
  assert_int_equal(ask_status({.id = 1, .map = "notes", .text = "a", .limit = kSearchHitsMax + 1}), Status::corrupt);
  assert_int_equal(ask_status({.id = 1, .map = "notes", .text = "a", .after_rank = NAN, .after_key = "k"}),
                   Status::corrupt);
  assert_int_equal(ask_status({.id = 1, .map = "notes", .text = "a", .after_rank = 1}), Status::corrupt);
  assert_int_equal(ask_status({.id = 1, .text = "a"}), Status::corrupt);
  assert_int_equal(ask_status({.id = 1}), Status::ok);  // It is over.
}

void hits_are_read_as_they_were_written(void**) {
  const Frame frame = search_reply();
  SearchReplyReader reader;
  assert_ok(reader.open(frame));
  assert_true(reader.head().status == Status::busy && reader.head().reason == "ask again" && reader.head().more);
  assert_true(reader.head().through == 40 && reader.head().head == 42 && reader.head().building == 501);
  SearchHit hit;
  assert_true(reader.next(hit) && hit.key == "note/1" && hit.rank == -2.5 && equal(hit.highlights, kHighlights));
  assert_true(reader.next(hit) && hit.key == "note/2" && hit.expires_ms == 0 && hit.highlights.empty());
  assert_false(reader.next(hit));
  assert_ok(reader.status());
}

void a_hit_that_does_not_fit_leaves_the_frame_as_it_was(void**) {
  std::uint8_t room[SearchReplyWriter::kHeadBytesMax];
  SearchReplyWriter writer({.id = 1, .reason = std::string_view("\xc3\xa6", 2)}, room);
  std::size_t count = 0;
  while (writer.add({"note", kStamp, -1, 0, kHighlights})) ++count;
  assert_in_range(count, 1, 8);
  SearchReplyReader reader;
  assert_ok(reader.open(writer.finish(true)));
  assert_true(reader.head().more);
  for (SearchHit hit; reader.next(hit);) --count;
  assert_ok(reader.status());
  assert_int_equal(count, 0);
}

void a_reason_that_is_too_long_is_cut_between_characters(void**) {
  std::string reason(kSearchReasonBytesMax - 1, 'a');
  reason += "\xc3\xa6";
  std::uint8_t room[SearchReplyWriter::kHeadBytesMax];
  SearchReplyReader reader;
  assert_ok(reader.open(SearchReplyWriter({.id = 1, .status = Status::busy, .reason = reason}, room).finish(false)));
  assert_int_equal(reader.head().reason.size(), kSearchReasonBytesMax - 1);
}

void highlights_are_a_record_and_nothing_else(void**) {
  constexpr std::uint8_t kText[] = {0x2a, 1, 'a'};
  std::uint8_t room[1'024];
  SearchReplyWriter writer({.id = 1}, room);
  assert_true(writer.add({"note", kStamp, -1, 0, kText}));
  SearchReplyReader reader;
  assert_ok(reader.open(writer.finish(false)));
  SearchHit hit;
  assert_false(reader.next(hit));
  assert_int_equal(reader.status(), Status::corrupt);
}

}  // namespace
}  // namespace grid::wire

int main() {
  using namespace grid::wire;
  const CMUnitTest tests[] = {
      cmocka_unit_test(an_ask_is_read_as_it_was_written),
      cmocka_unit_test(an_ask_breaks_a_rule),
      cmocka_unit_test(hits_are_read_as_they_were_written),
      cmocka_unit_test(a_hit_that_does_not_fit_leaves_the_frame_as_it_was),
      cmocka_unit_test(a_reason_that_is_too_long_is_cut_between_characters),
      cmocka_unit_test(highlights_are_a_record_and_nothing_else),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
