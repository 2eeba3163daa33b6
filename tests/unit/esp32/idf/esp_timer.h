// SPDX-License-Identifier: Apache-2.0
//
// Of ESP-IDF's esp_timer.h: what ports/esp32 uses.
#pragma once

#include <cstdint>

extern "C" std::int64_t esp_timer_get_time();
