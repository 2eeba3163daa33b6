// SPDX-License-Identifier: Apache-2.0
//
// The token of a node: where it comes from, and when another one is asked for.

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "ports/linux/credential.h"
#include "tests/check.h"

namespace {

using namespace grid;
using port::Credential;

constexpr std::uint64_t kWallMs = 1'900'000'000'000;
// {"exp":1900000100}: a hundred seconds from there.
constexpr const char* kToken = "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE5MDAwMDAxMDB9.c2ln";

struct Source {
  int asked = 0;
  std::string next;

  static std::string give(void* self) {
    ++static_cast<Source*>(self)->asked;
    return static_cast<Source*>(self)->next;
  }
};

void the_end_of_a_token_is_read_where_it_says_one(void**) {
  assert_int_equal(port::expiry_of(kToken), 1'900'000'100'000);
  for (const char* none : {"", "grid_abc", "a.b.c", "a.e30.c", "a..c", ".", "eyJ9.eyJ9", "a.bnVsbA.c"}) {
    assert_int_equal(port::expiry_of(none), 0);
  }
}

void what_is_no_token_is_refused_without_showing_it(void**) {
  for (const char* bad : {"a b", "a\r\nb", "\xc3\xa4"}) {
    Credential credential;
    assert_status(credential.open({.token = bad}), Status::invalid);
    assert_true(credential.problem().find(bad) == std::string::npos);
  }
  Credential credential;
  assert_status(credential.open({.token = "a", .token_file = "b"}), Status::invalid);
  assert_status(credential.open({.token_file = "/nowhere/token"}), Status::invalid);
  assert_ok(credential.open({}));
  assert_false(credential.is_set());
}

void another_token_is_asked_for_near_the_end_and_no_sooner(void**) {
  Source source{.next = kToken};
  Credential credential;
  assert_ok(credential.open({.on_token = Source::give, .token_context = &source}));
  assert_string_equal(credential.for_link(1'000, kWallMs).c_str(), kToken);
  assert_int_equal(source.asked, 1);
  credential.accepted();
  // A fifth of its time is left then.
  assert_int_equal(credential.wake_at_ms(), 81'000);
  assert_false(credential.turn(80'999, kWallMs + 79'999));
  assert_int_equal(source.asked, 1);
  source.next = "newer";
  assert_true(credential.turn(81'000, kWallMs + 80'000));
  assert_int_equal(source.asked, 2);
  assert_string_equal(credential.show().c_str(), "newer");
  assert_true(credential.wake_at_ms() == UINT64_MAX);
}

void who_has_no_newer_token_is_asked_again_but_not_all_the_time(void**) {
  Source source{.next = kToken};
  Credential credential;
  assert_ok(credential.open({.on_token = Source::give, .token_context = &source}));
  credential.for_link(1'000, kWallMs);
  std::uint64_t now_ms = 81'000;
  for (int turn = 0; turn < 10'000 && now_ms < 101'000; ++turn) {
    assert_false(credential.turn(now_ms, kWallMs + now_ms - 1'000));
    now_ms = std::max(now_ms + 1, credential.wake_at_ms());
  }
  assert_true(source.asked > 3 && source.asked < 25);
}

void after_a_refusal_another_one_is_looked_for_at_once_and_then_now_and_then(void**) {
  Source source{.next = "first"};
  Credential credential;
  assert_ok(credential.open({.on_token = Source::give, .token_context = &source}));
  credential.for_link(10'000, kWallMs);
  credential.refused(20'000);
  assert_true(credential.is_refused());
  assert_int_equal(credential.wake_at_ms(), 20'000);
  assert_false(credential.turn(20'000, kWallMs));  // The same one again.
  assert_int_equal(source.asked, 2);
  assert_int_equal(credential.wake_at_ms(), 20'000 + Credential::kRefusedMs);
  source.next = "second";
  assert_true(credential.turn(25'000, kWallMs));
  assert_string_equal(credential.for_link(25'000, kWallMs).c_str(), "second");
  credential.refused(25'001);
  assert_int_equal(credential.wake_at_ms(), 25'001 + Credential::kRefusedMs);
}

void a_file_is_read_for_each_link(void**) {
  std::string file = (std::filesystem::temp_directory_path() / "grid-token-XXXXXX").string();
  assert_true(mkstemp(file.data()) >= 0);
  std::ofstream(file) << "one\n";
  Credential credential;
  assert_ok(credential.open({.token_file = file}));
  assert_string_equal(credential.for_link(1, kWallMs).c_str(), "one");
  std::ofstream(file) << "two\n";
  assert_string_equal(credential.for_link(2, kWallMs).c_str(), "two");
  // What is being written, or has gone, leaves the one before.
  std::ofstream(file) << "";
  assert_string_equal(credential.for_link(3, kWallMs).c_str(), "two");
  std::remove(file.c_str());
  assert_string_equal(credential.for_link(4, kWallMs).c_str(), "two");
}

void a_token_that_was_brought_is_shown(void**) {
  Credential credential;
  assert_ok(credential.open({.token = "one"}));
  credential.for_link(1, kWallMs);
  assert_false(credential.turn(2, kWallMs));
  assert_status(credential.take("no token"), Status::invalid);
  assert_ok(credential.take("two\n"));
  assert_true(credential.turn(3, kWallMs));
  assert_string_equal(credential.show().c_str(), "two");
  assert_false(credential.turn(4, kWallMs));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_end_of_a_token_is_read_where_it_says_one),
      cmocka_unit_test(what_is_no_token_is_refused_without_showing_it),
      cmocka_unit_test(another_token_is_asked_for_near_the_end_and_no_sooner),
      cmocka_unit_test(who_has_no_newer_token_is_asked_again_but_not_all_the_time),
      cmocka_unit_test(after_a_refusal_another_one_is_looked_for_at_once_and_then_now_and_then),
      cmocka_unit_test(a_file_is_read_for_each_link),
      cmocka_unit_test(a_token_that_was_brought_is_shown),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
