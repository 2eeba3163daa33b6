// SPDX-License-Identifier: Apache-2.0

#include <esp_mac.h>
#include <nvs.h>
#include <nvs_flash.h>
#include <sdkconfig.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <iterator>

#include "ports/esp32/grid/esp32_settings.h"

namespace grid {
namespace {

constexpr const char* kNamespace = "grid";

struct Entry {
  const char* name;  // In NVS: 15 characters at most.
  std::size_t offset;
  std::size_t size;

  char* value(Esp32Settings& settings) const { return reinterpret_cast<char*>(&settings) + offset; }
};

constexpr Entry kEntries[] = {
    {"name", offsetof(Esp32Settings, name), sizeof(Esp32Settings::name)},
    {"app", offsetof(Esp32Settings, app), sizeof(Esp32Settings::app)},
    {"server", offsetof(Esp32Settings, server), sizeof(Esp32Settings::server)},
    {"wifi_ssid", offsetof(Esp32Settings, wifi_ssid), sizeof(Esp32Settings::wifi_ssid)},
    {"wifi_pass", offsetof(Esp32Settings, wifi_password), sizeof(Esp32Settings::wifi_password)},
    {"token", offsetof(Esp32Settings, token), sizeof(Esp32Settings::token)},
    {"certificate", offsetof(Esp32Settings, certificate), sizeof(Esp32Settings::certificate)},
};

// What nvs_flash_init() or nvs_open() said.
Status refuse(esp_err_t error, runtime::Problem& problem) {
  problem.say("NVS: ").text(esp_err_to_name(error));
  switch (error) {
    case ESP_ERR_NVS_NO_FREE_PAGES:
      problem.text("; it was cut short or is damaged: `idf.py erase-flash`, and provision the device again");
      return Status::corrupt;
    case ESP_ERR_NVS_NEW_VERSION_FOUND:
      problem.text("; a later ESP-IDF has written it");
      return Status::newer;
    case ESP_ERR_NOT_FOUND:
    case ESP_ERR_NVS_PART_NOT_FOUND:
      problem.text("; the partition table needs a partition `nvs`");
      return Status::io;
    case ESP_ERR_NO_MEM:
      return Status::io;
    case ESP_ERR_NVS_NOT_ENOUGH_SPACE:
      return Status::full;
    default:
      return Status::corrupt;
  }
}

Status read_entry(nvs_handle_t nvs, const Entry& entry, Esp32Settings& settings, runtime::Problem& problem) {
  std::size_t size = 0;
  const esp_err_t found = nvs_get_str(nvs, entry.name, nullptr, &size);
  if (found == ESP_ERR_NVS_NOT_FOUND) return Status::ok;
  if (found == ESP_OK && size > entry.size) {
    problem.say("NVS: the entry ").text(entry.name).text(" has more than ").number(entry.size - 1).text(" characters");
    return Status::too_large;
  }
  size = entry.size;
  const esp_err_t error = found == ESP_OK ? nvs_get_str(nvs, entry.name, entry.value(settings), &size) : found;
  if (error == ESP_OK) return Status::ok;
  problem.say("NVS: the entry ").text(entry.name).text(" can't be read: ").text(esp_err_to_name(error));
  return Status::corrupt;
}

Status read_entries(nvs_handle_t nvs, Esp32Settings& settings, runtime::Problem& problem) {
  Status first = Status::ok;
  for (const Entry& entry : kEntries) {
    runtime::Problem trouble;
    const Status status = read_entry(nvs, entry, settings, trouble);
    if (status == Status::ok || first != Status::ok) continue;
    first = status;
    problem.say(trouble.view());
  }
  return first;
}

void name_by_mac(Esp32Settings& settings) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::uint8_t mac[6] = {};
  if (settings.name[0] != '\0' || esp_efuse_mac_get_default(mac) != ESP_OK) return;
  std::strcpy(settings.name, "esp32-");
  char* at = settings.name + std::strlen(settings.name);
  for (const std::uint8_t byte : {mac[3], mac[4], mac[5]}) {
    *at++ = kDigits[byte >> 4];
    *at++ = kDigits[byte & 15];
  }
  *at = '\0';
}

Status write_entry(nvs_handle_t nvs, const Entry& entry, const char* value, runtime::Problem& problem) {
  esp_err_t error = value[0] == '\0' ? nvs_erase_key(nvs, entry.name) : nvs_set_str(nvs, entry.name, value);
  if (error == ESP_ERR_NVS_NOT_FOUND) error = ESP_OK;
  if (error == ESP_OK) error = nvs_commit(nvs);
  if (error == ESP_OK) return Status::ok;
  problem.say("NVS: the entry ").text(entry.name).text(" can't be written: ").text(esp_err_to_name(error));
  return error == ESP_ERR_NVS_NOT_ENOUGH_SPACE ? Status::full : Status::io;
}

template <std::size_t kSize, std::size_t kWordsSize>
void set(char (&setting)[kSize], const char (&words)[kWordsSize]) {
  static_assert(kWordsSize <= kSize, "menuconfig, Grid: longer than this setting may be");
  std::memcpy(setting, words, kWordsSize);
}

}  // namespace

void configure_settings(Esp32Settings& settings) {
  set(settings.app, CONFIG_GRID_APP);
  set(settings.server, CONFIG_GRID_SERVER);
  set(settings.wifi_ssid, CONFIG_GRID_WIFI_SSID);
  set(settings.wifi_password, CONFIG_GRID_WIFI_PASSWORD);
}

Status read_settings(Esp32Settings& settings, runtime::Problem& problem) {
  name_by_mac(settings);
  esp_err_t error = nvs_flash_init();
  nvs_handle_t nvs = 0;
  if (error == ESP_OK) error = nvs_open(kNamespace, NVS_READONLY, &nvs);
  if (error == ESP_ERR_NVS_NOT_FOUND) return Status::ok;  // Nothing was ever written.
  if (error != ESP_OK) return refuse(error, problem);
  const Status status = read_entries(nvs, settings, problem);
  nvs_close(nvs);
  return status;
}

Status write_setting(std::string_view name, const char* value, runtime::Problem& problem) {
  const Entry* entry =
      std::find_if(std::begin(kEntries), std::end(kEntries), [name](const Entry& one) { return name == one.name; });
  if (entry == std::end(kEntries)) {
    problem.say("there is no setting ").text(name);
    return Status::not_found;
  }
  if (std::strlen(value) >= entry->size) {
    problem.say("the setting ").text(name).text(" has at most ").number(entry->size - 1).text(" characters");
    return Status::too_large;
  }
  nvs_handle_t nvs = 0;
  esp_err_t error = nvs_flash_init();
  if (error == ESP_OK) error = nvs_open(kNamespace, NVS_READWRITE, &nvs);
  if (error != ESP_OK) return refuse(error, problem);
  const Status status = write_entry(nvs, *entry, value, problem);
  nvs_close(nvs);
  return status;
}

}  // namespace grid
