// SPDX-License-Identifier: Apache-2.0
//
// Of ESP-IDF's esp_log.h: what ports/esp32 uses.
#pragma once

extern "C" void fake_log(char level, const char* tag, const char* format, ...) __attribute__((format(printf, 3, 4)));

#define ESP_LOGE(tag, ...) fake_log('E', tag, __VA_ARGS__)
#define ESP_LOGW(tag, ...) fake_log('W', tag, __VA_ARGS__)
#define ESP_LOGI(tag, ...) fake_log('I', tag, __VA_ARGS__)
