// SPDX-License-Identifier: Apache-2.0
//
// Of ESP-IDF's esp_wifi.h: what ports/esp32 uses.
#pragma once

#include <esp_event.h>

#define ESP_ERR_WIFI_NOT_STARTED 0x3002

extern "C" const esp_event_base_t WIFI_EVENT;

enum wifi_event_t { WIFI_EVENT_STA_START = 2, WIFI_EVENT_STA_DISCONNECTED = 5 };
enum wifi_mode_t { WIFI_MODE_NULL, WIFI_MODE_STA };
enum wifi_interface_t { WIFI_IF_STA };
enum wifi_ps_type_t { WIFI_PS_NONE, WIFI_PS_MIN_MODEM };

struct wifi_init_config_t {
  int magic;
};
#define WIFI_INIT_CONFIG_DEFAULT() \
  { .magic = 0x1f2f3f4f }

struct wifi_sta_config_t {
  std::uint8_t ssid[32];
  std::uint8_t password[64];
};
union wifi_config_t {
  wifi_sta_config_t sta;
};

extern "C" {
esp_err_t esp_wifi_init(const wifi_init_config_t* config);
esp_err_t esp_wifi_set_mode(wifi_mode_t mode);
esp_err_t esp_wifi_set_config(wifi_interface_t interface, wifi_config_t* config);
esp_err_t esp_wifi_set_ps(wifi_ps_type_t type);
esp_err_t esp_wifi_start();
esp_err_t esp_wifi_connect();
esp_err_t esp_wifi_get_max_tx_power(std::int8_t* power);
}
