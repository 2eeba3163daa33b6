// SPDX-License-Identifier: Apache-2.0
//
// A packet is cut into blocks. Each begins with its length, which takes the place of the zero that ended the block
// before; a block of 254 bytes without a zero has none to replace, and says 255.

#include "transport/stream/cobs.h"

#include <utility>

#include "crdt/base/check.h"

namespace grid::transport {
namespace {

constexpr std::uint8_t kFullBlock = 255;

}  // namespace

// What is written stays behind what is read: `before` makes up for a code in every 254 bytes.
Bytes stuff(MutBytes bytes, std::size_t before) {
  GRID_CHECK(before >= stuffing_bytes(bytes.size()) && before <= bytes.size());
  bytes[0] = 0;
  std::size_t code_at = 1, to = 2;
  std::uint8_t code = 1;
  const auto end_block = [&] {
    bytes[code_at] = std::exchange(code, std::uint8_t{1});
    code_at = to++;
  };
  for (std::size_t from = before; from < bytes.size(); ++from) {
    const std::uint8_t byte = bytes[from];
    if (byte == 0) {
      end_block();
      continue;
    }
    bytes[to++] = byte;
    if (++code == kFullBlock) end_block();
  }
  bytes[code_at] = code;
  bytes[to++] = 0;
  return bytes.first(to);
}

Unstuffer::Found Unstuffer::take(std::uint8_t byte) {
  if (byte == 0) return take_end();
  if (block_left_ != 0) {
    --block_left_;
    append(byte);
    return Found::nothing;
  }
  if (ends_with_zero_) append(0);
  has_begun_ = true;
  block_left_ = static_cast<std::uint8_t>(byte - 1);
  ends_with_zero_ = byte != kFullBlock;
  return Found::nothing;
}

void Unstuffer::append(std::uint8_t byte) {
  if (bytes_ < memory_.size()) {
    memory_[bytes_++] = byte;
  } else {
    is_too_long_ = true;
  }
}

Unstuffer::Found Unstuffer::take_end() {
  packet_bytes_ = std::exchange(bytes_, 0);
  const bool is_whole = std::exchange(block_left_, std::uint8_t{0}) == 0;
  const bool is_short = !std::exchange(is_too_long_, false);
  ends_with_zero_ = false;
  if (!std::exchange(has_begun_, false)) return Found::nothing;
  return is_whole && is_short ? Found::packet : Found::noise;
}

}  // namespace grid::transport
