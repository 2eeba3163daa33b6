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
#include "crdt/query/trouble.h"

namespace grid::query {

inline constexpr std::size_t kDepthMax = 32;
// Of a text with doubled quotes, and of bytes.
inline constexpr std::size_t kLiteralBytesMax = 256;

// The program stands in the front of `room`. Nothing but spaces accepts every row.
//   invalid    `trouble` says what and where. Its views are of `text` and `parameters`.
//   too_large  More tests, depth or names than may be; `trouble` says which.
//   full       The program is larger than `room`.
Result<Predicate> compile(std::string_view text, std::span<const Parameter> parameters, MutBytes room,
                          Trouble& trouble);

// A path alone, as an index names it: "a.b", "$key".
Result<Path> compile_path(std::string_view text, MutBytes room, Trouble& trouble);

}  // namespace grid::query
