// SPDX-License-Identifier: Apache-2.0
//
// cmocka with the includes that it needs, in their order.
//
// A failing assert leaves by longjmp: destructors of locals don't run. Fixtures go into setup and teardown.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <ios>  // before cmocka, whose macro `fail` is a member's name there

extern "C" {
#include <cmocka.h>  // after the four above; does not say that it is C
}

#include "crdt/base/status.h"

// cmocka takes a common word; what it says with it is said without.
#undef fail
#undef fail_msg
#define fail_msg(...)                   \
  do {                                  \
    print_error("ERROR: " __VA_ARGS__); \
    print_error("\n");                  \
    _fail(__FILE__, __LINE__);          \
  } while (false)

#define assert_status(expression, expected) assert_string_equal(::grid::name_of(expression), ::grid::name_of(expected))
#define assert_ok(expression) assert_status(expression, ::grid::Status::ok)
