// SPDX-License-Identifier: Apache-2.0
//
// The debugger's files and words: picolibc's header, which does not say that it is C.
//
// Place     Lowest of ports/bare.
#pragma once

#include <stdio.h>

extern "C" {
#include <semihost.h>
}
