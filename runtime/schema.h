// SPDX-License-Identifier: Apache-2.0
//
// Schema: what the fields of a map's records are to be, as an application declares it for itself.
//
//     constexpr std::string_view kSites[] = {"Oslo", "Bergen"};
//     constexpr SchemaField kClimate[] = {
//         {.path = "temp", .kind = crdt::ValueKind::number, .required = true, .min = -60, .max = 125},
//         {.path = "site", .kind = crdt::ValueKind::text, .one_of = kSites, .otherwise = "Oslo"},
//     };
//     constexpr Schema kSchema(kClimate);
//
// Place     Above crdt/value.h. Only who uses one links it; the server knows none (server/policy.h is its word).
// Promises  Checked in place, without a heap. Fields that a schema does not name are let pass, and kept: other versions
//           of the application live beside this one.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "crdt/value.h"

namespace grid {

struct SchemaField {
  std::string_view path;                                  // "temp"; "place.lat" is a field of a record in a field.
  crdt::ValueKind kind = crdt::ValueKind::absent;         // absent: any. `number` takes integers, too.
  bool required = false;                                  // There, and not null.
  double min = -std::numeric_limits<double>::infinity();  // Of numbers, integers and timestamps,
  double max = std::numeric_limits<double>::infinity();   // both included.
  std::uint32_t size_max = UINT32_MAX;         // Bytes of text, refs and bytes; elements of lists, fields of records.
  std::span<const std::string_view> one_of{};  // Of text: it is one of these; empty: any.
  std::string_view otherwise{};                // What a missing text is read as,
  double number_otherwise = 0;                 // and a missing number.
};

enum class Violation : std::uint8_t {
  none,
  no_record,
  missing,
  wrong_kind,
  too_small,
  too_great,
  too_large,
  not_listed
};

// The first field that is not as it should be.
struct SchemaTrouble {
  Violation violation = Violation::none;
  const SchemaField* field = nullptr;  // Null where the record is none.
  crdt::ValueKind found = crdt::ValueKind::absent;

  // "temp: is to be number, and is text", in the front of `room`, cut off where it ends.
  std::string_view sentence(std::span<char> room) const;
};

class Schema {
 public:
  constexpr explicit Schema(std::span<const SchemaField> fields) : fields_(fields) {}

  std::span<const SchemaField> fields() const { return fields_; }
  //   invalid  `trouble` says which field, and why.
  Status check(const crdt::Value& record, SchemaTrouble& trouble) const;

  // Reads: a field that is not of its kind is as if it were not there, and is counted in `mistyped`.
  crdt::Value read(const crdt::Value& record, std::string_view path, std::uint64_t& mistyped) const;
  // With the field's default where there is none.
  double number(const crdt::Value& record, std::string_view path, std::uint64_t& mistyped) const;
  std::string_view text(const crdt::Value& record, std::string_view path, std::uint64_t& mistyped) const;

 private:
  const SchemaField* find(std::string_view path) const;

  std::span<const SchemaField> fields_;
};

// The field at a dotted path; absent when there is none.
crdt::Value field_at(const crdt::Value& record, std::string_view path);

}  // namespace grid
