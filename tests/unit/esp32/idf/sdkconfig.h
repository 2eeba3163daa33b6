// SPDX-License-Identifier: Apache-2.0
//
// What menuconfig would have written: the defaults of ports/esp32/Kconfig.
#pragma once

#define CONFIG_GRID_PROFILE_CHIP 1
#define CONFIG_GRID_CELLS_MAX 256
#define CONFIG_GRID_SECTORS_MAX 64
#define CONFIG_GRID_MAILBOX_LETTERS 8
#define CONFIG_GRID_ENTROPY_AUTO 1
#define CONFIG_GRID_SERVER "ws://192.168.1.10:7271"
#define CONFIG_GRID_APP "default"
#define CONFIG_GRID_WIFI_SSID "somewhere"
#define CONFIG_GRID_WIFI_PASSWORD "sesame"

// Of ESP-IDF and of the examples.
#define CONFIG_SOC_TEMP_SENSOR_SUPPORTED 1
#define CONFIG_PM_ENABLE 1
#define CONFIG_ESP_DEFAULT_CPU_FREQ_MHZ 160
#define CONFIG_XTAL_FREQ 40
#define CONFIG_GRID_EXAMPLE_PIN 2
#define CONFIG_GRID_EXAMPLE_SECONDS 10
