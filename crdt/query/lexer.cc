// SPDX-License-Identifier: Apache-2.0

#include "crdt/query/lexer.h"

namespace grid::query {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
bool is_letter(char c) {
  return (lower(c) >= 'a' && lower(c) <= 'z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
bool goes_on(char c) { return is_letter(c) || is_digit(c) || c == '-'; }

// Words in the order of Word, each behind a byte of its length.
constexpr char kKeywords[] =
    "\3and\2or\3not\2in\7between\4like\6starts\4with\10contains\6exists\2is\4null\4true\5false\11timestamp\3ref\5bytes"
    "\3asc\4desc";
constexpr char kMarks[] = "\1(\1)\1,\1.\1=\2!=\1<\2<=\1>\2>=";

// The place of `text` in `words`, from 1; 0: it is none of them.
unsigned place_of(std::string_view text, const char* words) {
  unsigned place = 1;
  for (; *words != 0; words += 1 + *words, ++place) {
    std::size_t same = 0;
    const auto size = static_cast<std::size_t>(static_cast<unsigned char>(*words));
    while (same < size && same < text.size() && lower(text[same]) == words[1 + same]) ++same;
    if (same == size && same == text.size()) return place;
  }
  return 0;
}

}  // namespace

void Lexer::take() {
  while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  token_ = {TokenKind::end, Word::none, {}, at_};
  if (at_ == text_.size()) return;
  const char first = text_[at_];
  const char second = at_ + 1 < text_.size() ? text_[at_ + 1] : ' ';
  if (first == '\'') return quoted(TokenKind::text, '\'');
  if (first == '"') return quoted(TokenKind::quoted_name, '"');
  if (is_digit(first) || (first == '-' && is_digit(second))) return number();
  if (is_letter(first)) return word(TokenKind::name, at_);
  if (first == '$' && is_letter(second)) return word(TokenKind::parameter, at_ + 1);
  mark();
}

void Lexer::quoted(TokenKind kind, char quote) {
  const std::size_t from = at_ + 1;
  for (std::size_t i = from; i < text_.size(); ++i) {
    if (text_[i] != quote) continue;
    if (i + 1 < text_.size() && text_[i + 1] == quote) {
      ++i;
      continue;
    }
    token_ = {kind, Word::none, part_of(text_, from, i), at_};
    at_ = i + 1;
    return;
  }
  token_ = {TokenKind::wrong, Word::none, part_of(text_, at_, text_.size()), at_};
  at_ = text_.size();
}

void Lexer::word(TokenKind kind, std::size_t from) {
  const std::size_t begin = at_;
  at_ = from;
  while (at_ < text_.size() && goes_on(text_[at_])) ++at_;
  const std::string_view word = part_of(text_, from, at_);
  token_ = {kind, kind == TokenKind::name ? Word{static_cast<std::uint8_t>(place_of(word, kKeywords))} : Word::none,
            word, begin};
}

// As far as what looks like one goes; parse_number() is strict.
void Lexer::number() {
  const std::size_t begin = at_++;
  while (at_ < text_.size()) {
    const bool is_sign = (text_[at_] == '-' || text_[at_] == '+') && lower(text_[at_ - 1]) == 'e';
    if (!is_sign && text_[at_] != '.' && (text_[at_] == '-' || !goes_on(text_[at_]))) break;
    ++at_;
  }
  token_ = {TokenKind::number, Word::none, part_of(text_, begin, at_), begin};
}

// Signs that stand together are one, so that `==` is wrong as a whole.
void Lexer::mark() {
  constexpr std::string_view kSigns = "=<>!&|+*/";
  const std::string_view rest = part_of(text_, at_, text_.size());
  std::size_t size = 1;
  if (kSigns.find(rest[0]) != std::string_view::npos) {
    while (size < rest.size() && kSigns.find(rest[size]) != std::string_view::npos) ++size;
  }
  const unsigned place = place_of(part_of(rest, 0, size), kMarks);
  const auto word = static_cast<unsigned>(Word::open) + place - 1;
  token_ = {place != 0 ? TokenKind::mark : TokenKind::wrong,
            place != 0 ? Word{static_cast<std::uint8_t>(word)} : Word::none, part_of(rest, 0, size), at_};
  at_ += size;
}

Result<std::string_view> unquoted(std::string_view quoted, char quote, MutBytes room) {
  if (quoted.find(quote) == std::string_view::npos) return quoted;
  std::size_t size = 0;
  for (std::size_t i = 0; i < quoted.size(); ++i, ++size) {
    if (size == room.size()) return Status::too_large;
    room[size] = static_cast<std::uint8_t>(quoted[i]);
    if (quoted[i] == quote) ++i;
  }
  return as_text(Bytes(room.first(size)));
}

}  // namespace grid::query
