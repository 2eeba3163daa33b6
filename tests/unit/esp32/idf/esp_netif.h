// SPDX-License-Identifier: Apache-2.0
//
// Of ESP-IDF's esp_netif.h: what ports/esp32 uses.
#pragma once

#include <esp_event.h>

extern "C" const esp_event_base_t IP_EVENT;

enum ip_event_t { IP_EVENT_STA_GOT_IP, IP_EVENT_STA_LOST_IP };

struct esp_netif_obj;
using esp_netif_t = esp_netif_obj;

struct esp_ip4_addr_t {
  std::uint32_t addr;
};
struct esp_netif_ip_info_t {
  esp_ip4_addr_t ip;
  esp_ip4_addr_t netmask;
  esp_ip4_addr_t gw;
};

extern "C" {
esp_err_t esp_netif_init();
esp_netif_t* esp_netif_create_default_wifi_sta();
esp_netif_t* esp_netif_get_default_netif();
esp_netif_t* esp_netif_get_handle_from_ifkey(const char* key);
bool esp_netif_is_netif_up(esp_netif_t* netif);
esp_err_t esp_netif_get_ip_info(esp_netif_t* netif, esp_netif_ip_info_t* info);
}
