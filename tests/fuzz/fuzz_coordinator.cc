// SPDX-License-Identifier: Apache-2.0
//
// A gateway against devices that say anything: stage.h plays the script.
#include "tests/fuzz/stage.h"
#include "tests/fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  grid::test::Script script({data, size});
  grid::test::Stage(script, grid::test::Victim::gateway).play();
  return 0;
}
