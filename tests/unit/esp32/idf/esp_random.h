// SPDX-License-Identifier: Apache-2.0
//
// Of ESP-IDF's esp_random.h: what ports/esp32 uses.
#pragma once

#include <cstddef>

extern "C" void esp_fill_random(void* to, std::size_t size);
