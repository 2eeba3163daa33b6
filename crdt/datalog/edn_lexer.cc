// SPDX-License-Identifier: Apache-2.0

#include "crdt/datalog/edn_lexer.h"

#include "crdt/cell.h"

namespace grid::datalog::edn {
namespace {

bool is_space(char c) { return c == ' ' || c == ',' || c == '\n' || c == '\t' || c == '\r' || c == '\f' || c == '\v'; }

bool ends_word(char c) {
  constexpr std::string_view kEnds = "()[]{}\";";
  return is_space(c) || kEnds.find(c) != std::string_view::npos;
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

}  // namespace

void Lexer::step() {
  if (text_[at_++] == '\n') {
    ++line_;
    line_begin_ = at_;
  }
}

void Lexer::skip() {
  while (!is_end()) {
    if (peek() == ';') {
      while (!is_end() && peek() != '\n') ++at_;
    } else if (is_space(peek())) {
      step();
    } else {
      return;
    }
  }
}

void Lexer::end_token(TokenKind kind, std::size_t from) {
  token_.source = {text_.data() + from, at_ - from};
  const bool is_utf8 = crdt::is_utf8(token_.source);
  token_.kind = is_utf8 ? kind : TokenKind::wrong;
  if (!is_utf8) token_.complaint = Complaint::text_not_utf8;
}

void Lexer::refuse(Complaint complaint, std::size_t from) {
  token_.complaint = complaint;
  token_.kind = TokenKind::wrong;
  token_.source = {text_.data() + from, at_ - from};
}

void Lexer::take() {
  taken_ = at_;
  skip();
  token_ = {};
  token_.at = {line_, static_cast<std::uint32_t>(at_ - line_begin_ + 1)};
  token_.source = {text_.data() + at_, 0};
  if (is_end()) return;
  const std::size_t from = at_;
  switch (peek()) {
    case '(':
    case '[':
    case '{':
      ++at_;
      return end_token(TokenKind::open, from);
    case ')':
    case ']':
    case '}':
      ++at_;
      return end_token(TokenKind::close, from);
    case '"':
      return take_text();
    case '\\':
      return take_letter();
    case '#':
      return take_hash();
    case '\'':
    case '`':
    case '~':
    case '@':
    case '^':
      ++at_;
      return refuse(Complaint::quote_unknown, from);
    default:
      return take_word();
  }
}

void Lexer::take_text() {
  const std::size_t from = at_++;
  while (!is_end() && peek() != '"') {
    if (peek() == '\\') ++at_;
    if (!is_end()) step();
  }
  if (is_end()) return refuse(Complaint::text_unclosed, from);
  ++at_;
  end_token(TokenKind::text, from);
}

// One character, which may be one that would end a word, and what follows of it.
void Lexer::take_letter() {
  const std::size_t from = at_++;
  if (is_end() || is_space(peek())) return refuse(Complaint::letter_wrong, from);
  ++at_;
  while (!is_end() && !ends_word(peek())) ++at_;
  end_token(TokenKind::letter, from);
}

void Lexer::take_word() {
  const std::size_t from = at_;
  while (!is_end() && !ends_word(peek())) ++at_;
  end_token(TokenKind::word, from);
}

void Lexer::take_hash() {
  const std::size_t from = at_++;
  if (peek() == '{') {
    ++at_;
    return end_token(TokenKind::open, from);
  }
  if (peek() == '_') {
    ++at_;
    return end_token(TokenKind::discard, from);
  }
  const bool is_tag = is_letter(peek());
  while (!is_end() && !ends_word(peek())) ++at_;
  is_tag ? end_token(TokenKind::tag, from) : refuse(Complaint::hash_unknown, from);
}

}  // namespace grid::datalog::edn
