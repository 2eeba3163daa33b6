// SPDX-License-Identifier: Apache-2.0
//
// GRID_CHECK: stops the node on a bug. Never on what a peer, a file or a caller's data said.
//
// Place     Beside status.h. The machine's port defines panic().
#pragma once

namespace grid {

// Says `what` in the machine's last words and never returns. Defined once by each port.
[[noreturn]] void panic(const char* what);

}  // namespace grid

#define GRID_STRINGIZE_(x) #x
#define GRID_STRINGIZE(x) GRID_STRINGIZE_(x)

// Where memory is dear, the place is all that is said.
#ifdef GRID_TERSE
#define GRID_CHECK(condition)                                               \
  do {                                                                      \
    if (!(condition)) ::grid::panic(__FILE__ ":" GRID_STRINGIZE(__LINE__)); \
  } while (false)
#else
#define GRID_CHECK(condition)                                                               \
  do {                                                                                      \
    if (!(condition)) ::grid::panic(__FILE__ ":" GRID_STRINGIZE(__LINE__) ": " #condition); \
  } while (false)
#endif
