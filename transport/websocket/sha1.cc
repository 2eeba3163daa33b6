// SPDX-License-Identifier: Apache-2.0

#include "transport/websocket/sha1.h"

#include <bit>

namespace grid::transport {
namespace {

constexpr std::size_t kBlockBytes = 64;

struct Round {
  std::uint32_t mixed, constant;
};

Round round_of(std::size_t step, std::uint32_t b, std::uint32_t c, std::uint32_t d) {
  switch (step / 20) {
    case 0:
      return {(b & c) | (~b & d), 0x5a827999};
    case 1:
      return {b ^ c ^ d, 0x6ed9eba1};
    case 2:
      return {(b & c) | (b & d) | (c & d), 0x8f1bbcdc};
    default:
      return {b ^ c ^ d, 0xca62c1d6};
  }
}

// The schedule's 80 words are needed sixteen at a time: each takes the place of the one that it was made from.
void compress(std::uint32_t (&state)[5], const std::uint8_t* block) {
  std::uint32_t words[16];
  for (std::size_t i = 0; i < 16; ++i) words[i] = static_cast<std::uint32_t>(load_be<4>(block + 4 * i));
  auto [a, b, c, d, e] = state;
  for (std::size_t step = 0; step < 80; ++step) {
    std::uint32_t& word = words[step % 16];
    if (step >= 16) {
      word = std::rotl(words[(step - 3) % 16] ^ words[(step - 8) % 16] ^ words[(step - 14) % 16] ^ word, 1);
    }
    const Round round = round_of(step, b, c, d);
    const std::uint32_t next = std::rotl(a, 5) + round.mixed + e + round.constant + word;
    e = d;
    d = c;
    c = std::rotl(b, 30);
    b = a;
    a = next;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
}

}  // namespace

// Behind the message come one bit, zeros, and its length in bits at the end of a block.
Sha1 sha1(Bytes bytes) {
  std::uint32_t state[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  const std::uint64_t bits = std::uint64_t{bytes.size()} * 8;
  for (; bytes.size() >= kBlockBytes; bytes = bytes.subspan(kBlockBytes)) compress(state, bytes.data());

  std::uint8_t block[kBlockBytes] = {};
  copy(bytes, block);
  block[bytes.size()] = 0x80;
  if (bytes.size() + 1 + sizeof(bits) > kBlockBytes) {
    compress(state, block);
    std::memset(block, 0, sizeof(block));
  }
  store_be(bits, block + kBlockBytes - sizeof(bits));
  compress(state, block);

  Sha1 digest;
  for (std::size_t i = 0; i < 5; ++i) store_be<4>(state[i], digest.data() + 4 * i);
  return digest;
}

}  // namespace grid::transport
