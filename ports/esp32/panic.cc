// SPDX-License-Identifier: Apache-2.0
//
// Last words on an ESP32. A broken invariant that is in the flash would break again after every restart: by default the
// task of the node stands still and the rest of the program goes on; CONFIG_GRID_PANIC_RESTARTS makes it restart.

#include <esp_log.h>
#include <esp_system.h>
#include <freertos/FreeRTOS.h>
#include <freertos/task.h>
#include <sdkconfig.h>

#include "crdt/base/check.h"

namespace grid {

void panic(const char* what) {
  ESP_LOGE("grid", "stopped by a broken invariant: %s", what);
#if CONFIG_GRID_PANIC_RESTARTS
  esp_system_abort(what);
#else
  for (;;) vTaskSuspend(nullptr);
#endif
}

}  // namespace grid
