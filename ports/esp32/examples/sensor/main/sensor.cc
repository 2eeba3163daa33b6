// SPDX-License-Identifier: Apache-2.0
//
// A sensor: writes what it measures to the map `climate`, under its own name, with a network or without. Between two
// readings the machine sleeps lightly.

#include <driver/temperature_sensor.h>
#include <esp_log.h>
#include <esp_pm.h>
#include <esp_system.h>
#include <grid/esp32.h>
#include <grid/esp32_settings.h>
#include <grid/esp32_wifi.h>
#include <grid/grid.h>

namespace {

constexpr const char* kTag = "sensor";
constexpr std::uint64_t kPeriodMs = std::uint64_t{CONFIG_GRID_EXAMPLE_SECONDS} * 1'000;

grid::Esp32ConfiguredHost host;  // All the memory that a node takes.
grid::Esp32Settings settings;

// Opens the node with what menuconfig says, and NVS knows better. What is missing is said, and done without: a device
// without a network is a device that keeps its writes.
grid::Node* open_node() {
  grid::runtime::Problem trouble;
  grid::configure_settings(settings);
  if (grid::read_settings(settings, trouble) != grid::Status::ok) ESP_LOGW(kTag, "%s", trouble.line());
  if (grid::wifi_join(settings.wifi_ssid, settings.wifi_password, trouble) != grid::Status::ok) {
    ESP_LOGW(kTag, "%s", trouble.line());
  }
  grid::Node* node = host.open({.app = settings.app, .server = settings.server, .token = settings.token, .certificate = settings.certificate});
  if (node == nullptr) ESP_LOGE(kTag, "%s", host.problem());
  return node;
}

#if CONFIG_SOC_TEMP_SENSOR_SUPPORTED
// That of the chip itself, some degrees above the room's.
double read_celsius() {
  static temperature_sensor_handle_t sensor = nullptr;
  const temperature_sensor_config_t config = TEMPERATURE_SENSOR_CONFIG_DEFAULT(-10, 80);
  if (sensor == nullptr && temperature_sensor_install(&config, &sensor) == ESP_OK) temperature_sensor_enable(sensor);
  float celsius = 0;
  if (sensor != nullptr) temperature_sensor_get_celsius(sensor, &celsius);
  return celsius;
}
#else
double read_celsius() { return 20; }  // This chip has no thermometer: yours goes here.
#endif

void allow_light_sleep() {
#if CONFIG_PM_ENABLE
  const esp_pm_config_t config{
      .max_freq_mhz = CONFIG_ESP_DEFAULT_CPU_FREQ_MHZ, .min_freq_mhz = CONFIG_XTAL_FREQ, .light_sleep_enable = true};
  if (esp_pm_configure(&config) != ESP_OK) ESP_LOGW(kTag, "no light sleep: CONFIG_FREERTOS_USE_TICKLESS_IDLE is off");
#endif
}

}  // namespace

extern "C" void app_main() {
  grid::Node* node = open_node();
  if (node == nullptr) return;  // Said above. A restart would not help.
  allow_light_sleep();
  grid::Map climate = node->map("climate");
  for (;;) {
    const grid::Write write = climate.put(
        settings.name, {{"celsius", read_celsius()}, {"heap", static_cast<std::int64_t>(esp_get_free_heap_size())}});
    if (write.status() != grid::Status::ok) ESP_LOGW(kTag, "%s", host.problem());
    const grid::runtime::ReplicaStatus status = node->status();
    ESP_LOGI(kTag, "%s, %u writes to send", grid::name_of(status.state), static_cast<unsigned>(status.ops_pending));
    host.run_for(kPeriodMs);
  }
}
