// SPDX-License-Identifier: Apache-2.0
//
// Of ESP-IDF's FreeRTOS: what ports/esp32 uses.
#pragma once

#include <freertos/FreeRTOS.h>

struct QueueDefinition;
using QueueHandle_t = QueueDefinition*;

extern "C" {
QueueHandle_t xQueueCreateStatic(UBaseType_t length, UBaseType_t item_bytes, std::uint8_t* storage,
                                 StaticQueue_t* memory);
BaseType_t xQueueSend(QueueHandle_t queue, const void* item, TickType_t ticks);
BaseType_t xQueueReceive(QueueHandle_t queue, void* item, TickType_t ticks);
UBaseType_t uxQueueMessagesWaiting(QueueHandle_t queue);
}
