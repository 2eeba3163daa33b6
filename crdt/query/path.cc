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
  if (!text.empty()) std::memcpy(to, text.data(), text.size());
  return Value(Bytes(room, static_cast<std::size_t>(to - room) + text.size()));
}

// A length: of canonical bytes, so it is there. Nearly all are below 128.
std::size_t take_length(const std::uint8_t*& at) {
  std::size_t length = *at & 0x7fu;
  for (unsigned bits = 7; (*at++ & 0x80) != 0; bits += 7) length |= static_cast<std::size_t>(*at & 0x7fu) << bits;
  return length;
}

// As Value::operator[], three times as fast: a scan spends most of its time here.
Value field_of(const Value& record, std::string_view name) {
  if (record.kind() != ValueKind::record) return {};
  const std::uint8_t* at = record.canonical().data() + 1;
  const std::size_t content = take_length(at);
  for (const std::uint8_t* const end = at + content; at < end;) {
    ++at;  // Of each field its tag and length, then those of its name.
    const std::size_t size = take_length(at);
    const std::uint8_t* const next = at + size;
    ++at;
    const std::size_t name_size = take_length(at);
    if (std::string_view(reinterpret_cast<const char*>(at), name_size) == name) {
      at += name_size + 1;
      const std::size_t value_size = take_length(at);
      return Value(Bytes(at, value_size));
    }
    at = next;
  }
  return {};
}

}  // namespace

Value Path::of(const Row& row, Room& room) const {
  if (root() == Root::literal) return Value(encoded_.subspan(1));
  if (root() == Root::key) return text_value(row.key.substr(0, kKeyBytesMax), room);
  Value value = row.value;
  for (Bytes rest = encoded_.subspan(1); !rest.empty(); rest = rest.subspan(1u + rest[0])) {
    value = field_of(value, as_text(rest.subspan(1, rest[0])));
  }
  return value;
}

}  // namespace grid::query
