// SPDX-License-Identifier: Apache-2.0
//
// The auth frame: a token that goes on where the one of the link ends (docs/WIRE.md, "Tokens").
//
// Place     Beside wire.h; reached only by who gives tokens, and who takes them.
// Promises  What is read is 1 to kTokenBytesMax visible ASCII characters: nothing that could break a header or a line.
// Ownership What is read borrows the frame; what is written, its room.
#pragma once

#include <algorithm>
#include <string_view>

#include "crdt/base/bytes.h"
#include "crdt/base/status.h"
#include "transport/wire.h"

namespace grid::wire {

// Bit of Welcome.features: this server takes tokens in session.
inline constexpr std::uint32_t kFeatureAuth = 8;
inline constexpr std::size_t kTokenBytesMax = 8'192;

inline bool is_token(std::string_view text) {
  const auto is_visible = [](char c) { return c > ' ' && c < '\x7f'; };
  return !text.empty() && text.size() <= kTokenBytesMax && std::all_of(text.begin(), text.end(), is_visible);
}

// The frame, in the front of `room`.
//   invalid  It is no token.
//   full     It does not fit.
inline Result<Bytes> encode_auth(std::string_view token, MutBytes room) {
  if (!is_token(token)) return Status::invalid;
  if (room.size() < token.size() + 1) return Status::full;
  room[0] = static_cast<std::uint8_t>(Kind::auth);
  copy(as_bytes(token), room.subspan(1));
  return Bytes(room.first(token.size() + 1));
}

//   corrupt  It is no such frame, or what it has is no token.
inline Result<std::string_view> decode_auth(Bytes frame) {
  if (frame.empty() || frame[0] != static_cast<std::uint8_t>(Kind::auth)) return Status::corrupt;
  const std::string_view token = as_text(frame.subspan(1));
  return is_token(token) ? Result<std::string_view>(token) : Status::corrupt;
}

}  // namespace grid::wire
