// SPDX-License-Identifier: Apache-2.0
//
// Borrowed bytes, and the few things that are done to them everywhere: compare, copy, big-endian.
//
// Place     Beside status.h. Names and keys travel as std::string_view, payloads as Bytes; both are
//           plain bytes and both compare as memcmp does.
// Ownership Everything here is a view. Whoever made the memory keeps it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace grid {

using Bytes = std::span<const std::uint8_t>;
using MutBytes = std::span<std::uint8_t>;

inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline std::string_view as_text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

// Less than 0, 0 or more than 0, as memcmp; of two of which one begins the other, the shorter is less.
inline int compare(Bytes a, Bytes b) { return as_text(a).compare(as_text(b)); }

inline bool equal(Bytes a, Bytes b) { return as_text(a) == as_text(b); }

// Copies `from` to the front of `to`, which the caller has made large enough, and returns the rest of `to`.
inline MutBytes copy(Bytes from, MutBytes to) {
  if (!from.empty()) std::memcpy(to.data(), from.data(), from.size());
  return to.subspan(from.size());
}

template <std::size_t kCount = 8>
inline void store_be(std::uint64_t number, std::uint8_t* to) {
  for (std::size_t i = kCount; i-- > 0; number >>= 8) to[i] = static_cast<std::uint8_t>(number);
}

template <std::size_t kCount = 8>
inline std::uint64_t load_be(const std::uint8_t* from) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < kCount; ++i) number = (number << 8) | from[i];
  return number;
}

template <std::size_t kCount = 8>
inline void store_le(std::uint64_t number, std::uint8_t* to) {
  for (std::size_t i = 0; i < kCount; ++i, number >>= 8) to[i] = static_cast<std::uint8_t>(number);
}

template <std::size_t kCount = 8>
inline std::uint64_t load_le(const std::uint8_t* from) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < kCount; ++i) number |= std::uint64_t{from[i]} << (8 * i);
  return number;
}

}  // namespace grid
