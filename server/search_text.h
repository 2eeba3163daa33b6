// SPDX-License-Identifier: Apache-2.0
//
// What of a row is searched, and what people type to search for it.
//
// Place     Lowest of the search in server/. Pure. Knows FTS5's language, and no database.
// Promises  Text that somebody types is words, "phrases", prefix* and -word, whatever is in it; nothing of it is ever
//           an expression of FTS5 by accident.
#pragma once

#include <string>
#include <string_view>

#include "crdt/base/bytes.h"
#include "crdt/base/status.h"

namespace grid::server {

inline constexpr std::size_t kSearchTermsMax = 32;

// Between the items of a list: a word of its own, that no phrase goes across.
inline constexpr std::string_view kItemBreak = "\xee\x80\x80";  // U+E000

// Whether `path` names a field as predicates do ("a.b"); otherwise `problem` is a sentence.
bool check_search_field(std::string_view path, std::string& problem);

// What of the field is searched: a text, or the texts of a list, one behind the other; else nothing. Without control
// characters.
std::string search_text_of(Bytes value, const std::string& path);

// An FTS5 expression for what was typed.
//   invalid    There is nothing to look for, or a quote is not closed; `problem` says so, with its column in
//   characters. too_large  More than kSearchTermsMax terms.
Status compile_search(std::string_view text, std::string& match, std::string& problem);

}  // namespace grid::server
