// SPDX-License-Identifier: Apache-2.0
//
// Wi-Fi for a device that has no other use for it: a station that joins one network, and again whenever it is lost.
//
// Place     Top of ports/esp32, beside esp32.h, which needs none of it: an application that brings its own network
//           joins by its own code.
// Promises  A fault is a status, never a restart. Joining goes on in ESP-IDF's own tasks, for ever.
#pragma once

#include "crdt/base/status.h"
#include "runtime/problem.h"

namespace grid {

// Once a start of the machine, before Esp32Host::open(): initialises NVS, in which the radio's calibration is kept, the
// network interface and the default event loop; then starts the radio, and returns before there is an address. Modem
// sleep is on, so that light sleep is possible. `password` may be empty.
//   invalid    The name or the password is too long, or there is no name: a node may be opened all the same.
//   io         ESP-IDF refuses: `problem` says which call, and why.
Status wifi_join(const char* ssid, const char* password, runtime::Problem& problem);

}  // namespace grid
