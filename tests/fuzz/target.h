// SPDX-License-Identifier: Apache-2.0
//
// The entry point of a fuzz target, called by libFuzzer or by replay.cc. It stops the program when a promise is broken.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
