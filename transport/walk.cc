// SPDX-License-Identifier: Apache-2.0
#include "transport/walk.h"

#include <cstring>

namespace grid::wire {

namespace {

constexpr std::uint64_t kFieldNumberMax = (std::uint64_t{1} << 29) - 1;

}  // namespace

bool take_varint(Bytes& rest, std::uint64_t& out) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < rest.size() && i < 10; ++i) {
    const std::uint8_t byte = rest[i];
    if (i == 9 && byte > 1) return false;  // The tenth byte holds bit 63 alone.
    number |= std::uint64_t{byte & 0x7fu} << (7 * i);
    if (byte >= 0x80) continue;
    if (i > 0 && byte == 0) return false;
    rest = rest.subspan(i + 1);
    out = number;
    return true;
  }
  return false;
}

bool FieldWalk::next() {
  if (status_ != Status::ok || rest_.empty()) return false;
  if (!take()) status_ = Status::corrupt;
  return status_ == Status::ok;
}

bool FieldWalk::take() {
  std::uint64_t tag = 0;
  if (!take_varint(rest_, tag) || tag >> 3 == 0 || tag >> 3 > kFieldNumberMax) return false;
  number_ = static_cast<std::uint32_t>(tag >> 3);
  type_ = static_cast<FieldType>(tag & 7);
  bytes_ = {};
  std::uint64_t size = 0;
  switch (type_) {
    case FieldType::varint:
      return take_varint(rest_, value_);
    case FieldType::bytes:
      if (!take_varint(rest_, size)) return false;
      break;
    case FieldType::fixed64:
      size = 8;
      break;
    case FieldType::fixed32:
      size = 4;
      break;
    default:
      return false;
  }
  if (size > rest_.size()) return false;
  bytes_ = rest_.first(static_cast<std::size_t>(size));
  rest_ = rest_.subspan(bytes_.size());
  if (type_ == FieldType::fixed64) value_ = load_le<8>(bytes_.data());
  if (type_ == FieldType::fixed32) value_ = load_le<4>(bytes_.data());
  return true;
}

bool FieldWalk::expect(FieldType type) {
  if (type_ != type) fail();
  return type_ == type;
}

std::uint64_t FieldWalk::as_number_up_to(std::uint64_t most) {
  const std::uint64_t number = as_number();
  if (number <= most) return number;
  fail();
  return 0;
}

void Out::put(Bytes bytes) {
  if (counts_) {
    size_ += bytes.size();
    return;
  }
  if (!ok_ || bytes.size() > room_.size() - size_) {
    ok_ = false;
    return;
  }
  if (!bytes.empty()) std::memmove(room_.data() + size_, bytes.data(), bytes.size());
  size_ += bytes.size();
}

void Out::put_varint(std::uint64_t number) {
  for (; number >= 0x80; number >>= 7) put_byte(static_cast<std::uint8_t>(number | 0x80));
  put_byte(static_cast<std::uint8_t>(number));
}

void Out::put_fixed64(std::uint64_t number) {
  std::uint8_t bytes[8];
  store_le(number, bytes);
  put(bytes);
}

void Out::put_tag(std::uint32_t number, FieldType type) {
  put_varint(std::uint64_t{number} << 3 | static_cast<std::uint8_t>(type));
}

void Out::number_field(std::uint32_t number, std::uint64_t value) {
  if (value == 0) return;
  put_tag(number, FieldType::varint);
  put_varint(value);
}

void Out::fixed64_field(std::uint32_t number, std::uint64_t value) {
  if (value == 0) return;
  put_tag(number, FieldType::fixed64);
  put_fixed64(value);
}

void Out::bytes_field(std::uint32_t number, Bytes value) {
  if (value.empty()) return;
  open_field(number, value.size());
  put(value);
}

void Out::open_field(std::uint32_t number, std::size_t bytes) {
  put_tag(number, FieldType::bytes);
  put_varint(bytes);
}

std::size_t varint_bytes(std::uint64_t number) {
  Out out;
  out.put_varint(number);
  return out.size();
}

}  // namespace grid::wire
