// SPDX-License-Identifier: Apache-2.0
//
// Of ESP-IDF's bootloader_random.h: what ports/esp32 uses.
#pragma once

extern "C" {
void bootloader_random_enable();
void bootloader_random_disable();
}
