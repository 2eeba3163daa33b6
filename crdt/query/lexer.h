// SPDX-License-Identifier: Apache-2.0
//
// Lexer: the words of a predicate or of an order, one at a time.
//
// Place     Inside crdt/query, below parser.h. Knows no grammar.
// Ownership Tokens are views of the text.
#pragma once

#include <cstdint>
#include <string_view>

#include "crdt/base/bytes.h"
#include "crdt/base/status.h"

namespace grid::query {

enum class TokenKind : std::uint8_t {
  end,
  name,         // A word without quotes, keywords among them.
  quoted_name,  // "..." without its quotes; "" inside is one
  text,         // '...' without its quotes; '' inside is one
  number,
  parameter,  // $name, without the $
  mark,
  wrong,  // Nothing that has a place here.
};

// Keywords, and marks. They are told apart once, in the lexer; keywords are the same in capitals.
enum class Word : std::uint8_t {
  none,
  // In the order of kKeywords.
  both,     // and
  either,   // or
  inverse,  // not
  in,
  between,
  like,
  starts,
  with,
  contains,
  exists,
  is,
  null,
  yes,  // true
  no,   // false
  timestamp,
  ref,
  bytes,
  ascending,
  descending,
  // In the order of kMarks.
  open,
  close,
  comma,
  point,
  equal,
  unequal,
  less,
  at_most,
  greater,
  at_least,
};

struct Token {
  TokenKind kind = TokenKind::end;
  Word word = Word::none;
  std::string_view text{};
  std::size_t at = 0;  // Byte of the text at which it begins.
};

// From `from` up to `end`, or the text's own; without the throw of substr(), which a chip has no use for.
inline std::string_view part_of(std::string_view text, std::size_t from, std::size_t end) {
  end = end < text.size() ? end : text.size();
  return from < end ? std::string_view(text.data() + from, end - from) : std::string_view();
}

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) { take(); }

  const Token& token() const { return token_; }  // The present one.
  void take();                                   // Goes on to the next.
  std::string_view whole() const { return text_; }

 private:
  void quoted(TokenKind kind, char quote);
  void word(TokenKind kind, std::size_t from);
  void number();
  void mark();

  std::string_view text_;
  std::size_t at_ = 0;
  Token token_;
};

// `quoted` with each pair of `quote` as one, in the front of `room` or, where it has none, as it is.
//   too_large  It does not fit.
Result<std::string_view> unquoted(std::string_view quoted, char quote, MutBytes room);

}  // namespace grid::query
