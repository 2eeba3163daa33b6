// SPDX-License-Identifier: Apache-2.0
//
// The text of a question, read into a Query that is known to be safe.
//
// Place     Above edn.h and analysis.h. Knows no facts: whether an attribute exists is not asked.
// Promises  No recursion and no heap: a text of any nesting is read or refused. What is refused has a place in the text
//           and a sentence (trouble.h).
// Ownership The Query and what it shows lie in the arena, the texts too. A Trouble's views do as well.
//
// docs/datalog.md describes the language.
#pragma once

#include <string_view>

#include "crdt/base/arena.h"
#include "crdt/datalog/query.h"
#include "crdt/datalog/trouble.h"

namespace grid::datalog {

inline constexpr std::size_t kQueryBytesMax = 65'536;  // Of a question, and of its rules.
inline constexpr std::size_t kVariablesMax = 1'000;
inline constexpr std::size_t kRulesMax = 1'000;

// `rules` is what the input % holds, and empty where :in has no %. rules_input() tells which input that is.
//   invalid    It is no question, or an unsafe one.
//   too_large  It is longer, deeper or has more variables than may be.
//   full       The arena has no room.
Result<Query> parse(std::string_view text, std::string_view rules, Arena& arena, Trouble& trouble);

// Which of the inputs behind $ is %, from 0; -1: none is. Looks at :in only; otherwise as parse().
Result<std::int32_t> rules_input(std::string_view text, Arena& arena, Trouble& trouble);

// A pattern of pull alone: `[:name {:friend [:name]}]`.
Result<const Pull*> parse_pull(std::string_view text, Arena& arena, Trouble& trouble);

}  // namespace grid::datalog
