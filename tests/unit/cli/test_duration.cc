// SPDX-License-Identifier: Apache-2.0
#include "cli/duration.h"
#include "tests/check.h"

namespace {

using grid::cli::milliseconds_of;

void durations_are_read_in_every_unit(void**) {
  assert_true(milliseconds_of("500ms") == 500u);
  assert_true(milliseconds_of("10s") == 10'000u);
  assert_true(milliseconds_of("10") == 10'000u);
  assert_true(milliseconds_of("1.5m") == 90'000u);
  assert_true(milliseconds_of("2h") == 7'200'000u);
  assert_true(milliseconds_of("90d") == 7'776'000'000u);
  assert_true(milliseconds_of("0s") == 0u);
}

void what_is_no_duration_is_refused(void**) {
  for (const char* text :
       {"", "s", "-1s", "+1s", "1 s", "1D", "1w", "1S", "1e3s", "0x10s", "nan", "infs", "1ss", "9e99", "999999999h"}) {
    if (milliseconds_of(text)) print_error("'%s' was read\n", text);
    assert_false(milliseconds_of(text).has_value());
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(durations_are_read_in_every_unit),
      cmocka_unit_test(what_is_no_duration_is_refused),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
