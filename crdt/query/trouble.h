// SPDX-License-Identifier: Apache-2.0
//
// Trouble: what is wrong with a text, and where.
//
// Place     Below parser.h. Only who calls sentence() links the sentences: a chip may say the column and a number.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "crdt/value.h"

namespace grid::query {

using crdt::Value;

// What `$name` stands for in the text.
struct Parameter {
  std::string_view name;  // Without the $; neither `key` nor `value`, which are the row's.
  Value value;            // Not null: a comparison with null is what nobody means.
};

enum class Complaint : std::uint8_t {
  none,
  comparison_expected,
  connection_expected,
  direction_expected,
  value_expected,
  field_expected,
  name_expected,
  name_too_long,
  name_not_utf8,
  path_too_long,
  path_goes_on,
  place_unknown,
  place_as_value,
  parenthesis_unopened,
  parenthesis_unclosed,
  too_deep,
  too_many_tests,
  too_many_keys,
  no_room,
  text_not_utf8,
  text_too_long,
  text_expected,
  typed_text_expected,
  list_expected,
  list_goes_on,
  bounds_expected,
  with_expected,
  null_expected,
  null_without_order,
  null_as_value,
  number_wrong,
  number_beyond,
  bytes_wrong,
  timestamp_wrong,
  parameter_unknown,
  parameter_null,
  not_misplaced,
};

struct Trouble {
  std::size_t column = 0;  // From 1, in bytes; 0: nothing is wrong.
  Complaint complaint = Complaint::none;
  std::string_view found{};                 // What stands there, of the text.
  std::span<const Parameter> parameters{};  // Of the predicate.

  // "column 6: a comparison is to come behind the field, but there is contain; did you mean contains?" in the front of
  // `room`, cut off where it ends.
  std::string_view sentence(std::span<char> room) const;
};

}  // namespace grid::query
