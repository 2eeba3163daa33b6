// SPDX-License-Identifier: Apache-2.0
//
// Socket facts: what the kernel knows of a connection, and the C library's header does not tell yet.
//
// Place     Lowest of transport/lws; a file of its own, for the kernel's header and the C library's bear each other
// not.
#pragma once

#include <cstdint>

namespace grid::transport {

// What the other end has confirmed, ever; 0 when the kernel does not say.
std::uint64_t acknowledged_bytes(int socket);

}  // namespace grid::transport
