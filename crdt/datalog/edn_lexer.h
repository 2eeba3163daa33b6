// SPDX-License-Identifier: Apache-2.0
//
// Lexer: the words of EDN, one at a time.
//
// Place     Inside crdt/datalog, below edn.h. Knows brackets by their looks only.
// Ownership Tokens are views of the text.
#pragma once

#include <cstdint>
#include <string_view>

#include "crdt/datalog/trouble.h"

namespace grid::datalog::edn {

enum class TokenKind : std::uint8_t {
  end,
  open,     // ( [ { or #{
  close,    // ) ] or }
  discard,  // #_
  tag,      // #inst
  text,     // "...", with its quotes
  letter,   // \c
  word,     // A number, a keyword, a symbol.
  wrong,    // Nothing that has a place here: `complaint`.
};

struct Token {
  TokenKind kind = TokenKind::end;
  Complaint complaint = Complaint::none;
  std::string_view source{};  // As it is written.
  Place at{};
};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) { take(); }

  const Token& token() const { return token_; }  // The present one.
  void take();                                   // Goes on to the next.
  // From where `from` begins to behind the token before the present one.
  std::string_view source_from(const Token& from) const {
    return {from.source.data(), static_cast<std::size_t>(text_.data() + taken_ - from.source.data())};
  }

 private:
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  bool is_end() const { return at_ >= text_.size(); }
  void step();  // One byte on.
  void skip();  // Over spaces, commas and comments.
  void take_text();
  void take_letter();
  void take_word();
  void take_hash();
  void end_token(TokenKind kind, std::size_t from);
  void refuse(Complaint complaint, std::size_t from);

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t taken_ = 0;  // End of the token before.
  std::size_t line_begin_ = 0;
  std::uint32_t line_ = 1;
  Token token_;
};

}  // namespace grid::datalog::edn
