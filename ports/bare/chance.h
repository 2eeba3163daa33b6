// SPDX-License-Identifier: Apache-2.0
//
// Chance from the machine's generator, a virtio-rng device. Without one the machine stops.
//
// Place     Above virtio.h.
#pragma once

#include "crdt/base/bytes.h"

namespace grid::bare {

void draw(MutBytes out);

}  // namespace grid::bare
