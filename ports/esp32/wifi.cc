// SPDX-License-Identifier: Apache-2.0

#include <esp_event.h>
#include <esp_netif.h>
#include <esp_wifi.h>
#include <nvs_flash.h>

#include <cstring>

#include "ports/esp32/grid/esp32_wifi.h"

namespace grid {
namespace {

// An attempt takes seconds by itself: there is no need to wait between two.
void rejoin(void*, esp_event_base_t, std::int32_t, void*) {
  [[maybe_unused]] const esp_err_t error = esp_wifi_connect();
}

Status judge(esp_err_t error, const char* call, runtime::Problem& problem) {
  // What somebody else has started already is started.
  if (error == ESP_OK || error == ESP_ERR_INVALID_STATE) return Status::ok;
  problem.say("Wi-Fi: ").text(call).text(": ").text(esp_err_to_name(error));
  return Status::io;
}

Status start_network(runtime::Problem& problem) {
  GRID_TRY(judge(nvs_flash_init(), "nvs_flash_init", problem));
  GRID_TRY(judge(esp_netif_init(), "esp_netif_init", problem));
  return judge(esp_event_loop_create_default(), "esp_event_loop_create_default", problem);
}

// Once, however often a network is joined.
Status rejoin_at(std::int32_t event, runtime::Problem& problem) {
  [[maybe_unused]] const esp_err_t before = esp_event_handler_unregister(WIFI_EVENT, event, &rejoin);
  return judge(esp_event_handler_register(WIFI_EVENT, event, &rejoin, nullptr), "register", problem);
}

Status start_radio(wifi_config_t& network, runtime::Problem& problem) {
  // Of a second one ESP-IDF makes an assertion, not an error.
  const bool has_interface = esp_netif_get_handle_from_ifkey("WIFI_STA_DEF") != nullptr;
  if (!has_interface && esp_netif_create_default_wifi_sta() == nullptr) {
    return judge(ESP_ERR_NO_MEM, "no interface", problem);
  }
  const wifi_init_config_t config = WIFI_INIT_CONFIG_DEFAULT();
  GRID_TRY(judge(esp_wifi_init(&config), "esp_wifi_init", problem));
  GRID_TRY(rejoin_at(WIFI_EVENT_STA_START, problem));
  GRID_TRY(rejoin_at(WIFI_EVENT_STA_DISCONNECTED, problem));
  GRID_TRY(judge(esp_wifi_set_mode(WIFI_MODE_STA), "esp_wifi_set_mode", problem));
  GRID_TRY(judge(esp_wifi_set_config(WIFI_IF_STA, &network), "esp_wifi_set_config", problem));
  GRID_TRY(judge(esp_wifi_start(), "esp_wifi_start", problem));
  return judge(esp_wifi_set_ps(WIFI_PS_MIN_MODEM), "esp_wifi_set_ps", problem);
}

}  // namespace

Status wifi_join(const char* ssid, const char* password, runtime::Problem& problem) {
  GRID_TRY(start_network(problem));
  wifi_config_t network{};
  const std::size_t ssid_bytes = std::strlen(ssid);
  const std::size_t password_bytes = std::strlen(password);
  // Both fill their fields to the last byte, without an end, if they are that long.
  if (ssid_bytes == 0 || ssid_bytes > sizeof(network.sta.ssid) || password_bytes > sizeof(network.sta.password)) {
    problem.say("Wi-Fi: the network's name has 1 to 32 characters, the password at most 64");
    return Status::invalid;
  }
  std::memcpy(network.sta.ssid, ssid, ssid_bytes);
  std::memcpy(network.sta.password, password, password_bytes);
  return start_radio(network, problem);
}

}  // namespace grid
