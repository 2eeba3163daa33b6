// SPDX-License-Identifier: Apache-2.0
//
// compile(): a predicate from its text.
//
//     age > 18 and (city = 'Oslo' or tags contains 'x')
//
// Place     Above predicate.h; only who takes text needs it. docs/queries.md is the reference of the text.
// Promises  Bounded: text of any kind takes at most the room that is lent, Predicate::kTestsMax tests, and kDepthMax
//           parentheses and `not`s around one another, without recursion. Trouble names the column.
#pragma once

#include <span>
#include <string_view>

#include "crdt/base/bytes.h"
#include "crdt/base/status.h"
#include "crdt/query/predicate.h"

namespace grid::query {

inline constexpr std::size_t kDepthMax = 32;
// Of a text with doubled quotes, and of bytes.
inline constexpr std::size_t kLiteralBytesMax = 256;

// What `$name` stands for in the text.
struct Parameter {
  std::string_view name;  // Without the $; neither `key` nor `value`, which are the row's.
  Value value;            // Not null: a comparison with null is what nobody means.
};

// What is wrong with a text, and where.
struct Trouble {
  std::size_t column = 0;           // From 1, in bytes; 0: nothing is wrong.
  std::string_view what{};          // "a comparison is missing behind the field"
  std::string_view found{};         // What stands there, of the text.
  std::string_view hint{};          // "text stands in quotes: 'Oslo'"; may be empty.
  std::string_view did_you_mean{};  // One word; may be empty.

  // "column 5: a comparison is missing behind the field, but there is 'grater'; did you mean '>'?" in the front of
  // `room`, cut off where it ends.
  std::string_view sentence(std::span<char> room) const;
};

// The program stands in the front of `room`. Nothing but spaces accepts every row.
//   invalid    `trouble` says what and where. Its views are of `text` and `parameters`.
//   too_large  More tests, depth or names than may be; `trouble` says which.
//   full       The program is larger than `room`.
Result<Predicate> compile(std::string_view text, std::span<const Parameter> parameters, MutBytes room,
                          Trouble& trouble);

// A path alone, as an index names it: "a.b", "$key".
Result<Path> compile_path(std::string_view text, MutBytes room, Trouble& trouble);

}  // namespace grid::query
