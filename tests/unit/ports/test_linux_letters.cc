// SPDX-License-Identifier: Apache-2.0
//
// Dead letters as an application on Linux has them: told, retried and discarded, without a server. What a full log
// drops stands for what a gateway refuses, which tests/sim and tests/e2e have.

#include <grid/dead_letters.h>
#include <grid/linux.h>

#include <string>

#include "tests/check.h"
#include "tests/contract/temporary_directory.h"

namespace {

using namespace grid;

LinuxOptions with_short_log(const std::string& store = {}) {
  return {.app = "farm", .store = store, .on_full = OnFull::drop_oldest, .pending_ops_max = 2};
}

double number_at(Map map, std::string_view key) { return map.get(key)["n"].number_or(-1); }

void a_letter_that_is_retried_is_written_again_and_gone(void**) {
  LinuxHost host;
  Node* node = host.open(with_short_log());
  assert_non_null(node);
  Map map = node->map("m");
  const crdt::Seq dropped = map.put("a", {{"n", 1}}).seq();
  assert_ok(map.put("b", {{"n", 2}}).status());
  assert_ok(map.put("c", {{"n", 3}}).status());
  assert_false(map.get("a").exists());
  DeadLetters letters(*node);
  assert_int_equal(letters.count(), 1);
  const Result<DeadLetter> letter = letters.find(dropped);
  assert_true(letter.ok() && letter->map == "m" && letter->key == "a" && letter->outcome == Outcome::dropped);
  assert_true(letter->value["n"].number_or(0) == 1);
  // Its own row back, the next oldest out: a letter goes, and one comes.
  assert_ok(letters.retry(dropped).status());
  assert_true(number_at(map, "a") == 1 && !map.get("b").exists());
  assert_status(letters.find(dropped).status(), Status::not_found);
  assert_status(letters.retry(dropped).status(), Status::not_found);
  assert_int_equal(letters.count(), 1);
  assert_true(letters.next(0)->key == "b");
}

void a_removal_that_is_retried_removes(void**) {
  LinuxHost host;
  Node* node = host.open(with_short_log());
  Map map = node->map("m");
  const crdt::Seq dropped = map.remove("a").seq();
  assert_ok(map.put("b", {{"n", 2}}).status());
  assert_ok(map.put("c", {{"n", 3}}).status());
  DeadLetters letters(*node);
  assert_false(letters.find(dropped)->value.exists());
  assert_ok(map.put("b", {{"n", 4}}).status());
  assert_ok(letters.retry(dropped).status());
  assert_false(map.get("a").exists());
}

void letters_outlast_their_process(void**) {
  const test::TemporaryDirectory directory;
  const std::string store = directory.path() + "/store";
  crdt::Seq dropped = 0;
  {
    LinuxHost host;
    Node* node = host.open(with_short_log(store));
    assert_non_null(node);
    Map map = node->map("m");
    dropped = map.put("a", {{"n", 1}}).seq();
    assert_ok(map.put("b", {{"n", 2}}).status());
    assert_ok(map.put("c", {{"n", 3}}).status());
  }
  {
    LinuxHost host;
    Node* node = host.open(with_short_log(store));
    DeadLetters letters(*node);
    assert_ok(letters.find(dropped).status());
    assert_ok(letters.discard(dropped));
    assert_status(letters.discard(dropped), Status::not_found);
  }
  LinuxHost host;
  Node* node = host.open(with_short_log(store));
  assert_int_equal(DeadLetters(*node).count(), 0);
}

// Written again without a word about time, it would stand for ever.
void a_letter_that_was_to_expire_is_retried_for_the_rest_of_its_time(void**) {
  LinuxHost host;
  Node* node = host.open(with_short_log());
  Map map = node->map("m");
  const crdt::Seq dropped = map.put("a", {{"n", 1}}, 3'600'000).seq();
  assert_ok(map.put("b", {{"n", 2}}).status());
  assert_ok(map.put("c", {{"n", 3}}).status());
  DeadLetters letters(*node);
  const std::uint64_t expires_ms = letters.find(dropped)->expires_ms;
  assert_true(expires_ms > 0);
  assert_status(letters.retry(dropped).status(), Status::invalid);
  assert_status(letters.retry(dropped, expires_ms).status(), Status::invalid);
  assert_int_equal(letters.count(), 1);
  assert_ok(letters.retry(dropped, expires_ms - 1'800'000).status());
  assert_true(number_at(map, "a") == 1);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_letter_that_is_retried_is_written_again_and_gone),
      cmocka_unit_test(a_removal_that_is_retried_removes),
      cmocka_unit_test(letters_outlast_their_process),
      cmocka_unit_test(a_letter_that_was_to_expire_is_retried_for_the_rest_of_its_time),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
