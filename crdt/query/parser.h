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
  bool took(Word word) {
    const bool is_there = token().word == word;
    if (is_there) take();
    return is_there;
  }
  bool is_end() const { return token().kind == TokenKind::end; }

  // Refuses what stands at the present token.
  Status refuse(Complaint complaint, Status status = Status::invalid);

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

}  // namespace grid::query
