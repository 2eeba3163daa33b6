// SPDX-License-Identifier: Apache-2.0

#include "runtime/fact_schema.h"

#include <algorithm>
#include <charconv>

#include "crdt/facts.h"

namespace grid {

using crdt::Value;
using crdt::ValueKind;
using crdt::ValueWriter;

namespace {

// Room for a number of any kind.
constexpr std::size_t kDigitsMax = 32;

template <typename Number>
bool parse(std::string_view text, Number& number) {
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && rest == end;
}

std::string_view digits_of(const Value& value, std::span<char, kDigitsMax> room) {
  char* const end = room.data() + room.size();
  const std::to_chars_result written = value.kind() == ValueKind::integer
                                           ? std::to_chars(room.data(), end, value.integer_or(0))
                                           : std::to_chars(room.data(), end, value.number_or(0));
  return {room.data(), static_cast<std::size_t>(written.ptr - room.data())};
}

bool write_number(ValueKind wanted, const Value& value, ValueWriter& writer) {
  std::int64_t integer = 0;
  double number = 0;
  if (value.kind() == ValueKind::text && parse(value.text_or({}), integer)) return writer.integer(integer), true;
  const bool is_double = wanted == ValueKind::number && value.kind() == ValueKind::text;
  if (!is_double || !parse(value.text_or({}), number)) return false;
  return writer.number(number), true;
}

bool write_text(const Value& value, ValueWriter& writer) {
  char digits[kDigitsMax];
  switch (value.kind()) {
    case ValueKind::integer:
    case ValueKind::number:
      return writer.text(digits_of(value, digits)), true;
    case ValueKind::boolean:
      return writer.text(value.truth_or(false) ? "true" : "false"), true;
    default:
      return false;
  }
}

bool write_truth(const Value& value, ValueWriter& writer) {
  const std::string_view text = value.kind() == ValueKind::text ? value.text_or({}) : std::string_view{};
  if (text != "true" && text != "false") return false;
  return writer.boolean(text == "true"), true;
}

bool write_ref(const Value& value, ValueWriter& writer) {
  std::uint8_t key[kKeyBytesMax];
  const Result<std::string_view> named = crdt::key_of_id(value, key);
  if (!named.ok()) return false;
  return writer.ref(*named), true;
}

bool write_as(ValueKind wanted, const Value& value, ValueWriter& writer) {
  switch (wanted) {
    case ValueKind::integer:
    case ValueKind::number:
      return write_number(wanted, value, writer);
    case ValueKind::text:
      return write_text(value, writer);
    case ValueKind::boolean:
      return write_truth(value, writer);
    case ValueKind::ref:
      return write_ref(value, writer);
    case ValueKind::timestamp:
      if (value.kind() != ValueKind::integer) return false;
      return writer.timestamp(value.integer_or(0)), true;
    default:
      return false;
  }
}

}  // namespace

bool is_of_kind(ValueKind wanted, const Value& value) {
  const ValueKind kind = value.kind();
  return wanted == ValueKind::absent || wanted == kind || (wanted == ValueKind::number && kind == ValueKind::integer);
}

const Attribute* FactSchema::find(std::string_view name) const {
  const auto found = std::find_if(attributes_.begin(), attributes_.end(),
                                  [name](const Attribute& attribute) { return attribute.name == name; });
  return found == attributes_.end() ? nullptr : &*found;
}

Result<Value> FactSchema::coerced_record(const Value& record, MutBytes room) const {
  if (record.kind() != ValueKind::record) return Status::invalid;
  ValueWriter writer(room);
  std::uint8_t object[kKeyBytesMax + kDigitsMax];
  writer.begin_record();
  for (Value::Walk walk(record); walk.next();) {
    const Value value = walk.value();
    const bool is_list = value.kind() == ValueKind::list;
    const bool is_in_list = is_list || (is_many(walk.name()) && value.kind() != ValueKind::null);
    writer.field(walk.name());
    if (is_in_list) writer.begin_list();
    for (Value::Walk item(value); is_list && item.next();) {
      writer.copy_of(coerced(walk.name(), item.value(), object));
    }
    if (!is_list) writer.copy_of(coerced(walk.name(), value, object));
    if (is_in_list) writer.end_list();
  }
  writer.end_record();
  const Result<Bytes> written = writer.finish();
  if (written.ok()) return Value(*written);
  return written.status() == Status::full ? Status::too_large : written.status();
}

Value FactSchema::coerced(std::string_view name, const Value& object, MutBytes room) const {
  const Attribute* attribute = find(name);
  if (attribute == nullptr || is_of_kind(attribute->kind, object)) return object;
  ValueWriter writer(room);
  if (!write_as(attribute->kind, object, writer)) return object;
  const Result<Bytes> written = writer.finish();
  return written.ok() ? Value(*written) : object;
}

}  // namespace grid
