// SPDX-License-Identifier: Apache-2.0
//
// The machine behind the fake of ESP-IDF in idf/: just the calls that ports/esp32 makes, on Linux, each as its header
// says, and each able to fail. Sockets are Linux's own, flash is the emulator that enforces NOR's rules.
//
// Place     Only tests include it; ports/esp32 sees the headers of idf/.
// Threads   Any, for queues, the event loop and the clock; the rest is the test's.
#pragma once

#include <esp_event.h>
#include <esp_partition.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/flash/nor_emulator.h"

namespace grid::test {

struct FakeIdf {
  // Flash: one partition beside nothing else.
  esp_partition_t partition{};
  std::unique_ptr<NorEmulator> flash;
  void make_partition(const char* label, std::uint8_t type, std::uint8_t subtype, std::uint32_t sectors);
  esp_err_t flash_error = ESP_OK;  // Of so many calls from now on, which do nothing.
  int flash_errors = 0;
  esp_err_t next_flash_error();

  // Clocks
  std::int64_t skipped_us = 0;  // Of esp_timer, beyond what Linux's clock says.
  bool knows_time = true;       // Else it is 1970, as after a power cut.

  // Chance
  bool is_radio_on = false;
  int sources_on = 0;           // bootloader_random_enable() less ..._disable()
  int bytes_without_noise = 0;  // Drawn while nothing fed the generator.
  int bytes_with_noise = 0;

  // NVS
  esp_err_t nvs_init_error = ESP_OK;
  esp_err_t nvs_open_error = ESP_OK;
  esp_err_t nvs_write_error = ESP_OK;
  bool has_namespace = false;
  std::map<std::string, std::string> nvs;
  std::map<std::string, esp_err_t> nvs_errors;  // Of reading an entry.
  int nvs_open_handles = 0;

  // Events, and the network
  bool has_event_loop = false;
  struct Handler {
    esp_event_base_t base;
    std::int32_t id;
    esp_event_handler_t call;
    void* argument;
  };
  std::vector<Handler> handlers;
  void fire(esp_event_base_t base, std::int32_t id);
  bool has_interface = false;
  bool has_station = false;  // A second one of that key is an assertion of ESP-IDF.
  bool is_up = false;
  bool has_address = false;
  void network_up();
  void network_down();
  std::map<std::string, esp_err_t> wifi_errors;  // By the name of the call.
  std::vector<std::string> wifi_calls;

  // Event files
  bool has_event_files = true;
  bool is_eventfd_registered = false;
  int delays = 0;  // vTaskDelay()

  // TLS: what a handshake comes to, after so many turns in which it wants more.
  int handshake_turns = 0;
  bool is_trusted = true;
  bool no_tls_memory = false;
  int connections = 0;  // That are not destroyed.
  std::string seen_certificate;
  std::string seen_host;
  bool has_seen_bundle = false;
};

// Fresh, as after a power cut with everything erased.
void reset_idf();
FakeIdf& idf();

}  // namespace grid::test
