// SPDX-License-Identifier: Apache-2.0

#include "crdt/datalog/values.h"

#include <charconv>
#include <cmath>

#include "crdt/datalog/containers.h"

namespace grid::datalog {
namespace {

constexpr double kExact = 9'007'199'254'740'992.0;             // 2^53
constexpr double kWholeOutside = 9'223'372'036'854'775'808.0;  // 2^63

Result<Atom> wide(AtomKind kind, std::uint64_t bits, Interner& interner) {
  std::uint8_t bytes[8];
  store_le(bits, bytes);
  const Result<std::uint32_t> symbol = interner.intern(bytes);
  if (!symbol.ok()) return symbol.status();
  return atom_of_symbol(kind, *symbol, bytes);
}

Result<Atom> sized(AtomKind kind, Bytes content, Interner& interner) {
  const Result<std::uint32_t> symbol = interner.intern(content);
  if (!symbol.ok()) return symbol.status();
  return atom_of_symbol(kind, *symbol, content);
}

// -?[1-9][0-9]*|0 within 64 bits.
bool reads_as_integer(std::string_view text, std::int64_t& number) {
  const bool is_below = text.starts_with('-');
  const std::string_view digits = is_below ? text.substr(1) : text;
  if (digits.empty() || digits.size() > 19 || (digits[0] == '0' && text != "0")) return false;
  std::uint64_t size = 0;
  for (const char digit : digits) {
    if (digit < '0' || digit > '9') return false;
    size = 10 * size + static_cast<std::uint64_t>(digit - '0');
  }
  if (size > std::uint64_t{INT64_MAX} + (is_below ? 1 : 0)) return false;
  number = static_cast<std::int64_t>(is_below ? 0 - size : size);
  return true;
}

void write_number(const Number& number, crdt::ValueWriter& writer) {
  if (number.is_whole) return writer.integer(number.whole);
  writer.number(number.real);
}

}  // namespace

bool is_whole(double number) {
  return number >= -kWholeOutside && number < kWholeOutside && std::trunc(number) == number;
}

std::string_view id_of_ref(std::string_view key, std::int64_t& number, bool& is_number) {
  is_number = reads_as_integer(key, number);
  const bool is_quoted = key.size() >= 2 && key.front() == '"' && key.back() == '"';
  return is_quoted ? key.substr(1, key.size() - 2) : key;
}

Result<Atom> atom_of_whole(std::int64_t number, Interner& interner) {
  if (number >= -kMantissaMax && number <= kMantissaMax) return atom_of_decimal(number, 0);
  return wide(AtomKind::wide_integer, static_cast<std::uint64_t>(number), interner);
}

Result<Atom> atom_of_number(double number, Interner& interner) {
  if (is_whole(number)) return atom_of_whole(static_cast<std::int64_t>(number), interner);
  for (unsigned digits = 1; digits < std::size(kPowersOfTen); ++digits) {
    const double moved = std::round(number * kPowersOfTen[digits]);
    if (!(std::abs(moved) < kExact)) break;
    if (moved / kPowersOfTen[digits] == number) return atom_of_decimal(static_cast<std::int64_t>(moved), digits);
  }
  constexpr std::uint64_t kNan = 0x7ff8'0000'0000'0000;
  return wide(AtomKind::wide_number, number != number ? kNan : std::bit_cast<std::uint64_t>(number), interner);
}

Result<Atom> atom_of_date(std::int64_t moment, Interner& interner) {
  if (moment >= -kDateMax && moment <= kDateMax) return atom_of(AtomKind::date, static_cast<std::uint64_t>(moment));
  return wide(AtomKind::wide_date, static_cast<std::uint64_t>(moment), interner);
}

Result<Atom> atom_of_text(std::string_view text, Interner& interner) {
  return sized(AtomKind::text, as_bytes(text), interner);
}

Result<Atom> atom_of_value(const Value& value, Interner& interner, Region& room_from) {
  switch (value.kind()) {
    case ValueKind::boolean:
      return atom_of(value.truth_or(false));
    case ValueKind::integer:
      return atom_of_whole(value.integer_or(0), interner);
    case ValueKind::number:
      return atom_of_number(value.number_or(0), interner);
    case ValueKind::text:
      return atom_of_text(value.text_or({}), interner);
    case ValueKind::bytes:
      return sized(AtomKind::bytes, value.bytes_or({}), interner);
    case ValueKind::timestamp:
      return atom_of_date(value.timestamp_or(0), interner);
    case ValueKind::ref:
      return entity_of_key(value.text_or({}), interner);
    case ValueKind::list:
    case ValueKind::record:
      return atom_of_container(value, interner, room_from);
    default:
      return kNil;
  }
}

Result<Atom> entity_of_key(std::string_view key, Interner& interner) {
  std::int64_t number = 0;
  bool is_number = false;
  const std::string_view text = id_of_ref(key, number, is_number);
  return is_number ? atom_of_whole(number, interner) : atom_of_text(text, interner);
}

std::string_view key_of_entity(Atom entity, const Symbolic& symbols, std::span<char> room) {
  const AtomKind kind = entity.kind();
  if (kind == AtomKind::text) {
    const std::string_view text = text_of(entity, symbols);
    std::int64_t number = 0;
    if (!text.starts_with('"') && !reads_as_integer(text, number)) return text;
    if (room.size() < text.size() + 2) return {};
    room[0] = room[text.size() + 1] = '"';
    std::copy(text.begin(), text.end(), room.begin() + 1);
    return {room.data(), text.size() + 2};
  }
  if ((kind != AtomKind::number || digits_of(entity) != 0) && kind != AtomKind::wide_integer) return {};
  const auto [end, error] = std::to_chars(room.data(), room.data() + room.size(), number_of(entity, symbols).whole);
  return error == std::errc() ? std::string_view(room.data(), static_cast<std::size_t>(end - room.data()))
                              : std::string_view();
}

void write_atom(Atom atom, const Symbolic& symbols, crdt::ValueWriter& writer) {
  switch (atom.kind()) {
    case AtomKind::nil:
      return writer.null();
    case AtomKind::boolean:
      return writer.boolean(atom == kTrue);
    case AtomKind::number:
    case AtomKind::wide_integer:
    case AtomKind::wide_number:
      return write_number(number_of(atom, symbols), writer);
    case AtomKind::text:
      return writer.text(text_of(atom, symbols));
    case AtomKind::date:
    case AtomKind::wide_date:
      return writer.timestamp(moment_of(atom, symbols));
    case AtomKind::bytes:
      return writer.bytes(symbols.bytes_of(atom.symbol()));
    case AtomKind::list:
    case AtomKind::record:
      return writer.copy_of(Value(symbols.bytes_of(atom.symbol())));
    default:
      GRID_CHECK(false);
  }
}

}  // namespace grid::datalog
