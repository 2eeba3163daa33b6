// SPDX-License-Identifier: Apache-2.0
//
// Of ESP-IDF's nvs_flash.h: what ports/esp32 uses.
#pragma once

#include <nvs.h>

extern "C" esp_err_t nvs_flash_init();
