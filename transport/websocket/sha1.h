// SPDX-License-Identifier: Apache-2.0
//
// SHA-1 (FIPS 180-4), which RFC 6455 asks for: to tell that the peer has read the request, not for secrecy.
//
// Place     Lowest of transport/websocket.
#pragma once

#include <array>
#include <cstdint>

#include "crdt/base/bytes.h"

namespace grid::transport {

using Sha1 = std::array<std::uint8_t, 20>;

Sha1 sha1(Bytes bytes);

}  // namespace grid::transport
