// SPDX-License-Identifier: Apache-2.0
//
// Value: what a cell holds, in its canonical protobuf encoding (grid.Value), read and written in place.
//
// Place     Beside cell.h. Knows protobuf's wire format, no generated struct and no library for it.
// Promises  One value has one encoding: record fields sorted by name (memcmp), no duplicates, minimal varints,
//           no -0.0, one NaN, UTF-8 text, depth <= kValueDepthMax. Everything else is `corrupt`.
//           Finding a field allocates nothing.
// Ownership A Value borrows its bytes.
//
// docs/WIRE.md gives the bytes; tests/golden/values pins them.
#pragma once

#include <cstdint>
#include <string_view>
#include <type_traits>

#include "crdt/base/bytes.h"
#include "crdt/base/limits.h"
#include "crdt/base/status.h"

namespace grid::crdt {

inline constexpr std::size_t kRecordFieldsMax = 1'024;

// The numbers are the field numbers of grid.Value.
enum class ValueKind : std::uint8_t {
  absent = 0,  // No value at all: a field that isn't there, a deleted cell.
  null = 1,
  boolean = 2,
  integer = 3,  // int64
  number = 4,   // double
  text = 5,     // UTF-8
  bytes = 6,
  timestamp = 7,  // int64 milliseconds since 1970 UTC
  ref = 8,        // UTF-8 key of another entity
  list = 9,
  record = 10,
  stub = 11,  // Too large for this replica (stub.h): it exists, and can't be read here.
};

const char* name_of(ValueKind kind);

// Whether `encoded` is one canonical value and nothing else. Everything from outside passes through here
// once; a Value over checked bytes can't fail.
//   corrupt    It is not.
//   too_large  Nested deeper than kValueDepthMax, or a record of more than kRecordFieldsMax fields.
Status check_value(Bytes encoded);

class Value {
 public:
  Value() = default;  // absent
  // `canonical` has passed check_value(), or is empty: absent.
  explicit Value(Bytes canonical) : bytes_(canonical) {}

  ValueKind kind() const;
  bool exists() const { return !bytes_.empty(); }
  Bytes canonical() const { return bytes_; }

  // The value, if it is of that kind; else what the caller gave. number_or() takes integers too.
  bool truth_or(bool otherwise) const;
  std::int64_t integer_or(std::int64_t otherwise) const;
  double number_or(double otherwise) const;
  std::int64_t timestamp_or(std::int64_t otherwise) const;
  std::string_view text_or(std::string_view otherwise) const;  // text and ref
  Bytes bytes_or(Bytes otherwise) const;
  // How large the value is that a stub stands for; 0 for anything else.
  std::uint32_t stub_bytes() const;

  // The field of a record; absent when this is no record or has no such field.
  Value operator[](std::string_view name) const;

  // Walks a list or a record: `for (Value::Walk w(v); w.next();) w.name(), w.value()`.
  class Walk {
   public:
    explicit Walk(const Value& container);
    bool next();
    std::string_view name() const { return name_; }  // Empty in a list.
    Value value() const { return Value(value_); }

   private:
    Bytes rest_;
    bool record_ = false;
    std::string_view name_;
    Bytes value_;
  };

 private:
  Bytes body() const;           // What follows the tag, without its length.
  std::int64_t varint() const;  // The number of an integer or a timestamp.

  Bytes bytes_;
};

// Writes one canonical value into memory that the caller lends. Errors stick and come out of finish().
// Fields may come in any order; each is moved to its place.
class ValueWriter {
 public:
  explicit ValueWriter(MutBytes room) : room_(room) {}

  void null();
  void boolean(bool value);
  void integer(std::int64_t value);
  void number(double value);
  void text(std::string_view value);
  void bytes(Bytes value);
  void timestamp(std::int64_t value);
  void ref(std::string_view value);
  void copy_of(const Value& value);
  // The same of a value that is canonical for certain, and may be of any depth: what an answer nests. What comes out
  // is to be walked and printed; deeper than kValueDepthMax it is no value of a cell, and not to be compared.
  void nested(const Value& value);
  void begin_list();
  void end_list();
  void begin_record();
  void field(std::string_view name);  // Before each value of a record.
  void end_record();

  // The encoding, in the front of the room.
  //   full       The room is too small.
  //   too_large  Deeper than kValueDepthMax, or more than kRecordFieldsMax fields.
  //   invalid    Not exactly one value, a field without a value, a field twice, text that isn't UTF-8.
  Result<Bytes> finish();

 private:
  static constexpr std::size_t kHeldBytes = 2;  // A tag, and one byte held for a length.

  // A list or record that is being written. Positions in room_.
  struct Open {
    std::size_t start;  // Of its tag.
    std::size_t item;   // Of the tag of the item or field that is being written.
    std::size_t value;  // Of the tag of the value in that field.
    std::size_t last;   // Of the greatest field so far.
    std::uint32_t fields;
    bool record;
    bool named;  // field() has been called, its value is still to come.
  };

  void begin(ValueKind kind);
  void end(bool record);
  bool open_item();
  void close_item();
  void place_field(Open& record);
  void put_scalar(ValueKind kind, std::uint64_t number);
  void put_sized(ValueKind kind, Bytes content);
  void put_byte(std::uint8_t byte);
  void put_varint(std::uint64_t number);
  void put(Bytes bytes);
  std::size_t hold(std::uint8_t tag);
  void settle(std::size_t at);
  void refuse(Status status);

  MutBytes room_;
  std::size_t size_ = 0;
  std::size_t depth_ = 0;
  Open open_[kValueDepthMax] = {};
  bool done_ = false;
  Status status_ = Status::ok;
};

// One scalar as the embedding API takes it: `{{"temp", 21.5}, {"fan", true}}`.
class Scalar {
 public:
  Scalar() = default;
  Scalar(std::nullptr_t) {}
  Scalar(bool value) : kind_(ValueKind::boolean), integer_(value) {}
  template <typename T, std::enable_if_t<std::is_integral_v<T> && !std::is_same_v<T, bool>, int> = 0>
  Scalar(T value) : kind_(ValueKind::integer), integer_(static_cast<std::int64_t>(value)) {}
  Scalar(double value) : kind_(ValueKind::number), number_(value) {}
  Scalar(const char* value) : kind_(ValueKind::text), text_(value) {}
  Scalar(std::string_view value) : kind_(ValueKind::text), text_(value) {}
  Scalar(Value value) : kind_(ValueKind::record), value_(value) {}  // Any value, already encoded.

  void write(ValueWriter& writer) const;

 private:
  ValueKind kind_ = ValueKind::null;
  std::int64_t integer_ = 0;
  double number_ = 0;
  std::string_view text_;
  Value value_;
};

struct Field {
  std::string_view name;
  Scalar value;
};

}  // namespace grid::crdt
