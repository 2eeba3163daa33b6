// SPDX-License-Identifier: Apache-2.0

#include "transport/tls/tls_memory.h"

#include <mbedtls/memory_buffer_alloc.h>

#include <cstring>

#include "crdt/base/check.h"

namespace grid::transport {
namespace {

constexpr std::size_t kHeadBytes = 64;  // Of mbedTLS's first piece, and more.
constexpr std::uint8_t kPaint = 0xa5;

}  // namespace

// Painted, as stacks are: mbedTLS hands out the first piece that fits, and sets it to zero.
void lend_tls_memory(MutBytes memory) {
  GRID_CHECK(memory.size() > kHeadBytes);
  mbedtls_memory_buffer_alloc_init(memory.data(), memory.size());
  std::memset(memory.data() + kHeadBytes, kPaint, memory.size() - kHeadBytes);
}

std::size_t tls_bytes_most(Bytes memory) {
  std::size_t size = memory.size();
  while (size > 0 && memory[size - 1] == kPaint) --size;
  return size;
}

}  // namespace grid::transport
