// SPDX-License-Identifier: Apache-2.0
//
// Guard: rights of two principals, and the judge of what the gateway tells the one who has some (SEC-1).
//
// Place     Beside judge.h; stage.h gives it every frame that its gateway writes to ann.
#pragma once

#include "server/grants.h"
#include "storage/store.h"

namespace grid::test {

class Guard {
 public:
  Guard();

  server::Access& access() { return grants_; }
  static const char* principal(std::size_t device) { return device == 0 ? "root" : "ann"; }
  // Ends the program where the frame shows ann what she may not see, of rows as they stand.
  void check(Bytes frame, storage::Store& store) const;

 private:
  bool may_see(const crdt::Cell& cell, storage::Store& store) const;

  server::Grants grants_;
  const server::Rights* ann_;
};

}  // namespace grid::test
