// SPDX-License-Identifier: Apache-2.0
//
// Writing values. Whatever has a length is begun as its tag and one byte held for the length; when it ends, a length
// of more than one byte makes room for itself. A field that comes too late is rotated to its place.

#include <algorithm>
#include <bit>

#include "crdt/cell.h"
#include "crdt/value.h"
#include "crdt/value_wire.h"

namespace grid::crdt {

using namespace value_wire;

namespace {

// The name of the field that begins at the front of `rest`, which is moved past the field.
std::string_view take_field(Bytes& rest) {
  Bytes field, name;
  take_tagged(rest, kItemTag, field);
  take_tagged(field, kNameTag, name);
  return as_text(name);
}

}  // namespace

void ValueWriter::null() { put_scalar(ValueKind::null, 0); }

void ValueWriter::boolean(bool value) { put_scalar(ValueKind::boolean, value ? 1 : 0); }

void ValueWriter::integer(std::int64_t value) { put_scalar(ValueKind::integer, zigzag(value)); }

void ValueWriter::timestamp(std::int64_t value) { put_scalar(ValueKind::timestamp, zigzag(value)); }

void ValueWriter::number(double value) {
  const std::uint64_t bits = value != value ? kNan : value == 0 ? 0 : std::bit_cast<std::uint64_t>(value);
  std::uint8_t encoded[8];
  store_le(bits, encoded);
  if (!open_item()) return;
  put_byte(tag_of(ValueKind::number));
  put(encoded);
  close_item();
}

void ValueWriter::text(std::string_view value) { put_sized(ValueKind::text, as_bytes(value)); }

void ValueWriter::bytes(Bytes value) { put_sized(ValueKind::bytes, value); }

void ValueWriter::ref(std::string_view value) { put_sized(ValueKind::ref, as_bytes(value)); }

void ValueWriter::copy_of(const Value& value) {
  if (!open_item()) return;
  // The depth it brings is known only by looking; where nothing is open, it has passed check_value() already.
  const Status standing = depth_ == 0 && value.exists() ? Status::ok : check_value_at(value.canonical(), depth_);
  if (standing != Status::ok) return refuse(standing == Status::too_large ? standing : Status::invalid);
  put(value.canonical());
  close_item();
}

void ValueWriter::nested(const Value& value) {
  if (!open_item()) return;
  put(value.canonical());
  close_item();
}

void ValueWriter::begin_list() { begin(ValueKind::list); }

void ValueWriter::end_list() { end(false); }

void ValueWriter::begin_record() { begin(ValueKind::record); }

void ValueWriter::end_record() { end(true); }

void ValueWriter::field(std::string_view name) {
  if (depth_ == 0 || !open_[depth_ - 1].record || open_[depth_ - 1].named || !is_utf8(name)) refuse(Status::invalid);
  if (status_ != Status::ok) return;
  Open& record = open_[depth_ - 1];
  if (record.fields == kRecordFieldsMax) return refuse(Status::too_large);
  ++record.fields;
  record.named = true;
  record.item = hold(kItemTag);
  put_byte(kNameTag);
  put_varint(name.size());
  put(as_bytes(name));
  record.value = hold(kValueTag);
}

Result<Bytes> ValueWriter::finish() {
  if (depth_ != 0 || !done_) refuse(Status::invalid);
  if (status_ != Status::ok) return status_;
  return Bytes(room_.first(size_));
}

void ValueWriter::begin(ValueKind kind) {
  if (!open_item()) return;
  if (depth_ == kValueDepthMax) return refuse(Status::too_large);
  Open& open = open_[depth_++];
  open = {};
  open.record = kind == ValueKind::record;
  open.start = hold(tag_of(kind));
  open.last = size_;
}

void ValueWriter::end(bool record) {
  if (depth_ == 0 || open_[depth_ - 1].record != record || open_[depth_ - 1].named) refuse(Status::invalid);
  if (status_ != Status::ok) return;
  settle(open_[--depth_].start);
  close_item();
}

bool ValueWriter::open_item() {
  if (depth_ == 0) {
    if (done_) refuse(Status::invalid);
    return status_ == Status::ok;
  }
  Open& top = open_[depth_ - 1];
  if (!top.record) {
    top.item = hold(kItemTag);
  } else if (!top.named) {
    refuse(Status::invalid);
  }
  return status_ == Status::ok;
}

void ValueWriter::close_item() {
  if (depth_ == 0) done_ = true;
  if (depth_ == 0 || status_ != Status::ok) return;
  Open& top = open_[depth_ - 1];
  if (top.record) settle(top.value);
  settle(top.item);
  if (top.record && status_ == Status::ok) place_field(top);
  top.named = false;
}

void ValueWriter::place_field(Open& record) {
  Bytes own = Bytes(room_.first(size_)).subspan(record.item);
  const std::size_t own_size = own.size();
  const std::string_view name = take_field(own);
  const bool first = record.fields == 1;
  Bytes rest = Bytes(room_.first(record.item)).subspan(first ? record.item : record.last);
  if (first || take_field(rest) < name) {
    record.last = record.item;
    return;
  }
  rest = Bytes(room_.first(record.item)).subspan(record.start + kHeldBytes);
  std::size_t at = record.item - rest.size();
  while (!rest.empty()) {
    const std::string_view standing = take_field(rest);
    if (standing == name) return refuse(Status::invalid);
    if (standing > name) break;
    at = record.item - rest.size();
  }
  std::uint8_t* const bytes = room_.data();
  std::rotate(bytes + at, bytes + record.item, bytes + size_);
  record.last += own_size;
}

void ValueWriter::put_scalar(ValueKind kind, std::uint64_t number) {
  if (!open_item()) return;
  put_byte(tag_of(kind));
  put_varint(number);
  close_item();
}

void ValueWriter::put_sized(ValueKind kind, Bytes content) {
  if (kind != ValueKind::bytes && !is_utf8(as_text(content))) refuse(Status::invalid);
  if (!open_item()) return;
  put_byte(tag_of(kind));
  put_varint(content.size());
  put(content);
  close_item();
}

void ValueWriter::put_byte(std::uint8_t byte) { put({&byte, 1}); }

void ValueWriter::put_varint(std::uint64_t number) {
  std::uint8_t encoded[kVarintBytesMax];
  store_varint(number, encoded);
  put({encoded, varint_bytes(number)});
}

void ValueWriter::put(Bytes bytes) {
  if (status_ != Status::ok) return;
  if (bytes.size() > room_.size() - size_) return refuse(Status::full);
  copy(bytes, room_.subspan(size_));
  size_ += bytes.size();
}

std::size_t ValueWriter::hold(std::uint8_t tag) {
  const std::size_t at = size_;
  put_byte(tag);
  put_byte(0);
  return at;
}

void ValueWriter::settle(std::size_t at) {
  if (status_ != Status::ok) return;
  const std::size_t length = size_ - at - kHeldBytes;
  const std::size_t more = varint_bytes(length) - 1;
  if (more > room_.size() - size_) return refuse(Status::full);
  std::uint8_t* const body = room_.data() + at + kHeldBytes;
  if (more > 0) std::memmove(body + more, body, length);
  store_varint(length, body - 1);
  size_ += more;
}

void ValueWriter::refuse(Status status) {
  if (status_ == Status::ok) status_ = status;
}

void Scalar::write(ValueWriter& writer) const {
  switch (kind_) {
    case ValueKind::boolean:
      return writer.boolean(integer_ != 0);
    case ValueKind::integer:
      return writer.integer(integer_);
    case ValueKind::number:
      return writer.number(number_);
    case ValueKind::text:
      return writer.text(text_);
    case ValueKind::record:
      return writer.copy_of(value_);
    default:
      return writer.null();
  }
}

}  // namespace grid::crdt
