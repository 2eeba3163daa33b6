// SPDX-License-Identifier: Apache-2.0
//
// All the memory that TLS will ever have, on a machine without a heap.
//
// Place     Beside tls_link.h; a port calls it once, before its first TlsLink trusts or begins anything. Not built on
//           Linux, where mbedTLS is the system's and has the heap.
// Promises  mbedTLS takes nothing from elsewhere, and when it is all taken, a link fails with a sentence.
// Ownership Borrowed for life.
#pragma once

#include "crdt/base/bytes.h"

namespace grid::transport {

void lend_tls_memory(MutBytes memory);
// The most of it that was ever in use, gaps included: what could be given less is known when it was seen.
std::size_t tls_bytes_most(Bytes memory);

}  // namespace grid::transport
