// SPDX-License-Identifier: Apache-2.0
#include "cli/fact_writer.h"

#include "cli/rows.h"
#include "cli/text.h"
#include "crdt/facts.h"

namespace grid::cli {

using crdt::Value;
using crdt::ValueKind;

namespace {

// For an object that is written anew; what is as it was takes none of it.
constexpr std::size_t kRoomBytes = kKeyBytesMax + 64;

// Why the object is none, as a sentence; empty: it is one.
std::string trouble_with_object(const Value& object) {
  switch (object.kind()) {
    case ValueKind::null:
    case ValueKind::absent:
      return "null is no object: leave the fact out, or remove it";
    case ValueKind::list:
    case ValueKind::record:
      return std::string("a ") + name_of(object.kind()) + " is no object: that is text, a number, a boolean, a date, " +
             "bytes or a ref";
    default:
      return {};
  }
}

}  // namespace

void FactWriter::refuse(const std::string& why) const { throw trouble_at(file_, line_, why); }

std::string FactWriter::entity(const Value& id) const {
  std::uint8_t room[kKeyBytesMax];
  const Result<std::string_view> key = crdt::key_of_id(id, room);
  if (key.ok()) return std::string(*key);
  const bool is_id = id.kind() == ValueKind::integer || id.kind() == ValueKind::text;
  refuse(is_id ? "this can't be the id of an entity: it is empty, longer than " + std::to_string(kKeyBytesMax) +
                     " bytes, or has control characters"
               : std::string("the id of an entity is a whole number or text, not a ") + name_of(id.kind()));
}

void FactWriter::check_predicate(std::string_view predicate) const {
  if (crdt::check_predicate(predicate) == Status::ok) return;
  refuse("the predicate " + json_text(predicate) + " is empty, longer than " +
         std::to_string(crdt::kPredicateBytesMax) + " bytes, or has control characters");
}

// As the schema has it, and in its one form.
std::string FactWriter::object(std::string_view predicate, const Value& object, bool is_many) {
  if (const std::string trouble = trouble_with_object(object); !trouble.empty()) {
    refuse(std::string(predicate) + ": " + trouble);
  }
  room_.resize(object.canonical().size() + kRoomBytes);
  const Value coerced = schema_.coerced(predicate, object, room_);
  std::uint8_t number[16];
  const Result<Bytes> formed = crdt::object_of(coerced, is_many, number);
  if (!formed.ok()) refuse(std::string(predicate) + ": " + json_text(coerced.text_or({})) + " is the id of no entity");
  return std::string(as_text(*formed));
}

void FactWriter::put(const std::string& entity, std::string_view predicate, const Value& value, bool is_many) {
  check_predicate(predicate);
  is_many = is_many || schema_.is_many(predicate);
  rows_.push_back({line_, is_many ? FactRow::Verb::add : FactRow::Verb::set, entity, std::string(predicate),
                   object(predicate, value, is_many)});
}

void FactWriter::refer(const std::string& entity, std::string_view predicate, const Value& id, bool is_many) {
  std::uint8_t room[kKeyBytesMax + 16];
  crdt::ValueWriter writer(room);
  writer.ref(this->entity(id));
  const Result<Bytes> ref = writer.finish();
  put(entity, predicate, Value(*ref), is_many);
}

void FactWriter::remove(const std::string& entity, std::string_view predicate, const Value& value) {
  check_predicate(predicate);
  std::string formed = value.exists() ? object(predicate, value, true) : std::string();
  rows_.push_back({line_, FactRow::Verb::remove, entity, std::string(predicate), std::move(formed)});
}

void FactWriter::bury(const std::string& entity) {
  rows_.push_back({line_, FactRow::Verb::delete_entity, entity, {}, {}});
}

}  // namespace grid::cli
