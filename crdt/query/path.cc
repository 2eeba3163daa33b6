// SPDX-License-Identifier: Apache-2.0

#include "crdt/query/path.h"

namespace grid::query {
namespace {

// As ValueWriter::text(), without its bookkeeping: this runs for each row.
Value text_value(std::string_view text, Path::Room& room) {
  constexpr std::uint8_t kTextTag = 0x2a;
  std::uint8_t* to = room;
  *to++ = kTextTag;
  if (text.size() >= 0x80) {
    *to++ = static_cast<std::uint8_t>(text.size() | 0x80);
    *to++ = static_cast<std::uint8_t>(text.size() >> 7);
  } else {
    *to++ = static_cast<std::uint8_t>(text.size());
  }
  std::memcpy(to, text.data(), text.size());
  return Value(Bytes(room, static_cast<std::size_t>(to - room) + text.size()));
}

}  // namespace

Value Path::of(const Row& row, Room& room) const {
  if (root() == Root::literal) return Value(encoded_.subspan(1));
  if (root() == Root::key) return text_value(row.key.substr(0, kKeyBytesMax), room);
  Value value = row.value;
  for (Bytes rest = encoded_.subspan(1); !rest.empty(); rest = rest.subspan(1u + rest[0])) {
    value = value[as_text(rest.subspan(1, rest[0]))];
  }
  return value;
}

}  // namespace grid::query
