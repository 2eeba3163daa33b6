// SPDX-License-Identifier: Apache-2.0

#include "runtime/query/code.h"

#include <bit>

#include "crdt/hash.h"
#include "crdt/query/order.h"

namespace grid::runtime {
namespace {

using crdt::Value;
using crdt::ValueKind;

constexpr std::size_t kPrefixBytes = 15;
constexpr std::uint64_t kSignBit = std::uint64_t{1} << 63;

std::uint64_t class_bits(ValueKind kind) {
  return std::uint64_t{static_cast<std::uint8_t>(query::class_of(kind))} << 56;
}

// `number` and then `rest`, 24 bits of it, behind the class.
Code packed(ValueKind kind, std::uint64_t number, std::uint64_t rest = 0) {
  return {class_bits(kind) | number >> 8, number << 56 | rest << 32};
}

// Bits whose order is that of the numbers; NaN first.
std::uint64_t order_bits(double number) {
  if (number != number) return 0;
  if (number == 0) return kSignBit;
  const auto bits = std::bit_cast<std::uint64_t>(number);
  return (bits & kSignBit) != 0 ? ~bits : bits | kSignBit;
}

double double_of(std::uint64_t order) {
  return std::bit_cast<double>((order & kSignBit) != 0 ? order & ~kSignBit : ~order);
}

// The greatest double that is not above it, and how far it is above that.
Code integer_code(std::int64_t integer) {
  constexpr double kBeyond = 9'223'372'036'854'775'808.0;  // 2^63
  const auto nearest = static_cast<double>(integer);
  std::uint64_t order = order_bits(nearest);
  if (nearest >= kBeyond || static_cast<std::int64_t>(nearest) > integer) --order;
  const std::int64_t below = static_cast<std::int64_t>(double_of(order));
  return packed(ValueKind::integer, order, static_cast<std::uint64_t>(integer) - static_cast<std::uint64_t>(below));
}

Code text_code(ValueKind kind, std::string_view text, std::uint8_t filling) {
  std::uint8_t bytes[16];
  std::memset(bytes, filling, sizeof(bytes));
  bytes[0] = static_cast<std::uint8_t>(query::class_of(kind));
  copy(as_bytes(text.substr(0, kPrefixBytes)), MutBytes(bytes).subspan(1));
  return {load_be(bytes), load_be(bytes + 8)};
}

}  // namespace

bool is_indexed(const Value& value) {
  switch (value.kind()) {
    case ValueKind::boolean:
    case ValueKind::integer:
    case ValueKind::number:
    case ValueKind::text:
    case ValueKind::bytes:
    case ValueKind::timestamp:
    case ValueKind::ref:
      return true;
    default:
      return false;
  }
}

Code order_code(const Value& value) {
  switch (value.kind()) {
    case ValueKind::boolean:
      return packed(ValueKind::boolean, value.truth_or(false) ? 1 : 0);
    case ValueKind::integer:
      return integer_code(value.integer_or(0));
    case ValueKind::number:
      return packed(ValueKind::number, order_bits(value.number_or(0)));
    case ValueKind::timestamp:
      return packed(ValueKind::timestamp, static_cast<std::uint64_t>(value.timestamp_or(0)) ^ kSignBit);
    case ValueKind::bytes:
      return text_code(ValueKind::bytes, as_text(value.bytes_or({})), 0);
    default:
      return text_code(value.kind(), value.text_or({}), 0);
  }
}

// Numbers that are equal must have the same, whichever of the two they are.
Code hash_code(const Value& value) {
  if (query::class_of(value.kind()) != ValueKind::integer) return {crdt::hash64(value.canonical()), 0};
  const Code order = order_code(value);
  return {crdt::Hash64().add_number(order.high).add_number(order.low).value(), 0};
}

CodeRange class_range(const Value& value) {
  const std::uint64_t bits = class_bits(value.kind());
  return {{bits, 0}, {bits | ((std::uint64_t{1} << 56) - 1), UINT64_MAX}};
}

CodeRange prefix_range(ValueKind kind, std::string_view prefix) {
  return {text_code(kind, prefix, 0), text_code(kind, prefix, 0xff)};
}

}  // namespace grid::runtime
