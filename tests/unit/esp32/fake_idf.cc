// SPDX-License-Identifier: Apache-2.0

#include "tests/unit/esp32/fake_idf.h"

#include <bootloader_random.h>
#include <driver/temperature_sensor.h>
#include <esp_log.h>
#include <esp_mac.h>
#include <esp_netif.h>
#include <esp_pm.h>
#include <esp_random.h>
#include <esp_system.h>
#include <esp_timer.h>
#include <esp_vfs_eventfd.h>
#include <esp_wifi.h>
#include <freertos/FreeRTOS.h>
#include <freertos/queue.h>
#include <freertos/task.h>
#include <nvs_flash.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <mutex>
#include <thread>

#include "crdt/base/check.h"

namespace grid::test {
namespace {

std::unique_ptr<FakeIdf> machine;
std::thread::id device;

// A gateway in the same program has linked the same port, and lives on a thread of its own, in a sane world.
bool is_device() { return std::this_thread::get_id() == device; }

}  // namespace

void reset_idf() {
  machine = std::make_unique<FakeIdf>();
  device = std::this_thread::get_id();
}

FakeIdf& idf() {
  if (machine == nullptr) reset_idf();
  return *machine;
}

void FakeIdf::make_partition(const char* label, std::uint8_t type, std::uint8_t subtype, std::uint32_t sectors) {
  flash = std::make_unique<NorEmulator>(sectors);
  partition = {};
  std::strncpy(partition.label, label, sizeof(partition.label) - 1);
  partition.type = static_cast<esp_partition_type_t>(type);
  partition.subtype = static_cast<esp_partition_subtype_t>(subtype);
  partition.size = sectors * 4'096;
  partition.erase_size = 4'096;
}

void FakeIdf::fire(esp_event_base_t base, std::int32_t id) {
  for (const Handler& one : std::vector<Handler>(handlers)) {
    if (one.base == base && (one.id == ESP_EVENT_ANY_ID || one.id == id)) one.call(one.argument, base, id, nullptr);
  }
}

void FakeIdf::network_up() {
  has_interface = is_up = has_address = true;
  fire(IP_EVENT, IP_EVENT_STA_GOT_IP);
}

// The address stays, as it does there, when the access point goes.
void FakeIdf::network_down() {
  is_up = false;
  fire(WIFI_EVENT, WIFI_EVENT_STA_DISCONNECTED);
}

}  // namespace grid::test

using grid::test::idf;

extern "C" {

const char* esp_err_to_name(esp_err_t code) {
  switch (code) {
    case ESP_OK:
      return "ESP_OK";
    case ESP_ERR_NO_MEM:
      return "ESP_ERR_NO_MEM";
    case ESP_ERR_NVS_NO_FREE_PAGES:
      return "ESP_ERR_NVS_NO_FREE_PAGES";
    case ESP_ERR_WIFI_NOT_STARTED:
      return "ESP_ERR_WIFI_NOT_STARTED";
    default:
      return "ERROR";
  }
}

// ---- flash

esp_err_t grid::test::FakeIdf::next_flash_error() {
  if (flash_errors == 0) return ESP_OK;
  --flash_errors;
  return flash_error;
}

const esp_partition_t* esp_partition_find_first(esp_partition_type_t type, esp_partition_subtype_t subtype,
                                                const char* label) {
  const esp_partition_t& one = idf().partition;
  if (one.size == 0 || std::strcmp(one.label, label) != 0) return nullptr;
  if (type != ESP_PARTITION_TYPE_ANY && type != one.type) return nullptr;
  if (subtype != ESP_PARTITION_SUBTYPE_ANY && subtype != one.subtype) return nullptr;
  return &one;
}

static esp_err_t range(const esp_partition_t* partition, std::size_t offset, std::size_t size) {
  if (offset > partition->size) return ESP_ERR_INVALID_ARG;
  return size > partition->size - offset ? ESP_ERR_INVALID_SIZE : idf().next_flash_error();
}

static esp_err_t error_of(grid::Status status) { return status == grid::Status::ok ? ESP_OK : 0x6001; }

esp_err_t esp_partition_read(const esp_partition_t* partition, std::size_t offset, void* to, std::size_t size) {
  if (const esp_err_t error = range(partition, offset, size); error != ESP_OK) return error;
  return error_of(idf().flash->read(static_cast<std::uint32_t>(offset), {static_cast<std::uint8_t*>(to), size}));
}

esp_err_t esp_partition_write(const esp_partition_t* partition, std::size_t offset, const void* from,
                              std::size_t size) {
  if (const esp_err_t error = range(partition, offset, size); error != ESP_OK) return error;
  // What flash encryption asks for.
  if (offset % 16 != 0 || size % 16 != 0) return ESP_ERR_INVALID_ARG;
  return error_of(
      idf().flash->program(static_cast<std::uint32_t>(offset), {static_cast<const std::uint8_t*>(from), size}));
}

esp_err_t esp_partition_erase_range(const esp_partition_t* partition, std::size_t offset, std::size_t size) {
  if (const esp_err_t error = range(partition, offset, size); error != ESP_OK) return error;
  if (offset % 4'096 != 0 || size != 4'096) return ESP_ERR_INVALID_ARG;
  return error_of(idf().flash->erase(static_cast<std::uint32_t>(offset / 4'096)));
}

// ---- clock, chance, words

std::int64_t esp_timer_get_time() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000 + idf().skipped_us;
}

int gettimeofday(timeval* now, void*) noexcept {
  const bool knows_time = !grid::test::is_device() || idf().knows_time;
  timespec wall{};
  clock_gettime(knows_time ? CLOCK_REALTIME : CLOCK_MONOTONIC, &wall);
  if (!knows_time) wall.tv_sec %= 86'400;
  *now = {.tv_sec = wall.tv_sec, .tv_usec = wall.tv_nsec / 1'000};
  return 0;
}

void esp_fill_random(void* to, std::size_t size) {
  GRID_CHECK(getrandom(to, size, 0) == static_cast<ssize_t>(size));
  if (!grid::test::is_device()) return;
  const bool has_noise = idf().is_radio_on || idf().sources_on > 0;
  (has_noise ? idf().bytes_with_noise : idf().bytes_without_noise) += static_cast<int>(size);
}

void bootloader_random_enable() {
  if (grid::test::is_device()) ++idf().sources_on;
}

void bootloader_random_disable() {
  if (grid::test::is_device()) --idf().sources_on;
}

std::uint32_t esp_get_free_heap_size() { return 123'456; }

esp_err_t esp_efuse_mac_get_default(std::uint8_t* mac) {
  constexpr std::uint8_t kMac[] = {0x7c, 0xdf, 0xa1, 0x0b, 0x2c, 0x3d};
  std::memcpy(mac, kMac, sizeof(kMac));
  return ESP_OK;
}

void fake_log(char level, const char* tag, const char* format, ...) {
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  [[maybe_unused]] const int size = std::vsnprintf(line, sizeof(line), format, arguments);
  va_end(arguments);
  std::fprintf(stderr, "%c %s: %s\n", level, tag, line);
}

// ---- NVS

esp_err_t nvs_flash_init() { return idf().nvs_init_error; }

esp_err_t nvs_open(const char* name, nvs_open_mode_t mode, nvs_handle_t* handle) {
  GRID_CHECK(std::strcmp(name, "grid") == 0);
  if (idf().nvs_open_error != ESP_OK) return idf().nvs_open_error;
  if (mode == NVS_READONLY && !idf().has_namespace) return ESP_ERR_NVS_NOT_FOUND;
  idf().has_namespace = true;
  ++idf().nvs_open_handles;
  *handle = 7;
  return ESP_OK;
}

esp_err_t nvs_get_str(nvs_handle_t, const char* key, char* value, std::size_t* size) {
  GRID_CHECK(std::strlen(key) <= 15);
  if (const auto error = idf().nvs_errors.find(key); error != idf().nvs_errors.end()) return error->second;
  const auto entry = idf().nvs.find(key);
  if (entry == idf().nvs.end()) return ESP_ERR_NVS_NOT_FOUND;
  const std::size_t needed = entry->second.size() + 1;
  if (value != nullptr && *size < needed) return ESP_ERR_NVS_INVALID_LENGTH;
  if (value != nullptr) std::memcpy(value, entry->second.c_str(), needed);
  *size = needed;
  return ESP_OK;
}

esp_err_t nvs_set_str(nvs_handle_t, const char* key, const char* value) {
  GRID_CHECK(std::strlen(key) <= 15);
  if (idf().nvs_write_error == ESP_OK) idf().nvs[key] = value;
  return idf().nvs_write_error;
}

esp_err_t nvs_erase_key(nvs_handle_t, const char* key) {
  return idf().nvs.erase(key) == 0 ? ESP_ERR_NVS_NOT_FOUND : ESP_OK;
}

esp_err_t nvs_commit(nvs_handle_t) { return idf().nvs_write_error; }

void nvs_close(nvs_handle_t) { --idf().nvs_open_handles; }

// ---- events and network

const esp_event_base_t IP_EVENT = "IP_EVENT";
const esp_event_base_t WIFI_EVENT = "WIFI_EVENT";

esp_err_t esp_event_loop_create_default() {
  if (idf().has_event_loop) return ESP_ERR_INVALID_STATE;
  idf().has_event_loop = true;
  return ESP_OK;
}

esp_err_t esp_event_handler_register(esp_event_base_t base, std::int32_t id, esp_event_handler_t handler,
                                     void* argument) {
  if (!idf().has_event_loop) return ESP_ERR_INVALID_STATE;
  idf().handlers.push_back({base, id, handler, argument});
  return ESP_OK;
}

esp_err_t esp_event_handler_unregister(esp_event_base_t base, std::int32_t id, esp_event_handler_t handler) {
  std::erase_if(idf().handlers, [&](const grid::test::FakeIdf::Handler& one) {
    return one.base == base && one.id == id && one.call == handler;
  });
  return ESP_OK;
}

esp_err_t esp_netif_init() { return ESP_OK; }

esp_netif_t* esp_netif_create_default_wifi_sta() {
  GRID_CHECK(!std::exchange(idf().has_station, true));
  return reinterpret_cast<esp_netif_t*>(&idf().has_interface);
}

esp_netif_t* esp_netif_get_handle_from_ifkey(const char* key) {
  GRID_CHECK(std::strcmp(key, "WIFI_STA_DEF") == 0);
  return idf().has_station ? reinterpret_cast<esp_netif_t*>(&idf().has_interface) : nullptr;
}

esp_netif_t* esp_netif_get_default_netif() {
  return idf().has_interface ? reinterpret_cast<esp_netif_t*>(&idf().has_interface) : nullptr;
}

bool esp_netif_is_netif_up(esp_netif_t*) { return idf().is_up; }

esp_err_t esp_netif_get_ip_info(esp_netif_t*, esp_netif_ip_info_t* info) {
  info->ip.addr = idf().has_address ? 0x0100'007f : 0;
  return ESP_OK;
}

static esp_err_t wifi_call(const char* name) {
  idf().wifi_calls.emplace_back(name);
  const auto error = idf().wifi_errors.find(name);
  return error == idf().wifi_errors.end() ? ESP_OK : error->second;
}

esp_err_t esp_wifi_init(const wifi_init_config_t* config) {
  GRID_CHECK(config->magic == 0x1f2f3f4f);
  return wifi_call("init");
}

esp_err_t esp_wifi_set_mode(wifi_mode_t) { return wifi_call("set_mode"); }

esp_err_t esp_wifi_set_config(wifi_interface_t, wifi_config_t* config) {
  idf().wifi_calls.emplace_back(reinterpret_cast<const char*>(config->sta.password));
  return wifi_call("set_config");
}

esp_err_t esp_wifi_set_ps(wifi_ps_type_t) { return wifi_call("set_ps"); }

esp_err_t esp_wifi_start() {
  const esp_err_t error = wifi_call("start");
  if (error != ESP_OK) return error;
  idf().is_radio_on = true;
  idf().fire(WIFI_EVENT, WIFI_EVENT_STA_START);
  return ESP_OK;
}

esp_err_t esp_wifi_connect() { return wifi_call("connect"); }

esp_err_t esp_wifi_get_max_tx_power(std::int8_t* power) {
  *power = 80;
  return idf().is_radio_on ? ESP_OK : ESP_ERR_WIFI_NOT_STARTED;
}

// ---- what the examples use

esp_err_t temperature_sensor_install(const temperature_sensor_config_t*, temperature_sensor_handle_t* sensor) {
  *sensor = reinterpret_cast<temperature_sensor_handle_t>(&idf());
  return ESP_OK;
}

esp_err_t temperature_sensor_enable(temperature_sensor_handle_t) { return ESP_OK; }

esp_err_t temperature_sensor_get_celsius(temperature_sensor_handle_t, float* celsius) {
  *celsius = 41.5F;
  return ESP_OK;
}

esp_err_t esp_pm_configure(const void*) { return ESP_OK; }

// ---- event files and FreeRTOS

esp_err_t esp_vfs_eventfd_register(const esp_vfs_eventfd_config_t*) {
  if (!idf().has_event_files) return ESP_ERR_NO_MEM;
  return std::exchange(idf().is_eventfd_registered, true) ? ESP_ERR_INVALID_STATE : ESP_OK;
}

// libuv, in the gateway beside the device, calls this too.
int eventfd(unsigned int start, int flags) { return static_cast<int>(syscall(SYS_eventfd2, start, flags)); }

struct FakeQueue {
  std::mutex mutex;
  std::uint8_t* storage = nullptr;
  UBaseType_t length = 0, item_bytes = 0, first = 0, count = 0;
};

static FakeQueue& queue_at(QueueHandle_t handle) { return *reinterpret_cast<FakeQueue*>(handle); }

QueueHandle_t xQueueCreateStatic(UBaseType_t length, UBaseType_t item_bytes, std::uint8_t* storage,
                                 StaticQueue_t* memory) {
  static_assert(sizeof(FakeQueue) <= sizeof(StaticQueue_t));
  FakeQueue* queue = new (memory) FakeQueue;
  queue->storage = storage;
  queue->length = length;
  queue->item_bytes = item_bytes;
  return reinterpret_cast<QueueHandle_t>(queue);
}

BaseType_t xQueueSend(QueueHandle_t handle, const void* item, TickType_t ticks) {
  GRID_CHECK(ticks == 0);
  FakeQueue& queue = queue_at(handle);
  const std::lock_guard lock(queue.mutex);
  if (queue.count == queue.length) return pdFALSE;
  const UBaseType_t at = (queue.first + queue.count++) % queue.length;
  std::memcpy(queue.storage + std::size_t{at} * queue.item_bytes, item, queue.item_bytes);
  return pdTRUE;
}

BaseType_t xQueueReceive(QueueHandle_t handle, void* item, TickType_t ticks) {
  GRID_CHECK(ticks == 0);
  FakeQueue& queue = queue_at(handle);
  const std::lock_guard lock(queue.mutex);
  if (queue.count == 0) return pdFALSE;
  std::memcpy(item, queue.storage + std::size_t{queue.first} * queue.item_bytes, queue.item_bytes);
  queue.first = (queue.first + 1) % queue.length;
  --queue.count;
  return pdTRUE;
}

UBaseType_t uxQueueMessagesWaiting(QueueHandle_t handle) {
  const std::lock_guard lock(queue_at(handle).mutex);
  return queue_at(handle).count;
}

void vTaskDelay(TickType_t) { ++idf().delays; }

BaseType_t xTaskCreate(TaskFunction_t code, const char*, std::uint32_t, void* argument, UBaseType_t, TaskHandle_t*) {
  std::thread(code, argument).detach();
  return pdPASS;
}

}  // extern "C"
