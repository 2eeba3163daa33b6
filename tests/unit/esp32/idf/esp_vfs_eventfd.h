// SPDX-License-Identifier: Apache-2.0
//
// Of ESP-IDF's esp_vfs_eventfd.h: what ports/esp32 uses.
#pragma once

#include <esp_err.h>

#include <cstddef>

struct esp_vfs_eventfd_config_t {
  std::size_t max_fds;
};
#define ESP_VFS_EVENTD_CONFIG_DEFAULT() (esp_vfs_eventfd_config_t{.max_fds = 5})

extern "C" {
esp_err_t esp_vfs_eventfd_register(const esp_vfs_eventfd_config_t* config);
int eventfd(unsigned int start, int flags);
}
