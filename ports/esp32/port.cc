// SPDX-License-Identifier: Apache-2.0
//
// Port for ESP-IDF: clocks, chance and last words.
//
// Chance: the generator of an ESP32 is fed by the noise of its radio, or, while that is off, by that of its ADC, which
// must be asked for. CONFIG_GRID_ENTROPY_AUTO looks which of them it is.

#include "ports/port.h"

#include <bootloader_random.h>
#include <esp_log.h>
#include <esp_random.h>
#include <esp_system.h>
#include <esp_timer.h>
#include <esp_wifi.h>
#include <sdkconfig.h>
#include <sys/time.h>

#include "crdt/base/check.h"
#include "crdt/clock.h"

namespace grid::port {
namespace {

constexpr const char* kTag = "grid";

#if CONFIG_GRID_ENTROPY_AUTO
// Asked of a setting that there is only while the radio is on.
bool is_radio_on() {
  std::int8_t power = 0;
  return esp_wifi_get_max_tx_power(&power) == ESP_OK;
}
#endif

}  // namespace

std::uint64_t monotonic_ms() { return static_cast<std::uint64_t>(esp_timer_get_time()) / 1'000; }

// Set by SNTP or by the application; ESP-IDF keeps it through deep sleep, and starts at 1970 after a power cut.
std::uint64_t wall_ms() {
  timeval now{};
  if (gettimeofday(&now, nullptr) != 0 || now.tv_sec <= 0) return 0;
  const std::uint64_t ms =
      static_cast<std::uint64_t>(now.tv_sec) * 1'000 + static_cast<std::uint64_t>(now.tv_usec) / 1'000;
  return ms < crdt::kBuildEpochMs ? 0 : ms;
}

void entropy(MutBytes out) {
#if CONFIG_GRID_ENTROPY_AUTO
  const bool needs_source = !is_radio_on();
  if (needs_source) bootloader_random_enable();
  esp_fill_random(out.data(), out.size());
  if (needs_source) bootloader_random_disable();
#else
  esp_fill_random(out.data(), out.size());
#endif
}

void log(Level level, const char* line) {
  switch (level) {
    case Level::info:
      ESP_LOGI(kTag, "%s", line);
      return;
    case Level::warning:
      ESP_LOGW(kTag, "%s", line);
      return;
    case Level::error:
      ESP_LOGE(kTag, "%s", line);
      return;
  }
}

void stop(const char* line) { panic(line); }

std::uint32_t headroom_bytes() { return esp_get_free_heap_size(); }

}  // namespace grid::port
