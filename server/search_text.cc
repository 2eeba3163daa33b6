// SPDX-License-Identifier: Apache-2.0

#include "server/search_text.h"

#include <algorithm>

#include "crdt/query/compile.h"

namespace grid::server {

namespace {

constexpr std::size_t kPathRoomBytes = 1 + query::kPathNamesMax * (1 + query::kPathNameBytesMax);

void append(std::string& text, std::string_view more) {
  for (std::size_t at = 0; at < more.size(); ++at) {
    const auto byte = static_cast<std::uint8_t>(more[at]);
    // U+E000 itself stands between items alone.
    if (more.substr(at).starts_with(kItemBreak)) {
      text += ' ';
      at += kItemBreak.size() - 1;
    } else {
      text += byte < 0x20 || byte == 0x7f ? ' ' : more[at];
    }
  }
}

// Takes what was typed apart.
class Terms {
 public:
  explicit Terms(std::string_view text) : text_(text) {}

  Status compile(std::string& match, std::string& problem);

 private:
  struct Term {
    std::string_view text;
    bool is_prefix = false;
    bool is_excluded = false;
  };

  bool next(Term& term);
  bool take_quoted(Term& term);
  void take_word(Term& term);
  void refuse(std::size_t at, const char* what);
  std::size_t column(std::size_t at) const;

  std::string_view text_;
  std::size_t at_ = 0;
  std::string problem_;
};

// In characters, from 1.
std::size_t Terms::column(std::size_t at) const {
  const std::string_view before = text_.substr(0, at);
  return 1 + static_cast<std::size_t>(
                 std::count_if(before.begin(), before.end(), [](char byte) { return (byte & 0xc0) != 0x80; }));
}

void Terms::refuse(std::size_t at, const char* what) {
  problem_ = "column " + std::to_string(column(at)) + ": " + what;
}

bool is_space(char byte) { return byte == ' ' || (byte >= '\t' && byte <= '\r'); }

bool Terms::next(Term& term) {
  while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  if (at_ == text_.size()) return false;
  term = {};
  const std::size_t begin = at_;
  const bool has_dash = text_[at_] == '-' && at_ + 1 < text_.size() && !is_space(text_[at_ + 1]);
  if (has_dash) {
    term.is_excluded = true;
    ++at_;
  }
  if (text_[at_] == '"') {
    if (!take_quoted(term)) return false;
  } else {
    take_word(term);
  }
  if (term.is_prefix && term.text.empty()) {
    refuse(begin, "a * stands behind the letters with which a word begins, and here are none");
    return false;
  }
  return true;
}

bool Terms::take_quoted(Term& term) {
  const std::size_t begin = at_ + 1;
  const std::size_t end = text_.find('"', begin);
  if (end == std::string_view::npos) {
    refuse(at_, "this quote is never closed");
    return false;
  }
  term.text = text_.substr(begin, end - begin);
  at_ = end + 1;
  term.is_prefix = at_ < text_.size() && text_[at_] == '*';
  if (term.is_prefix) ++at_;
  return true;
}

void Terms::take_word(Term& term) {
  const std::size_t begin = at_;
  while (at_ < text_.size() && !is_space(text_[at_]) && text_[at_] != '"') ++at_;
  term.text = text_.substr(begin, at_ - begin);
  term.is_prefix = term.text.ends_with('*');
  while (term.text.ends_with('*')) term.text.remove_suffix(1);
}

// As a string of FTS5's, in which nothing has a meaning but a quote, and that stands twice. U+E000 is no word to
// anybody.
std::string quoted(std::string_view text, bool is_prefix) {
  std::string out = "\"";
  std::string plain;
  append(plain, text);
  for (const char byte : plain) out += byte == '"' ? std::string("\"\"") : std::string(1, byte);
  return out + (is_prefix ? "\" *" : "\"");
}

Status Terms::compile(std::string& match, std::string& problem) {
  std::string wanted, excluded;
  std::size_t count = 0;
  for (Term term; next(term);) {
    if (++count > kSearchTermsMax) {
      problem = "column " + std::to_string(column(at_)) + ": more than " + std::to_string(kSearchTermsMax) + " words";
      return Status::too_large;
    }
    std::string& into = term.is_excluded ? excluded : wanted;
    if (!into.empty()) into += term.is_excluded ? " OR " : " ";
    into += quoted(term.text, term.is_prefix);
  }
  if (problem_.empty() && wanted.empty()) {
    refuse(0, excluded.empty() ? "there is no word to look for"
                               : "there is only what is not to be there; name a word to look for, too");
  }
  if (!problem_.empty()) {
    problem = problem_;
    return Status::invalid;
  }
  match = excluded.empty() ? wanted : "(" + wanted + ") NOT (" + excluded + ")";
  return Status::ok;
}

}  // namespace

bool check_search_field(std::string_view path, std::string& problem) {
  std::uint8_t room[kPathRoomBytes];
  query::Trouble trouble;
  const Result<query::Path> compiled = query::compile_path(path, room, trouble);
  if (!compiled.ok()) {
    char sentence[300];
    problem = trouble.sentence(sentence);
    return false;
  }
  if (compiled->root() == query::Root::value) return true;
  problem = "$key is no field of the value";
  return false;
}

std::string search_text_of(Bytes value, const std::string& path) {
  std::uint8_t room[kPathRoomBytes];
  query::Trouble trouble;
  const Result<query::Path> compiled = query::compile_path(path, room, trouble);
  if (!compiled.ok()) return {};
  query::Path::Room key_room;
  const crdt::Value found = compiled->of({{}, crdt::Value(value)}, key_room);
  std::string text;
  if (found.kind() == crdt::ValueKind::text) append(text, found.text_or({}));
  if (found.kind() != crdt::ValueKind::list) return text;
  for (crdt::Value::Walk items(found); items.next();) {
    if (items.value().kind() != crdt::ValueKind::text) continue;
    if (!text.empty()) text.append(" ").append(kItemBreak).append(" ");
    append(text, items.value().text_or({}));
  }
  return text;
}

Status compile_search(std::string_view text, std::string& match, std::string& problem) {
  return Terms(text).compile(match, problem);
}

}  // namespace grid::server
