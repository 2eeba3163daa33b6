// SPDX-License-Identifier: Apache-2.0

#include "transport/stream/crc32c.h"

#include <array>

namespace grid::transport {
namespace {

constexpr std::uint32_t kPolynomial = 0x82f63b78;  // Of iSCSI (RFC 3720), its bits mirrored.

// By half bytes: 64 bytes of table instead of 1,024.
constexpr std::array<std::uint32_t, 16> make_table() {
  std::array<std::uint32_t, 16> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t rest = i;
    for (int bit = 0; bit < 4; ++bit) rest = (rest >> 1) ^ ((rest & 1) != 0 ? kPolynomial : 0);
    table[i] = rest;
  }
  return table;
}
constexpr std::array<std::uint32_t, 16> kTable = make_table();

}  // namespace

std::uint32_t crc32c(Bytes bytes) {
  std::uint32_t rest = UINT32_MAX;
  for (const std::uint8_t byte : bytes) {
    rest ^= byte;
    rest = (rest >> 4) ^ kTable[rest & 15];
    rest = (rest >> 4) ^ kTable[rest & 15];
  }
  return ~rest;
}

}  // namespace grid::transport
