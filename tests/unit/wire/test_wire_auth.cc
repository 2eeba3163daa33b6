// SPDX-License-Identifier: Apache-2.0
//
// The auth frame: what is a token, and what is refused.

#include <string>

#include "tests/check.h"
#include "tests/unit/wire/samples.h"
#include "transport/wire_auth.h"

namespace grid::wire {
namespace {

using namespace test;

Status read_status(std::string_view text) {
  Frame frame{static_cast<std::uint8_t>(Kind::auth)};
  frame.insert(frame.end(), text.begin(), text.end());
  return decode_auth(frame).status();
}

void a_token_is_read_as_it_was_written(void**) {
  const Frame frame = auth();
  assert_int_equal(*kind_of(frame), Kind::auth);
  const Result<std::string_view> token = decode_auth(frame);
  assert_ok(token.status());
  assert_true(*token == "eyJh.eyJz.c2ln");
}

void a_token_is_visible_text_of_a_bounded_length(void**) {
  assert_ok(read_status(std::string(kTokenBytesMax, 'a')));
  assert_status(read_status(std::string(kTokenBytesMax + 1, 'a')), Status::corrupt);
  assert_status(read_status(""), Status::corrupt);
  for (const char* text : {"a b", "a\r\nb", "a\x7f", "\xc3\xa9"}) assert_status(read_status(text), Status::corrupt);
  assert_status(read_status({"a\0b", 3}), Status::corrupt);
  assert_status(decode_auth({}).status(), Status::corrupt);
  assert_status(decode_auth(encoded(grid_Unsubscribe{7})).status(), Status::corrupt);
}

void what_is_no_token_is_not_written(void**) {
  std::uint8_t room[8];
  assert_status(encode_auth("", room).status(), Status::invalid);
  assert_status(encode_auth("a b", room).status(), Status::invalid);
  assert_status(encode_auth("eight888", room).status(), Status::full);
  assert_int_equal(encode_auth("seven77", room)->size(), 8);
}

}  // namespace
}  // namespace grid::wire

int main() {
  using namespace grid::wire;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_token_is_read_as_it_was_written),
      cmocka_unit_test(a_token_is_visible_text_of_a_bounded_length),
      cmocka_unit_test(what_is_no_token_is_not_written),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
