// SPDX-License-Identifier: Apache-2.0
//
// usage: esp32_sensor SERVER [STORED_NAME]
// The machine under ports/esp32/examples/sensor: a fresh flash, a network that is there, and NVS with the server.

#include <cstdio>

#include "tests/unit/esp32/fake_idf.h"

extern "C" void app_main();

int main(int argument_count, char** arguments) {
  if (argument_count < 2) return std::fprintf(stderr, "usage: esp32_sensor SERVER [STORED_NAME]\n"), 2;
  grid::test::FakeIdf& idf = grid::test::idf();
  idf.make_partition("grid", 0x47, 0x01, 64);
  idf.has_namespace = true;
  idf.nvs["server"] = arguments[1];
  if (argument_count > 2) idf.nvs["name"] = arguments[2];
  idf.network_up();
  app_main();
  return 1;  // It has said why.
}
