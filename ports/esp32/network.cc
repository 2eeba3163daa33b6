// SPDX-License-Identifier: Apache-2.0

#include "ports/esp32/network.h"

#include <esp_netif.h>
#include <esp_wifi.h>

namespace grid::port {

Network::~Network() {
  if (!is_open_) return;
  [[maybe_unused]] const esp_err_t ip = esp_event_handler_unregister(IP_EVENT, ESP_EVENT_ANY_ID, &Network::note);
  [[maybe_unused]] const esp_err_t wifi =
      esp_event_handler_unregister(WIFI_EVENT, WIFI_EVENT_STA_DISCONNECTED, &Network::note);
}

// An address outlives the access point that it came from by minutes: the drop of the radio link is news of its own.
Status Network::open() {
  if (is_open_) return Status::ok;
  if (esp_event_handler_register(IP_EVENT, ESP_EVENT_ANY_ID, &Network::note, this) != ESP_OK) return Status::busy;
  is_open_ = true;
  if (esp_event_handler_register(WIFI_EVENT, WIFI_EVENT_STA_DISCONNECTED, &Network::note, this) != ESP_OK) {
    return Status::busy;
  }
  return Status::ok;
}

bool Network::is_up() const {
  esp_netif_t* netif = esp_netif_get_default_netif();
  if (netif == nullptr || !esp_netif_is_netif_up(netif)) return false;
  esp_netif_ip_info_t address{};
  return esp_netif_get_ip_info(netif, &address) == ESP_OK && address.ip.addr != 0;
}

void Network::note(void* self, esp_event_base_t, std::int32_t, void*) {
  Network* network = static_cast<Network*>(self);
  network->has_news_.store(true, std::memory_order_release);
  network->mailbox_.ring();
}

}  // namespace grid::port
