// SPDX-License-Identifier: Apache-2.0
//
// A gateway that asks for rights, against devices that say anything: stage.h plays the script, and guard.h looks at
// what one of them is told.
#include "tests/fuzz/stage.h"
#include "tests/fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  grid::test::Script script({data, size});
  grid::test::Guard guard;
  grid::test::Stage(script, grid::test::Victim::gateway, &guard).play();
  return 0;
}
