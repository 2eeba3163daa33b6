// SPDX-License-Identifier: Apache-2.0
//
// CRC-32C (Castagnoli), the checksum of frames on a line.
//
// Place     Lowest of transport/stream.
#pragma once

#include <cstdint>

#include "crdt/base/bytes.h"

namespace grid::transport {

std::uint32_t crc32c(Bytes bytes);

}  // namespace grid::transport
