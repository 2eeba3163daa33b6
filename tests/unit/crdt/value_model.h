// SPDX-License-Identifier: Apache-2.0
//
// Values as a tree in ordinary memory: drawn at random, written, compared with what is read back.
#pragma once

#include <bit>
#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "crdt/value.h"
#include "tests/unit/crdt/dice.h"
#include "tests/unit/crdt/value_rewrite.h"

namespace grid::test {

using crdt::Value;
using crdt::ValueKind;
using crdt::ValueWriter;

struct Model {
  ValueKind kind = ValueKind::null;
  std::int64_t integer = 0;  // boolean, integer, timestamp
  double number = 0;
  std::string text;  // text, bytes, ref
  std::vector<Model> items;
  std::vector<std::pair<std::string, Model>> fields;  // In the order in which they are written.
};

inline std::string drawn_text(Dice& dice) {
  static const char* const kPieces[] = {"a", "b", "temp", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x8c\xb1"};
  std::string text;
  for (std::size_t i = dice.one_in(20) ? dice.below(400) : dice.below(4); i > 0; --i) text += kPieces[dice.below(6)];
  return text;
}

inline Model drawn_scalar(Dice& dice) {
  static const double kNumbers[] = {0.0, -0.0, 1.5, -1e300, 5e-324, INFINITY, -INFINITY, NAN};
  Model model;
  model.kind = ValueKind{static_cast<std::uint8_t>(1 + dice.below(8))};
  model.integer = static_cast<std::int64_t>(dice.any()) >> dice.below(64);
  if (model.kind == ValueKind::boolean) model.integer &= 1;
  model.number = dice.one_in(2) ? kNumbers[dice.below(8)] : static_cast<double>(model.integer) / 3;
  if (dice.one_in(20)) model.number = std::bit_cast<double>(dice.any() | 0xfff0'0000'0000'0001);  // Some NaN.
  model.text = model.kind == ValueKind::bytes ? dice.bytes(dice.below(200)) : drawn_text(dice);
  return model;
}

inline Model drawn_model(Dice& dice, std::size_t depth_max) {
  if (depth_max == 0 || dice.one_in(2)) return drawn_scalar(dice);
  Model model;
  model.kind = dice.one_in(2) ? ValueKind::list : ValueKind::record;
  std::map<std::string, int> seen;
  for (std::size_t i = dice.below(6); i > 0; --i) {
    Model inner = drawn_model(dice, depth_max - 1);
    std::string name = drawn_text(dice);
    if (model.kind == ValueKind::list) {
      model.items.push_back(std::move(inner));
    } else if (++seen[name] == 1) {
      model.fields.emplace_back(std::move(name), std::move(inner));
    }
  }
  return model;
}

inline void write(const Model& model, ValueWriter& writer) {
  switch (model.kind) {
    case ValueKind::boolean:
      return writer.boolean(model.integer != 0);
    case ValueKind::integer:
      return writer.integer(model.integer);
    case ValueKind::number:
      return writer.number(model.number);
    case ValueKind::text:
      return writer.text(model.text);
    case ValueKind::bytes:
      return writer.bytes(as_bytes(model.text));
    case ValueKind::timestamp:
      return writer.timestamp(model.integer);
    case ValueKind::ref:
      return writer.ref(model.text);
    case ValueKind::list:
      writer.begin_list();
      for (const Model& item : model.items) write(item, writer);
      return writer.end_list();
    case ValueKind::record:
      writer.begin_record();
      for (const auto& [name, value] : model.fields) writer.field(name), write(value, writer);
      return writer.end_record();
    default:
      return writer.null();
  }
}

// In a block of exactly its size, so that reading past the end is seen by the sanitizer.
struct Encoded {
  std::unique_ptr<std::uint8_t[]> memory;
  std::size_t size = 0;

  explicit Encoded(Bytes bytes) : memory(new std::uint8_t[bytes.size()]), size(bytes.size()) {
    copy(bytes, {memory.get(), size});
  }
  Bytes bytes() const { return {memory.get(), size}; }
};

inline Encoded encode(const Model& model) {
  static std::uint8_t room[1 << 20];
  ValueWriter writer(room);
  write(model, writer);
  const Result<Bytes> encoded = writer.finish();
  assert_ok(encoded.status());
  return Encoded(*encoded);
}

inline bool same_number(double read, double written) {
  if (std::isnan(written)) return std::bit_cast<std::uint64_t>(read) == 0x7ff8'0000'0000'0000;
  return read == written && (read != 0 || !std::signbit(read));
}

inline bool same(const Value& value, const Model& model);

inline bool same_items(const Value& value, const Model& model) {
  std::size_t count = 0;
  for (Value::Walk items(value); items.next(); ++count) {
    if (count == model.items.size() || !same(items.value(), model.items[count])) return false;
  }
  return count == model.items.size();
}

// Walks in order of names, and finds each by its name.
inline bool same_fields(const Value& value, const Model& model) {
  const std::map<std::string, Model> sorted(model.fields.begin(), model.fields.end());
  auto expected = sorted.begin();
  for (Value::Walk fields(value); fields.next(); ++expected) {
    if (expected == sorted.end() || fields.name() != expected->first) return false;
    if (!same(fields.value(), expected->second)) return false;
    if (value[expected->first].canonical().data() != fields.value().canonical().data()) return false;
  }
  return expected == sorted.end();
}

inline bool same(const Value& value, const Model& model) {
  if (value.kind() != model.kind) return false;
  switch (model.kind) {
    case ValueKind::boolean:
      return value.truth_or(model.integer == 0) == (model.integer != 0);
    case ValueKind::integer:
      return value.integer_or(~model.integer) == model.integer;
    case ValueKind::timestamp:
      return value.timestamp_or(~model.integer) == model.integer;
    case ValueKind::number:
      return same_number(value.number_or(12345), model.number);
    case ValueKind::text:
    case ValueKind::ref:
      return value.text_or("otherwise") == model.text;
    case ValueKind::bytes:
      return as_text(value.bytes_or(as_bytes("otherwise"))) == model.text;
    case ValueKind::list:
      return same_items(value, model);
    case ValueKind::record:
      return same_fields(value, model);
    default:
      return true;
  }
}

}  // namespace grid::test
