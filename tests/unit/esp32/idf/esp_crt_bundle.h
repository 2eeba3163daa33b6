// SPDX-License-Identifier: Apache-2.0
//
// Of ESP-IDF's esp_crt_bundle.h: what ports/esp32 uses.
#pragma once

#include <esp_err.h>

extern "C" esp_err_t esp_crt_bundle_attach(void* config);
