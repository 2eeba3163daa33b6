// SPDX-License-Identifier: Apache-2.0
//
// Of ESP-IDF's FreeRTOS: what ports/esp32 uses.
#pragma once

#include <freertos/FreeRTOS.h>

struct tskTaskControlBlock;
using TaskHandle_t = tskTaskControlBlock*;
using TaskFunction_t = void (*)(void*);

extern "C" {
void vTaskDelay(TickType_t ticks);
void vTaskSuspend(TaskHandle_t task);
BaseType_t xTaskCreate(TaskFunction_t code, const char* name, std::uint32_t stack_bytes, void* argument,
                       UBaseType_t priority, TaskHandle_t* task);
}
