// SPDX-License-Identifier: Apache-2.0
//
// Of ESP-IDF's esp_partition.h: what ports/esp32 uses.
#pragma once

#include <esp_err.h>

#include <cstddef>

struct esp_flash_t;

enum esp_partition_type_t {
  ESP_PARTITION_TYPE_APP = 0x00,
  ESP_PARTITION_TYPE_DATA = 0x01,
  ESP_PARTITION_TYPE_ANY = 0xff
};
enum esp_partition_subtype_t { ESP_PARTITION_SUBTYPE_DATA_SPIFFS = 0x82, ESP_PARTITION_SUBTYPE_ANY = 0xff };

struct esp_partition_t {
  esp_flash_t* flash_chip;
  esp_partition_type_t type;
  esp_partition_subtype_t subtype;
  std::uint32_t address;
  std::uint32_t size;
  std::uint32_t erase_size;
  char label[17];
  bool encrypted;
  bool readonly;
};

extern "C" {
const esp_partition_t* esp_partition_find_first(esp_partition_type_t type, esp_partition_subtype_t subtype,
                                                const char* label);
esp_err_t esp_partition_read(const esp_partition_t* partition, std::size_t offset, void* to, std::size_t size);
esp_err_t esp_partition_write(const esp_partition_t* partition, std::size_t offset, const void* from, std::size_t size);
esp_err_t esp_partition_erase_range(const esp_partition_t* partition, std::size_t offset, std::size_t size);
}
