// SPDX-License-Identifier: Apache-2.0
//
// Consistent overhead byte stuffing: bytes without zeros, so that a zero can stand between packets and nowhere else.
// After Cheshire and Baker, "Consistent Overhead Byte Stuffing" (1999).
//
// Place     Within transport/stream, below stream_link.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "crdt/base/bytes.h"

namespace grid::transport {

// The part of memory that a packet needs in front of it to be stuffed where it stands: `bytes` is all of that memory.
constexpr std::size_t stuffing_bytes(std::size_t bytes) { return 3 + bytes / 254; }

// Stuffs what stands `before` bytes into `bytes` and goes to its end; before >= stuffing_bytes(bytes.size()). The
// answer is the front of `bytes`: a zero, the packet without zeros, a zero.
Bytes stuff(MutBytes bytes, std::size_t before);

// Takes a line byte by byte, and packets apart from what is none.
class Unstuffer {
 public:
  constexpr explicit Unstuffer(MutBytes memory) : memory_(memory) {}

  enum class Found : std::uint8_t {
    nothing,
    packet,  // Its bytes are in packet() until the next call.
    noise,   // Something came between two zeros that is no packet, or one that is longer than the memory.
  };
  Found take(std::uint8_t byte);
  Bytes packet() const { return memory_.first(packet_bytes_); }

 private:
  Found take_end();
  void append(std::uint8_t byte);

  MutBytes memory_;
  std::size_t packet_bytes_ = 0;
  std::size_t bytes_ = 0;
  std::uint8_t block_left_ = 0;  // Of the block that began with a code.
  bool has_begun_ = false;       // Since the last zero.
  bool ends_with_zero_ = false;  // The block does, if another one follows.
  bool is_too_long_ = false;
};

}  // namespace grid::transport
