// SPDX-License-Identifier: Apache-2.0
//
// Of ESP-IDF's driver/temperature_sensor.h: what the examples use.
#pragma once

#include <esp_err.h>

struct temperature_sensor_obj_t;
using temperature_sensor_handle_t = temperature_sensor_obj_t*;
struct temperature_sensor_config_t {
  int range_min;
  int range_max;
};
#define TEMPERATURE_SENSOR_CONFIG_DEFAULT(min, max) \
  { .range_min = min, .range_max = max }

extern "C" {
esp_err_t temperature_sensor_install(const temperature_sensor_config_t* config, temperature_sensor_handle_t* sensor);
esp_err_t temperature_sensor_enable(temperature_sensor_handle_t sensor);
esp_err_t temperature_sensor_get_celsius(temperature_sensor_handle_t sensor, float* celsius);
}
