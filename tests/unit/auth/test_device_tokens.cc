// SPDX-License-Identifier: Apache-2.0
//
// Enrolments: what is kept of a token, and what survives what.

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "server/host/auth/device_tokens.h"
#include "tests/check.h"

namespace {

using namespace grid;
using namespace grid::server;

std::string* folder = nullptr;

int set_up(void**) {
  folder = new std::string((std::filesystem::temp_directory_path() / "grid-enrol-XXXXXX").string());
  return mkdtemp(folder->data()) == nullptr ? 1 : 0;
}

int tear_down(void**) {
  std::filesystem::remove_all(*folder);
  delete folder;
  return 0;
}

std::array<std::uint8_t, 32> secret(std::uint8_t fill) {
  std::array<std::uint8_t, 32> bytes{};
  bytes.fill(fill);
  return bytes;
}

std::string file() { return DeviceTokens::file_in(*folder); }

std::string content() {
  std::ostringstream text;
  text << std::ifstream(file()).rdbuf();
  return text.str();
}

Enrolled device(const char* name, std::vector<std::string> roles = {}) {
  return {.name = name, .roles = std::move(roles), .enrolled_ms = 1'000};
}

void a_token_is_known_again_and_kept_nowhere(void**) {
  DeviceTokens tokens;
  assert_ok(tokens.open(file()));
  const Result<std::string> made = tokens.enroll(device("bench-3", {"sensor", "reader"}), secret(0xfb), false);
  assert_ok(made.status());
  assert_string_equal(made->c_str(), "grid_-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s");
  assert_true(DeviceTokens::is_device_token(*made));
  assert_non_null(tokens.find(*made));
  assert_null(tokens.find(made->substr(0, made->size() - 1)));
  assert_null(tokens.find(*made + "x"));
  assert_true(content().find(made->substr(5, 12)) == std::string::npos);
  struct stat about {};
  assert_int_equal(::stat(file().c_str(), &about), 0);
  assert_int_equal(about.st_mode & 0777, 0600);

  DeviceTokens again;
  assert_ok(again.open(file()));
  const Enrolled* found = again.find(*made);
  assert_non_null(found);
  assert_true(found->name == "bench-3" && found->roles == (std::vector<std::string>{"sensor", "reader"}));
  assert_int_equal(found->enrolled_ms, 1'000);
  assert_string_equal(line_of(*found, false).c_str(),
                      R"({"name":"bench-3","roles":["sensor","reader"],"enrolled":{"$timestamp":1000}})");
}

void a_revoked_name_stays_taken_until_it_is_forgotten(void**) {
  DeviceTokens tokens;
  assert_ok(tokens.open(file()));
  const std::string first = *tokens.enroll(device("pump"), secret(1), false);
  assert_status(tokens.enroll(device("pump"), secret(2), false).status(), Status::conflict);
  assert_ok(tokens.revoke("pump", 5'000));
  assert_ok(tokens.revoke("pump", 6'000));  // It is already.
  assert_status(tokens.revoke("nobody", 5'000), Status::not_found);
  DeviceTokens again;
  assert_ok(again.open(file()));
  assert_int_equal(again.find_name("pump")->revoked_ms, 5'000);
  assert_true(again.find(first)->is_revoked());
  assert_status(again.enroll(device("pump"), secret(3), true).status(), Status::conflict);
  assert_ok(again.forget("pump"));
  assert_null(again.find(first));
  assert_ok(again.enroll(device("pump"), secret(3), false).status());
}

void a_renewed_token_takes_the_place_of_the_one_before(void**) {
  DeviceTokens tokens;
  assert_ok(tokens.open(file()));
  const std::string first = *tokens.enroll(device("valve", {"a"}), secret(11), false);
  const std::string second = *tokens.enroll(device("valve", {"b"}), secret(12), true);
  assert_null(tokens.find(first));
  assert_true(tokens.find(second)->roles == std::vector<std::string>{"b"});
}

void what_breaks_a_rule_is_refused_with_a_sentence(void**) {
  DeviceTokens tokens;
  assert_ok(tokens.open(file()));
  for (const char* name : {"", " a", "a ", "a\nb", "\xff"}) {
    assert_status(tokens.enroll(device(name), secret(4), false).status(), Status::invalid);
    assert_false(tokens.problem().empty());
  }
  assert_status(tokens.enroll(device("x", {"a b"}), secret(4), false).status(), Status::invalid);
  assert_status(tokens.enroll(device("x", std::vector<std::string>(33, "r")), secret(4), false).status(),
                Status::invalid);
  Enrolled late = device("x");
  late.expires_ms = 1'000;
  assert_status(tokens.enroll(late, secret(4), false).status(), Status::invalid);
  assert_null(tokens.find_name("x"));
}

// Half a file could be one that lacks a revocation.
void a_damaged_file_is_refused_whole(void**) {
  DeviceTokens tokens;
  assert_ok(tokens.open(file()));
  assert_ok(tokens.enroll(device("damaged"), secret(21), false).status());
  const std::string whole = content();
  for (std::size_t size = 1; size < whole.size(); ++size) {
    std::ofstream(file(), std::ios::trunc) << whole.substr(0, size);
    DeviceTokens cut;
    const bool at_a_line = whole[size - 1] == '\n';
    assert_status(cut.open(file()), at_a_line ? Status::ok : Status::corrupt);
    if (!at_a_line) assert_true(cut.problem().find("damaged") != std::string::npos);
  }
  std::ofstream(file(), std::ios::trunc) << whole << whole;
  DeviceTokens twice;
  assert_status(twice.open(file()), Status::corrupt);
  std::ofstream(file(), std::ios::trunc) << whole;
}

void what_can_not_be_written_has_not_happened(void**) {
  DeviceTokens tokens;
  assert_ok(tokens.open(*folder + "/nowhere/tokens"));
  assert_status(tokens.enroll(device("x"), secret(5), false).status(), Status::io);
  assert_null(tokens.find_name("x"));
  assert_true(tokens.problem().find("can't be written") != std::string::npos);
}

void when_a_token_was_seen_is_kept(void**) {
  DeviceTokens tokens;
  assert_ok(tokens.open(file()));
  const std::string token = *tokens.enroll(device("seen"), secret(31), false);
  assert_false(tokens.has_unsaved());
  tokens.note_seen(*tokens.find(token), 9'000);
  assert_true(tokens.has_unsaved());
  assert_ok(tokens.save());
  DeviceTokens again;
  assert_ok(again.open(file()));
  assert_int_equal(again.find(token)->seen_ms, 9'000);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_token_is_known_again_and_kept_nowhere),
      cmocka_unit_test(a_revoked_name_stays_taken_until_it_is_forgotten),
      cmocka_unit_test(a_renewed_token_takes_the_place_of_the_one_before),
      cmocka_unit_test(what_breaks_a_rule_is_refused_with_a_sentence),
      cmocka_unit_test(a_damaged_file_is_refused_whole),
      cmocka_unit_test(what_can_not_be_written_has_not_happened),
      cmocka_unit_test(when_a_token_was_seen_is_kept),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
