// SPDX-License-Identifier: Apache-2.0

#include "crdt/facts.h"

#include <charconv>

#include "crdt/hash.h"

namespace grid::crdt {

namespace {

// As substr(), which would have an exception to throw, of a piece that is there.
std::string_view piece(std::string_view text, std::size_t from, std::size_t size) { return {text.data() + from, size}; }
std::string_view unquoted(std::string_view key) { return piece(key, 1, key.size() - 2); }

constexpr std::size_t kHeadBytes = 2;  // Kind of the view, length of the predicate.

// Two of 64 bits, of which the second covers the first: objects that agree in one don't agree in the other.
void hash_object(Bytes object, std::uint8_t* to) {
  const std::uint64_t high = hash64(object);
  store_be(high, to);
  store_be(Hash64().add_number(high).add(object).value(), to + 8);
}

// -?[1-9][0-9]*|0, and within int64.
bool reads_as_integer(std::string_view text, std::int64_t& number) {
  const std::string_view digits = text.starts_with('-') ? piece(text, 1, text.size() - 1) : text;
  if (digits.empty() || (digits[0] == '0' && text != "0")) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool needs_quotes(std::string_view text) {
  std::int64_t number = 0;
  return reads_as_integer(text, number) || (!text.empty() && text[0] == '"');
}

// A double that is whole and fits an int64.
bool is_whole(const Value& value, std::int64_t& number) {
  if (value.kind() != ValueKind::number) return false;
  constexpr double kEnd = 9'223'372'036'854'775'808.0;  // 2^63
  const double given = value.number_or(0);
  if (!(given >= -kEnd && given < kEnd)) return false;
  number = static_cast<std::int64_t>(given);
  return static_cast<double>(number) == given;
}

// The sub names this object.
bool is_named(const FactName& name, Bytes object) {
  if (name.kind == FactName::Kind::one) return true;
  if (name.kind == FactName::Kind::many) return equal(name.object, object);
  std::uint8_t hash[FactName::kHashBytes];
  hash_object(object, hash);
  return object.size() > FactName::kObjectInNameMax && equal(name.object, hash);
}

bool is_object(Bytes value, bool is_many) {
  std::uint8_t room[16];
  const Result<Bytes> object = object_of(Value(value), is_many, room);
  return object.ok() && equal(*object, value);
}

}  // namespace

Status check_predicate(std::string_view predicate) {
  if (predicate.size() > kPredicateBytesMax) return Status::too_large;
  // What a key may be is what a predicate may be.
  return check_name({"m", predicate, {}});
}

Result<std::string_view> FactName::begin_of(std::string_view predicate, std::uint8_t (&to)[kBytesMax]) {
  GRID_TRY(check_predicate(predicate));
  to[0] = static_cast<std::uint8_t>(View::facts);
  to[1] = static_cast<std::uint8_t>(predicate.size());
  copy(as_bytes(predicate), MutBytes(to).subspan(kHeadBytes));
  return as_text(Bytes(to).first(kHeadBytes + predicate.size()));
}

Result<std::string_view> FactName::write(std::string_view predicate, bool is_many, Bytes object,
                                         std::uint8_t (&to)[kBytesMax]) {
  const Result<std::string_view> begin = begin_of(predicate, to);
  if (!begin.ok()) return begin;
  const Kind kind = !is_many ? Kind::one : object.size() > kObjectInNameMax ? Kind::hashed : Kind::many;
  std::uint8_t* const at = to + begin->size();
  at[0] = static_cast<std::uint8_t>(kind);
  std::size_t size = begin->size() + 1;
  if (kind == Kind::many) copy(object, MutBytes(to).subspan(size)), size += object.size();
  if (kind == Kind::hashed) hash_object(object, at + 1), size += kHashBytes;
  return as_text(Bytes(to).first(size));
}

Result<FactName> FactName::read(std::string_view sub) {
  if (!is_fact_sub(sub) || sub.size() < kHeadBytes) return Status::invalid;
  const std::size_t length = static_cast<std::uint8_t>(sub[1]);
  if (sub.size() < kHeadBytes + length + 1) return Status::invalid;
  FactName name{.predicate = piece(sub, kHeadBytes, length)};
  if (check_predicate(name.predicate) != Status::ok) return Status::invalid;
  name.kind = static_cast<Kind>(sub[kHeadBytes + length]);
  name.object = as_bytes(sub).subspan(kHeadBytes + length + 1);
  switch (name.kind) {
    case Kind::one:
      return name.object.empty() ? Result<FactName>(name) : Status::invalid;
    case Kind::many: {
      const bool is_short = name.object.size() <= kObjectInNameMax;
      const bool is_valid = is_short && check_value(name.object) == Status::ok && is_object(name.object, true);
      return is_valid ? Result<FactName>(name) : Status::invalid;
    }
    case Kind::hashed:
      return name.object.size() == kHashBytes ? Result<FactName>(name) : Status::invalid;
  }
  return Status::invalid;
}

Result<Bytes> object_of(const Value& value, bool is_many, MutBytes room) {
  switch (value.kind()) {
    case ValueKind::boolean:
    case ValueKind::integer:
    case ValueKind::text:
    case ValueKind::bytes:
    case ValueKind::timestamp:
      return value.canonical();
    case ValueKind::ref:
      return check_entity(value.text_or({})) == Status::ok ? Result<Bytes>(value.canonical()) : Status::invalid;
    case ValueKind::number: {
      std::int64_t number = 0;
      if (!is_many || !is_whole(value, number)) return value.canonical();
      ValueWriter writer(room);
      writer.integer(number);
      return writer.finish();
    }
    default:
      return Status::invalid;
  }
}

Status check_fact(const Cell& cell) {
  GRID_TRY(check_entity(cell.name.key));
  if (is_marker(cell.name.sub)) return cell.is_tombstone() ? Status::ok : Status::invalid;
  const Result<FactName> name = FactName::read(cell.name.sub);
  if (!name.ok()) return name.status();
  if (cell.is_tombstone() || Value(cell.value).kind() == ValueKind::stub) return Status::ok;
  return is_object(cell.value, name->is_many()) && is_named(*name, cell.value) ? Status::ok : Status::invalid;
}

Result<std::string_view> key_of_id(const Value& id, MutBytes room) {
  char digits[24];
  std::int64_t number = 0;
  std::string_view text = id.text_or({});
  const bool is_number = id.kind() == ValueKind::integer || is_whole(id, number);
  if (id.kind() == ValueKind::integer) number = id.integer_or(0);
  if (id.kind() == ValueKind::ref)
    return check_entity(text) == Status::ok ? text : Result<std::string_view>(Status::invalid);
  if (!is_number && id.kind() != ValueKind::text) return Status::invalid;
  if (is_number) text = {digits, std::to_chars(digits, digits + sizeof(digits), number).ptr};
  const bool is_quoted = !is_number && needs_quotes(text);
  const std::size_t size = text.size() + (is_quoted ? 2 : 0);
  if (size > kKeyBytesMax || size > room.size()) return Status::too_large;
  MutBytes rest = room;
  if (is_quoted) rest = copy(as_bytes("\""), rest);
  rest = copy(as_bytes(text), rest);
  if (is_quoted) copy(as_bytes("\""), rest);
  const std::string_view key = as_text(room.first(size));
  GRID_TRY(check_name({"m", key, {}}));
  return key;
}

Result<Value> id_of_key(std::string_view key, MutBytes room) {
  GRID_TRY(check_entity(key));
  ValueWriter writer(room);
  std::int64_t number = 0;
  if (reads_as_integer(key, number)) {
    writer.integer(number);
  } else {
    writer.text(key[0] == '"' ? unquoted(key) : key);
  }
  const Result<Bytes> written = writer.finish();
  return written.ok() ? Result<Value>(Value(*written)) : written.status();
}

Status check_entity(std::string_view key) {
  GRID_TRY(check_name({"m", key, {}}));
  if (key[0] != '"') return Status::ok;
  const bool is_closed = key.size() >= 2 && key.back() == '"';
  return is_closed && needs_quotes(unquoted(key)) ? Status::ok : Status::invalid;
}

}  // namespace grid::crdt
