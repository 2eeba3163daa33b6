// SPDX-License-Identifier: Apache-2.0
//
// Of ESP-IDF's FreeRTOS: what ports/esp32 uses.
#pragma once

#include <cstdint>

using BaseType_t = int;
using UBaseType_t = unsigned int;
using TickType_t = std::uint32_t;
using StackType_t = std::uint8_t;

#define pdTRUE 1
#define pdFALSE 0
#define pdPASS pdTRUE
#define pdMS_TO_TICKS(ms) (static_cast<TickType_t>((ms) / 10))

// Opaque, as there: the fake keeps what it needs in it.
struct StaticQueue_t {
  void* words[20];
};
