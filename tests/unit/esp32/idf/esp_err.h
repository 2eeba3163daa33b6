// SPDX-License-Identifier: Apache-2.0
//
// Of ESP-IDF's esp_err.h: what ports/esp32 uses.
#pragma once

#include <cstdint>

using esp_err_t = int;

#define ESP_OK 0
#define ESP_FAIL (-1)
#define ESP_ERR_NO_MEM 0x101
#define ESP_ERR_INVALID_ARG 0x102
#define ESP_ERR_INVALID_STATE 0x103
#define ESP_ERR_INVALID_SIZE 0x104
#define ESP_ERR_NOT_FOUND 0x105
#define ESP_ERR_TIMEOUT 0x107

extern "C" const char* esp_err_to_name(esp_err_t code);
