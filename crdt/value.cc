// SPDX-License-Identifier: Apache-2.0
//
// Reading values: the check that every value from outside passes once, and the accessors that rely on it.

#include "crdt/value.h"

#include <bit>

#include "crdt/cell.h"
#include "crdt/value_wire.h"

namespace grid::crdt {
namespace {

using namespace value_wire;

bool is_integer(Bytes body) {
  std::uint64_t number = 0;
  return take_varint(body, number) && body.empty();
}

bool is_number(Bytes body) {
  if (body.size() != 8) return false;
  const std::uint64_t bits = load_le(body.data());
  const double number = std::bit_cast<double>(bits);
  return bits != kNegativeZero && (number == number || bits == kNan);
}

bool is_sized(Bytes body, bool utf8) {
  Bytes content;
  return take_sized(body, content) && body.empty() && (!utf8 || is_utf8(as_text(content)));
}

// Whether `body` is what may follow the tag of a `kind` that holds no other values.
bool is_scalar(ValueKind kind, Bytes body) {
  switch (kind) {
    case ValueKind::null:
      return body.size() == 1 && body[0] == 0;
    case ValueKind::boolean:
      return body.size() == 1 && body[0] <= 1;
    case ValueKind::integer:
    case ValueKind::timestamp:
      return is_integer(body);
    case ValueKind::number:
      return is_number(body);
    case ValueKind::text:
    case ValueKind::ref:
      return is_sized(body, true);
    case ValueKind::bytes:
      return is_sized(body, false);
    default:
      return false;
  }
}

// Goes through a value front to back, with the lists and records around the place where it is on a stack of its own.
class Checker {
 public:
  explicit Checker(std::size_t depth) : room_(kValueDepthMax - depth) {}

  Status run(Bytes encoded) {
    GRID_TRY(enter(encoded));
    while (depth_ > 0) {
      Level& top = open_[depth_ - 1];
      if (top.rest.empty()) {
        --depth_;
        continue;
      }
      Bytes value;
      if (!take_tagged(top.rest, kItemTag, value)) return Status::corrupt;
      if (top.record) GRID_TRY(take_name(top, value));
      GRID_TRY(enter(value));
    }
    return Status::ok;
  }

 private:
  struct Level {
    Bytes rest;             // What is still to be checked of it.
    std::string_view last;  // The field before.
    std::uint32_t fields;
    bool record;
  };

  Status enter(Bytes encoded) {
    if (encoded.empty()) return Status::corrupt;
    const ValueKind kind = kind_of(encoded[0]);
    Bytes body = encoded.subspan(1);
    if (kind != ValueKind::list && kind != ValueKind::record) {
      return is_scalar(kind, body) ? Status::ok : Status::corrupt;
    }
    Bytes items;
    if (!take_sized(body, items) || !body.empty()) return Status::corrupt;
    if (depth_ == room_) return Status::too_large;
    open_[depth_++] = {items, {}, 0, kind == ValueKind::record};
    return Status::ok;
  }

  // Leaves of `field` the value in it.
  static Status take_name(Level& record, Bytes& field) {
    Bytes name, value;
    if (!take_tagged(field, kNameTag, name) || !take_tagged(field, kValueTag, value) || !field.empty()) {
      return Status::corrupt;
    }
    if (!is_utf8(as_text(name)) || (record.fields > 0 && as_text(name) <= record.last)) return Status::corrupt;
    if (++record.fields > kRecordFieldsMax) return Status::too_large;
    record.last = as_text(name);
    field = value;
    return Status::ok;
  }

  std::size_t room_;
  std::size_t depth_ = 0;
  Level open_[kValueDepthMax];
};

}  // namespace

const char* name_of(ValueKind kind) {
  constexpr const char* kNames[] = {"absent", "null",      "boolean", "integer", "number", "text",
                                    "bytes",  "timestamp", "ref",     "list",    "record", "stub"};
  return kNames[static_cast<std::uint8_t>(kind)];
}

Status value_wire::check_value_at(Bytes encoded, std::size_t depth) { return Checker(depth).run(encoded); }

Status check_value(Bytes encoded) { return check_value_at(encoded, 0); }

ValueKind Value::kind() const { return bytes_.empty() ? ValueKind::absent : kind_of(bytes_[0]); }

Bytes Value::body() const {
  Bytes rest = bytes_.subspan(1);
  switch (kind()) {
    case ValueKind::text:
    case ValueKind::bytes:
    case ValueKind::ref:
    case ValueKind::list:
    case ValueKind::record: {
      Bytes content;
      take_sized(rest, content);
      return content;
    }
    default:
      return rest;
  }
}

bool Value::truth_or(bool otherwise) const { return kind() == ValueKind::boolean ? body()[0] != 0 : otherwise; }

std::int64_t Value::integer_or(std::int64_t otherwise) const {
  if (kind() != ValueKind::integer) return otherwise;
  return varint();
}

double Value::number_or(double otherwise) const {
  if (kind() == ValueKind::integer) return static_cast<double>(varint());
  return kind() == ValueKind::number ? std::bit_cast<double>(load_le(body().data())) : otherwise;
}

std::int64_t Value::timestamp_or(std::int64_t otherwise) const {
  return kind() == ValueKind::timestamp ? varint() : otherwise;
}

std::string_view Value::text_or(std::string_view otherwise) const {
  return kind() == ValueKind::text || kind() == ValueKind::ref ? as_text(body()) : otherwise;
}

Bytes Value::bytes_or(Bytes otherwise) const { return kind() == ValueKind::bytes ? body() : otherwise; }

std::uint32_t Value::stub_bytes() const {
  return kind() == ValueKind::stub ? static_cast<std::uint32_t>(load_le<4>(bytes_.data() + 1)) : 0;
}

std::int64_t Value::varint() const {
  Bytes rest = body();
  std::uint64_t number = 0;
  take_varint(rest, number);
  return unzigzag(number);
}

Value Value::operator[](std::string_view name) const {
  if (kind() != ValueKind::record) return {};
  for (Walk fields(*this); fields.next() && fields.name() <= name;) {
    if (fields.name() == name) return fields.value();
  }
  return {};
}

Value::Walk::Walk(const Value& container) : record_(container.kind() == ValueKind::record) {
  if (record_ || container.kind() == ValueKind::list) rest_ = container.body();
}

bool Value::Walk::next() {
  Bytes item;
  if (!take_tagged(rest_, kItemTag, item)) return false;
  value_ = item;
  if (!record_) return true;
  Bytes name;
  if (!take_tagged(item, kNameTag, name) || !take_tagged(item, kValueTag, value_)) return false;
  name_ = as_text(name);
  return true;
}

}  // namespace grid::crdt
