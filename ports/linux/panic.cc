// SPDX-License-Identifier: Apache-2.0
//
// panic() on Linux: last words on stderr, then a core.

#include <cstdio>
#include <cstdlib>

#include "crdt/base/check.h"

namespace grid {

void panic(const char* what) {
  std::fprintf(stderr, "grid: stopped by a broken invariant: %s\n", what);
  std::abort();
}

}  // namespace grid
