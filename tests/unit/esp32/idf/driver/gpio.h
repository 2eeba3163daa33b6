// SPDX-License-Identifier: Apache-2.0
//
// Of ESP-IDF's driver/gpio.h: what the examples use.
#pragma once

#include <esp_err.h>

enum gpio_num_t { GPIO_NUM_0 };
enum gpio_mode_t { GPIO_MODE_OUTPUT = 2 };

extern "C" {
esp_err_t gpio_reset_pin(gpio_num_t pin);
esp_err_t gpio_set_direction(gpio_num_t pin, gpio_mode_t mode);
esp_err_t gpio_set_level(gpio_num_t pin, std::uint32_t level);
}
