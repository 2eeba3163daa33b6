// SPDX-License-Identifier: Apache-2.0
//
// Esp32Settings: who a device is and what it may use, from NVS: so that one firmware serves a fleet.
//
// Place     Top of ports/esp32, beside esp32.h; an application that is built for one device needs none of it.
// Promises  What is missing or unreadable in NVS leaves the setting as it was, so that defaults come first; and
//           nothing is ever erased to make a fault go away: what is in NVS may be the only key to the device.
//           The node's own id is not here. It lives in its store, as its history does (P1): an NVS that is copied to a
//           second device makes no second node of the same id.
// Threads   Any, one at a time.
// Limits    Strings, with their end, as long as the arrays; 2.8 KiB: a static object, as a rule. NVS keeps them in
//           plain text, unless NVS encryption is on.
#pragma once

#include <string_view>

#include "crdt/base/status.h"
#include "runtime/problem.h"

namespace grid {

struct Esp32Settings {
  char name[33] = "";     // Of the device. Without one: `esp32-` and the last three bytes of its MAC.
  char app[65] = "";      // The tenant.
  char server[129] = "";  // ws://HOST:PORT or wss://HOST:PORT.
  char wifi_ssid[33] = "";
  char wifi_password[65] = "";
  char token[513] = "";          // Who the device is, to the gateway: docs/auth.md.
  char certificate[2'049] = "";  // PEM of the authority that signs the gateway's certificate, for wss.
};

// Sets what has an option in menuconfig, under `Grid`, to what is said there.
void configure_settings(Esp32Settings& settings);

// Reads NVS's namespace `grid`, after nvs_flash_init() if nobody has called it. The names of its entries are those
// above, wifi_password as `wifi_pass`.
//   corrupt    NVS can't be read: `problem` says what to do. `settings` holds what could be.
//   newer      NVS was written by a later ESP-IDF.
//   too_large  An entry is longer than its setting: `problem` names it. The others are read.
//   io         There is no NVS partition, or no memory.
Status read_settings(Esp32Settings& settings, runtime::Problem& problem);

// Writes one entry, durable when it returns. An empty value erases it.
//   not_found  No setting has that name.
//   too_large  The value is longer than the setting.
//   full       NVS has no room.
//   io         NVS failed.
Status write_setting(std::string_view name, const char* value, runtime::Problem& problem);

}  // namespace grid
