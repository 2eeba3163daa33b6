// SPDX-License-Identifier: Apache-2.0
//
// The first two bytes of a frame, as RFC 6455 draws them in section 5.2.
//
// Place     Within transport/websocket only.
#pragma once

#include <cstddef>
#include <cstdint>

namespace grid::transport {

// The first byte.
inline constexpr std::uint8_t kFinalBit = 0x80;
inline constexpr std::uint8_t kReservedBits = 0x70;
inline constexpr std::uint8_t kOpcodeBits = 0x0f;
// The second.
inline constexpr std::uint8_t kMaskBit = 0x80;
inline constexpr std::uint8_t kLengthBits = 0x7f;
inline constexpr std::uint8_t kLength16 = 126;  // The length is in the next 2 bytes.
inline constexpr std::uint8_t kLength64 = 127;  // In the next 8.
inline constexpr std::size_t kLength64From = 65'536;

// Opcodes; from kOpcodeClose on they control the link, and may stand between the fragments of a message.
inline constexpr std::uint8_t kOpcodeContinue = 0x0;
inline constexpr std::uint8_t kOpcodeText = 0x1;
inline constexpr std::uint8_t kOpcodeBinary = 0x2;
inline constexpr std::uint8_t kOpcodeClose = 0x8;
inline constexpr std::uint8_t kOpcodePing = 0x9;
inline constexpr std::uint8_t kOpcodePong = 0xa;

}  // namespace grid::transport
