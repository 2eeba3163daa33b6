// SPDX-License-Identifier: Apache-2.0
#include "tests/fuzz/target.h"
#include "tests/unit/wire/rewrite.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static_cast<void>(grid::test::check_rewrite({data, size}));
  return 0;
}
