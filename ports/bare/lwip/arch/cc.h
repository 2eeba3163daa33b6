// SPDX-License-Identifier: Apache-2.0
//
// What lwIP asks of the compiler and the machine. lwIP includes it by name.
#pragma once

#include <stdint.h>

#define LWIP_NO_UNISTD_H 1
#define LWIP_PLATFORM_DIAG(message)
#define LWIP_PLATFORM_ASSERT(words) lwip_panic(words)
#define LWIP_RAND() lwip_chance()

#ifdef __cplusplus
extern "C" {
#endif
void lwip_panic(const char* words) __attribute__((noreturn));
// From the machine's generator.
uint32_t lwip_chance(void);
#ifdef __cplusplus
}
#endif
