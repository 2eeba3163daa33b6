// SPDX-License-Identifier: Apache-2.0

#include "crdt/query/parser.h"

#include <algorithm>

#include "crdt/cell.h"

namespace grid::query {
namespace {

constexpr std::size_t kWordMax = 15;

// Slips that make one word of the other: a letter too many, too few, or wrong.
std::size_t slips_between(std::string_view a, std::string_view b) {
  std::size_t row[kWordMax + 1];
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t corner = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool is_same = (a[i - 1] | 0x20) == (b[j - 1] | 0x20);
      const std::size_t replaced = corner + (is_same ? 0 : 1);
      corner = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

// Appends what fits.
void append(std::span<char> room, std::size_t& size, std::string_view text) {
  const std::size_t count = std::min(text.size(), room.size() - size);
  if (count > 0) std::memcpy(room.data() + size, text.data(), count);
  size += count;
}

}  // namespace

std::string_view nearest(std::string_view word, std::span<const std::string_view> words) {
  if (word.empty() || word.size() > kWordMax) return {};
  std::string_view best;
  std::size_t least = word.size() < 5 ? 2 : 3;  // Fewer than these.
  for (const std::string_view candidate : words) {
    if (candidate.size() > kWordMax) continue;
    const std::size_t slips = slips_between(word, candidate);
    if (slips >= least || slips >= candidate.size()) continue;
    least = slips;
    best = candidate;
  }
  return best;
}

std::string_view Trouble::sentence(std::span<char> room) const {
  constexpr std::size_t kFoundMax = 40;
  char digits[20];
  char* first = digits + sizeof(digits);
  for (std::size_t rest = column; rest > 0; rest /= 10) *--first = static_cast<char>('0' + rest % 10);
  std::size_t size = 0;
  const auto say = [&](std::string_view text) { append(room, size, text); };
  say("column ");
  say({first, static_cast<std::size_t>(digits + sizeof(digits) - first)});
  say(": ");
  say(what);
  if (!found.empty()) {
    say(", but there is ");
    say(found.substr(0, kFoundMax));
  }
  if (!hint.empty()) {
    say("; ");
    say(hint);
  }
  if (!did_you_mean.empty()) {
    say("; did you mean ");
    say(did_you_mean);
    say("?");
  }
  return {room.data(), size};
}

bool Parser::took_mark(std::string_view mark) {
  const bool is_there = token().is(mark);
  if (is_there) take();
  return is_there;
}

bool Parser::took_word(std::string_view word) {
  const bool is_there = token().is_word(word);
  if (is_there) take();
  return is_there;
}

// The token as it was written, with its quotes or its $.
Status Parser::refuse(std::string_view what, std::string_view hint) {
  const std::string_view rest = lexer_.whole().substr(token().at);
  const bool is_quoted = token().kind == TokenKind::text || token().kind == TokenKind::quoted_name;
  const std::size_t around = is_quoted ? 2 : token().kind == TokenKind::parameter ? 1 : 0;
  trouble_ = {token().at + 1, what, rest.substr(0, token().text.size() + around), hint, {}};
  return Status::invalid;
}

Status Parser::refuse_as(Status status, std::string_view what) {
  trouble_ = {token().at + 1, what, {}, {}, {}};
  return status;
}

Status Parser::refuse_word(std::string_view what, std::span<const std::string_view> words, std::string_view hint) {
  const Status status = refuse(what, hint);
  trouble_.did_you_mean = nearest(token().text, words);
  if (!trouble_.did_you_mean.empty()) trouble_.hint = {};
  return status;
}

Status Parser::put(Bytes bytes) {
  if (bytes.size() > room_.size() - size_ || size_ + bytes.size() > Predicate::kProgramBytesMax) {
    return refuse_as(Status::full, "there is no room for so long a text");
  }
  copy(bytes, room_.subspan(size_));
  size_ += bytes.size();
  return Status::ok;
}

Status Parser::put_name() {
  std::uint8_t room[kPathNameBytesMax];
  const bool is_quoted = token().kind == TokenKind::quoted_name;
  if (!is_quoted && token().kind != TokenKind::name) {
    return refuse("the name of a field is missing", "odd names stand in double quotes: \"max temp\"");
  }
  const Result<std::string_view> name = is_quoted ? unquoted(token().text, '"', room) : token().text;
  if (!name.ok() || name->size() > kPathNameBytesMax) {
    return refuse_as(Status::too_large, "a field's name is longer than 255 bytes");
  }
  if (!crdt::is_utf8(*name)) return refuse_as(Status::invalid, "a field's name is not UTF-8");
  GRID_TRY(put_byte(static_cast<std::uint8_t>(name->size())));
  GRID_TRY(put(as_bytes(*name)));
  take();
  return Status::ok;
}

Status Parser::put_path() {
  const bool is_parameter = token().kind == TokenKind::parameter;
  if (is_parameter && token().text == "key") {
    take();
    return put_byte(static_cast<std::uint8_t>(Root::key));
  }
  GRID_TRY(put_byte(static_cast<std::uint8_t>(Root::value)));
  if (is_parameter) {
    if (token().text != "value") return refuse("of a row there are $key and $value");
    take();
    if (!took_mark(".")) return Status::ok;
  }
  for (std::size_t names = 1;; ++names) {
    if (names > kPathNamesMax) return refuse_as(Status::too_large, "a path has more than 8 names");
    GRID_TRY(put_name());
    if (!took_mark(".")) return Status::ok;
  }
}

}  // namespace grid::query
