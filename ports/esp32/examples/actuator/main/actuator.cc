// SPDX-License-Identifier: Apache-2.0
//
// An actuator: a pin that follows the field `on` of its row in the map `switches`, now and after a restart without a
// network, and a row that says what the pin really is.
//
//     gridctl --app default put switches esp32-0b2c3d '{"on": true}'

#include <driver/gpio.h>
#include <esp_log.h>
#include <grid/esp32.h>
#include <grid/esp32_settings.h>
#include <grid/esp32_wifi.h>
#include <grid/grid.h>

namespace {

constexpr const char* kTag = "actuator";
constexpr gpio_num_t kPin = static_cast<gpio_num_t>(CONFIG_GRID_EXAMPLE_PIN);
constexpr std::uint64_t kTurnMs = 60'000;  // Commands come at once: they end the rest.

grid::Esp32ConfiguredHost host;  // All the memory that a node takes.
grid::Esp32Settings settings;
grid::Map states;

// Opens the node with what menuconfig says, and NVS knows better. What is missing is said, and done without: a device
// without a network is a device that keeps its writes.
grid::Node* open_node() {
  grid::runtime::Problem trouble;
  grid::configure_settings(settings);
  if (grid::read_settings(settings, trouble) != grid::Status::ok) ESP_LOGW(kTag, "%s", trouble.line());
  if (grid::wifi_join(settings.wifi_ssid, settings.wifi_password, trouble) != grid::Status::ok) {
    ESP_LOGW(kTag, "%s", trouble.line());
  }
  grid::Node* node = host.open({.app = settings.app, .server = settings.server, .certificate = settings.certificate});
  if (node == nullptr) ESP_LOGE(kTag, "%s", host.problem());
  return node;
}

void follow(const grid::Change& change) {
  const bool is_on = change.now["on"].truth_or(false);
  gpio_set_level(kPin, is_on ? 1 : 0);
  if (states.put(settings.name, {{"on", is_on}}).status() != grid::Status::ok) ESP_LOGW(kTag, "%s", host.problem());
  ESP_LOGI(kTag, "the pin is %s", is_on ? "on" : "off");
}

}  // namespace

extern "C" void app_main() {
  gpio_reset_pin(kPin);
  gpio_set_direction(kPin, GPIO_MODE_OUTPUT);
  grid::Node* node = open_node();
  if (node == nullptr) return;  // Said above. A restart would not help.
  states = node->map("states");
  grid::Map switches = node->map("switches");
  const grid::Watch watch = switches.watch(settings.name, &follow);
  if (watch.status() != grid::Status::ok) ESP_LOGE(kTag, "%s", host.problem());
  for (;;) host.run_for(kTurnMs);
}
