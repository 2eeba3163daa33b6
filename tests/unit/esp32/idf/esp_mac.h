// SPDX-License-Identifier: Apache-2.0
//
// Of ESP-IDF's esp_mac.h: what ports/esp32 uses.
#pragma once

#include <esp_err.h>

extern "C" esp_err_t esp_efuse_mac_get_default(std::uint8_t* mac);
