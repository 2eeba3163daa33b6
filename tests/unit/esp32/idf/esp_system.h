// SPDX-License-Identifier: Apache-2.0
//
// Of ESP-IDF's esp_system.h: what ports/esp32 uses.
#pragma once

#include <cstdint>

extern "C" {
std::uint32_t esp_get_free_heap_size();
[[noreturn]] void esp_system_abort(const char* details);
}
