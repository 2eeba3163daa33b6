// SPDX-License-Identifier: Apache-2.0
//
// This board has no generator: chance is that of the machine that the debugger runs on, a file there. Without a
// debugger it has none, and stops.

#include "ports/bare/chance.h"

#include "crdt/base/check.h"
#include "ports/bare/semihosting.h"

namespace grid::bare {

void draw(MutBytes out) {
  static int file = -1;
  if (file < 0) file = sys_semihost_open("/dev/urandom", SH_OPEN_R_B);
  // Semihosting counts what was left undone.
  if (file < 0 || sys_semihost_read(file, out.data(), out.size()) != 0) {
    panic("there is no chance: the debugger's machine lends no /dev/urandom");
  }
}

}  // namespace grid::bare
