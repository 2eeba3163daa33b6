// SPDX-License-Identifier: Apache-2.0
//
// Of ESP-IDF's esp_pm.h: what the examples use.
#pragma once

#include <esp_err.h>

struct esp_pm_config_t {
  int max_freq_mhz;
  int min_freq_mhz;
  bool light_sleep_enable;
};

extern "C" esp_err_t esp_pm_configure(const void* config);
