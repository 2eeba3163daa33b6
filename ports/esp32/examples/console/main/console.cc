// SPDX-License-Identifier: Apache-2.0
//
// A console on the serial line: rows and settings by hand, from a task of its own that posts to the node's.
//
//     set wifi_ssid NAME      a setting, kept in NVS, heeded from the next start on: name, app, server, wifi_ssid,
//                             wifi_pass, token, certificate
//     put MAP KEY NUMBER      get MAP KEY      rm MAP KEY      status

#include <esp_log.h>
#include <freertos/FreeRTOS.h>
#include <freertos/task.h>
#include <grid/esp32.h>
#include <grid/esp32_settings.h>
#include <grid/esp32_wifi.h>
#include <grid/grid.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr const char* kTag = "console";
constexpr std::uint64_t kTurnMs = 60'000;  // A line ends the rest.
constexpr std::uint32_t kStackBytes = 4'096;

grid::Esp32ConfiguredHost host;  // All the memory that a node takes.
grid::Esp32Settings settings;
grid::Node* node = nullptr;

// One line at a time: it belongs to the reader until it is posted, then to the node's task until it is answered.
char line[256];
std::atomic<bool> is_answered{true};

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

const char* word(char* text = nullptr) {
  const char* next = std::strtok(text, " ");
  return next == nullptr ? "" : next;
}

void answer(const grid::Write& write) {
  std::printf("%s\n", write.status() == grid::Status::ok ? "kept here, and on its way" : host.problem());
}

void show_status() {
  const grid::runtime::ReplicaStatus status = node->status();
  std::printf("%s: %s, %u writes to send, clock %s, %u cells, flash erased at most %u times a sector\n", settings.name,
              grid::name_of(status.state), static_cast<unsigned>(status.ops_pending),
              grid::crdt::name_of(status.quality), static_cast<unsigned>(host.store()->cell_count()),
              static_cast<unsigned>(host.store()->wear().erases_max));
}

void set(const char* name, const char* value) {
  grid::runtime::Problem trouble;
  const grid::Status status = grid::write_setting(name, value, trouble);
  std::printf("%s\n", status == grid::Status::ok ? "kept; restart to use it" : trouble.line());
}

void obey() {
  const char* verb = word(line);
  const char* first = word();
  const char* second = word();
  if (std::strcmp(verb, "set") == 0) return set(first, second);
  if (std::strcmp(verb, "status") == 0) return show_status();
  grid::Map map = node->map(first);
  if (std::strcmp(verb, "put") == 0) return answer(map.put(second, {{"value", std::atof(word())}}));
  if (std::strcmp(verb, "rm") == 0) return answer(map.remove(second));
  if (std::strcmp(verb, "get") == 0) {
    std::printf("%g\n", map.get(second)["value"].number_or(0));
  } else {
    std::printf("set NAME VALUE | put MAP KEY NUMBER | get MAP KEY | rm MAP KEY | status\n");
  }
}

void post_line() {
  is_answered = false;
  const bool is_posted = host.post(
      [](void*) {
        obey();
        is_answered = true;
      },
      nullptr);
  if (!is_posted) is_answered = true;  // Eight others are ahead of it: type it again.
}

// ESP-IDF's standard input does not wait for a byte unless a driver is installed.
void read_lines(void*) {
  constexpr TickType_t kLookTicks = pdMS_TO_TICKS(20);
  std::size_t size = 0;
  for (;;) {
    const int byte = is_answered ? std::fgetc(stdin) : EOF;
    if (byte == EOF) {
      std::clearerr(stdin);
      vTaskDelay(kLookTicks);
    } else if (byte == '\n' || byte == '\r') {
      line[size] = '\0';
      if (size > 0) post_line();
      size = 0;
    } else if (size + 1 < sizeof(line)) {
      line[size++] = static_cast<char>(byte);
    }
  }
}

}  // namespace

extern "C" void app_main() {
  node = open_node();
  if (node == nullptr) return;  // Said above. A restart would not help.
  if (xTaskCreate(&read_lines, "console", kStackBytes, nullptr, 1, nullptr) != pdPASS) ESP_LOGE(kTag, "no console");
  for (;;) host.run_for(kTurnMs);
}
