// SPDX-License-Identifier: Apache-2.0
//
// Parser: what the texts of predicates and of orders have in common: trouble, paths, and room.
//
// Place     Inside crdt/query, between lexer.h and compile.h, sort.h.
#pragma once

#include "crdt/query/compile.h"
#include "crdt/query/lexer.h"

namespace grid::query {

class Parser {
 public:
  Parser(std::string_view text, MutBytes room, Trouble& trouble) : lexer_(text), room_(room), trouble_(trouble) {}

 protected:
  const Token& token() const { return lexer_.token(); }
  void take() { lexer_.take(); }
  bool took_mark(std::string_view mark);
  bool took_word(std::string_view word);

  // Refuses what stands at the present token.
  Status refuse(std::string_view what, std::string_view hint = {});
  Status refuse_as(Status status, std::string_view what);
  // As refuse(), with the one of `words` that looks most like the token.
  Status refuse_word(std::string_view what, std::span<const std::string_view> words, std::string_view hint = {});

  // Names with points between them, behind a byte of Root; `$key` and `$value` too.
  Status put_path();
  Status put_byte(std::uint8_t byte) { return put(Bytes(&byte, 1)); }
  Status put(Bytes bytes);

  Lexer lexer_;
  MutBytes room_;
  std::size_t size_ = 0;
  Trouble& trouble_;

 private:
  Status put_name();
};

// The one of `words` that `word` is nearest to, when it is near: a slip or two.
std::string_view nearest(std::string_view word, std::span<const std::string_view> words);

}  // namespace grid::query
