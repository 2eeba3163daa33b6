// SPDX-License-Identifier: Apache-2.0
//
// Real chance. Each board has its own source: chance.cc in its folder says which. Without it the machine stops.
//
// Place     Lowest of ports/bare.
#pragma once

#include "crdt/base/bytes.h"

namespace grid::bare {

void draw(MutBytes out);

}  // namespace grid::bare
