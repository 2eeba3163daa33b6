// SPDX-License-Identifier: Apache-2.0
//
// Keys: what a file must hold and who may read it, credentials, and that no sentence gives a key away.

#include "storage/encrypted/key_file.h"

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/check.h"
#include "tests/contract/temporary_directory.h"

namespace grid::test {
namespace {

using storage::Key;
using storage::read_key;

constexpr std::string_view kHex = "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F";

int make_directory(void** state) {
  *state = new TemporaryDirectory;
  return 0;
}

int drop_directory(void** state) {
  delete static_cast<TemporaryDirectory*>(*state);
  return 0;
}

std::string file_of(void** state, std::string_view text, mode_t mode = 0600) {
  std::string path = static_cast<TemporaryDirectory*>(*state)->path() + "/key";
  std::filesystem::remove(path);
  std::ofstream(path, std::ios::binary) << text;
  assert_int_equal(chmod(path.c_str(), mode), 0);
  return path;
}

void a_key_is_32_bytes_or_64_digits(void** state) {
  std::array<std::uint8_t, 32> raw;
  for (std::size_t i = 0; i < raw.size(); ++i) raw[i] = static_cast<std::uint8_t>(i);
  const std::string hex(kHex);
  for (const std::string& text : {std::string(as_text(raw)), hex, hex + "\n", hex + "\r\n"}) {
    std::string problem;
    const Result<Key> key = read_key(file_of(state, text), problem);
    assert_string_equal(problem.c_str(), "");
    assert_true(equal(key->bytes(), raw));
  }
}

void what_is_no_key_is_refused(void** state) {
  const std::string hex(kHex);
  for (const std::string& text : {std::string(), std::string("\n"), hex.substr(1), hex + "0", hex + " ", hex + "\n\n",
                                  std::string(64, 'x'), std::string(31, 'k'), std::string(33, 'k'),
                                  std::string(32, '\0'), std::string(64, '0'), std::string(9'999, 'k')}) {
    std::string problem;
    assert_status(read_key(file_of(state, text), problem).status(), Status::invalid);
    assert_true(problem.find("/key holds no key") != std::string::npos);
    assert_true(text.size() < 9 || problem.find(text.substr(0, 8)) == std::string::npos);
  }
}

void a_key_that_others_may_read_or_change_is_refused(void** state) {
  for (const mode_t mode : {0644U, 0604U, 0602U, 0620U, 0601U, 0660U, 0666U}) {
    std::string problem;
    assert_status(read_key(file_of(state, kHex, mode), problem).status(), Status::denied);
    assert_true(problem.find("chmod 600") != std::string::npos);
  }
  for (const mode_t mode : {0600U, 0400U, 0440U, 0640U}) {
    std::string problem;
    assert_ok(read_key(file_of(state, kHex, mode), problem).status());
  }
}

void what_is_no_file_is_said(void** state) {
  const std::string directory = static_cast<TemporaryDirectory*>(*state)->path();
  std::string problem;
  assert_status(read_key(directory + "/none", problem).status(), Status::not_found);
  assert_true(problem.find("/none") != std::string::npos);
  assert_status(read_key(directory, problem).status(), Status::invalid);
  const std::string pipe = directory + "/pipe";
  assert_int_equal(mkfifo(pipe.c_str(), 0600), 0);
  assert_status(read_key(pipe, problem).status(), Status::invalid);
}

void a_credential_is_found_where_systemd_put_it(void** state) {
  std::string problem;
  unsetenv("CREDENTIALS_DIRECTORY");
  assert_status(read_key("credential:key", problem).status(), Status::not_found);
  setenv("CREDENTIALS_DIRECTORY", static_cast<TemporaryDirectory*>(*state)->path().c_str(), 1);
  file_of(state, kHex, 0400);
  assert_ok(read_key("credential:key", problem).status());
  assert_status(read_key("credential:other", problem).status(), Status::not_found);
  assert_status(read_key("credential:", problem).status(), Status::invalid);
  assert_status(read_key("credential:../key", problem).status(), Status::invalid);
  unsetenv("CREDENTIALS_DIRECTORY");
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_key_is_32_bytes_or_64_digits, make_directory, drop_directory),
      cmocka_unit_test_setup_teardown(what_is_no_key_is_refused, make_directory, drop_directory),
      cmocka_unit_test_setup_teardown(a_key_that_others_may_read_or_change_is_refused, make_directory, drop_directory),
      cmocka_unit_test_setup_teardown(what_is_no_file_is_said, make_directory, drop_directory),
      cmocka_unit_test_setup_teardown(a_credential_is_found_where_systemd_put_it, make_directory, drop_directory),
  };
  return cmocka_run_group_tests_name("key files", tests, nullptr, nullptr);
}
