// SPDX-License-Identifier: Apache-2.0

#include "crdt/datalog/edn.h"

#include <algorithm>

#include "crdt/datalog/edn_literal.h"
#include "crdt/query/literal.h"

namespace grid::datalog::edn {
namespace {

using Kind = Node::Kind;

constexpr std::size_t kFoundMax = 60;

// A form whose end is still to come, in which others stand; the outermost is none.
struct Open {
  std::uint32_t node = 0;
  char close = '\0';
  Token discard{};  // The last #_ whose form is still to come.
  std::uint32_t discards = 0;
};

// The nodes of one form, from the words of a lexer.
class Builder {
 public:
  Builder(Lexer& lexer, Arena& arena, Trouble& trouble) : lexer_(lexer), arena_(arena), trouble_(trouble) {}

  // The form at the present word, which is taken with all of its own; null: there is none.
  Result<const Node*> form(std::size_t bytes_max);

 private:
  const Token& token() const { return lexer_.token(); }
  Open& innermost() { return open_[depth_]; }
  Status refuse(Complaint complaint, const Token& at, Status status = Status::invalid);
  Status refuse_here(Complaint complaint, Status status = Status::invalid) {
    return refuse(complaint, token(), status);
  }
  Status make_nodes(std::size_t bytes_max);
  Status take();
  Status open();
  Status close();
  Status discard();
  Status tag();
  Status put(Kind kind, std::string_view text, std::int64_t integer = 0);
  Status put_text();
  Status put_letter();
  Status put_word();
  Status put_number();
  // The form that begins at `node` is complete.
  void settle(std::uint32_t node);
  Result<std::string_view> text_of(const Token& quoted);

  Lexer& lexer_;
  Arena& arena_;
  Trouble& trouble_;
  std::span<Node> nodes_;
  std::uint32_t size_ = 0;
  std::size_t depth_ = 0;
  Open open_[kDepthMax + 1] = {};
};

Status Builder::refuse(Complaint complaint, const Token& at, Status status) {
  trouble_ = {};
  trouble_.complaint = complaint;
  trouble_.at = at.at;
  trouble_.found = at.source.substr(0, std::min(at.source.size(), kFoundMax));
  return status;
}

// As many as the form can have: one for each word up to its end.
Status Builder::make_nodes(std::size_t bytes_max) {
  Lexer ahead = lexer_;
  const char* const first = ahead.token().source.data();
  std::size_t words = 1, depth = 0, discards = 0;
  for (;; ahead.take()) {
    const TokenKind kind = ahead.token().kind;
    if (kind == TokenKind::end || kind == TokenKind::wrong) break;
    const auto bytes = static_cast<std::size_t>(ahead.token().source.data() + ahead.token().source.size() - first);
    if (bytes > bytes_max) return refuse_here(Complaint::too_long, Status::too_large);
    ++words;
    if (kind == TokenKind::tag) continue;
    if (kind == TokenKind::discard) {
      if (depth == 0) ++discards;
      continue;
    }
    if (kind == TokenKind::open) ++depth;
    if (kind == TokenKind::close && depth > 0) --depth;
    if (depth > 0) continue;
    if (discards == 0) break;
    --discards;
  }
  nodes_ = arena_.make<Node>(words);
  return nodes_.empty() ? refuse_here(Complaint::no_room, Status::full) : Status::ok;
}

Result<const Node*> Builder::form(std::size_t bytes_max) {
  GRID_TRY(make_nodes(bytes_max));
  while (size_ == 0 || depth_ > 0) {
    if (token().kind == TokenKind::end) {
      if (innermost().discards > 0) return refuse(Complaint::discard_without_form, innermost().discard);
      if (depth_ == 0) return nullptr;
      const Node& node = nodes_[innermost().node];
      Token at;
      at.at = node.at;
      at.source = lexer_.source_from({.source = node.source});
      return refuse(Complaint::bracket_unclosed, at);
    }
    // The end of what stands around a form that is all discarded.
    if (depth_ == 0 && size_ == 0 && token().kind == TokenKind::close) {
      if (innermost().discards > 0) return refuse(Complaint::discard_without_form, innermost().discard);
      return nullptr;
    }
    GRID_TRY(take());
  }
  return nodes_.data();
}

Status Builder::take() {
  switch (token().kind) {
    case TokenKind::open:
      return open();
    case TokenKind::close:
      return close();
    case TokenKind::discard:
      return discard();
    case TokenKind::tag:
      return tag();
    case TokenKind::text:
      return put_text();
    case TokenKind::letter:
      return put_letter();
    case TokenKind::word:
      return put_word();
    default:
      return refuse_here(token().complaint);
  }
}

Status Builder::open() {
  if (depth_ == kDepthMax) return refuse_here(Complaint::too_deep, Status::too_large);
  Node& node = nodes_[size_];
  node = {};
  const char bracket = token().source[0];
  node.kind = bracket == '(' ? Kind::list : bracket == '[' ? Kind::vector : bracket == '{' ? Kind::map : Kind::set;
  node.at = token().at;
  node.source = token().source;
  open_[++depth_] = {.node = size_, .close = bracket == '(' ? ')' : bracket == '[' ? ']' : '}', .discard = {}};
  ++size_;
  lexer_.take();
  return Status::ok;
}

Status Builder::close() {
  if (innermost().discards > 0) return refuse(Complaint::discard_without_form, innermost().discard);
  if (depth_ == 0) return refuse_here(Complaint::bracket_unopened);
  if (token().source[0] != innermost().close) {
    const Node& node = nodes_[innermost().node];
    const Status status = refuse_here(Complaint::bracket_other);
    trouble_.name = node.source;
    trouble_.least = node.at.line;
    trouble_.count = node.at.column;
    return status;
  }
  Node& node = nodes_[innermost().node];
  const std::uint32_t index = innermost().node;
  node.size = size_ - index;
  const Token opened{.source = node.source, .at = node.at};
  lexer_.take();
  node.source = lexer_.source_from(opened);
  if (node.is(Kind::map) && node.items().count() % 2 != 0) {
    return refuse(Complaint::map_uneven, {.source = node.source, .at = node.at});
  }
  --depth_;
  settle(index);
  return Status::ok;
}

Status Builder::discard() {
  ++innermost().discards;
  innermost().discard = token();
  lexer_.take();
  return Status::ok;
}

void Builder::settle(std::uint32_t node) {
  if (innermost().discards == 0) return;
  --innermost().discards;
  size_ = node;
}

Status Builder::put(Kind kind, std::string_view text, std::int64_t integer) {
  Node& node = nodes_[size_];
  node = {};
  node.kind = kind;
  node.text = text;
  node.integer = integer;
  node.at = token().at;
  node.source = token().source;
  lexer_.take();
  settle(size_++);
  return Status::ok;
}

Result<std::string_view> Builder::text_of(const Token& quoted) {
  const std::string_view inside(quoted.source.data() + 1, quoted.source.size() - 2);
  if (inside.find('\\') == std::string_view::npos) return inside;
  const std::span<char> room = arena_.make<char>(inside.size());
  if (room.empty()) return refuse(Complaint::no_room, quoted, Status::full);
  const Result<std::string_view> text = unescaped(inside, room);
  if (!text.ok()) return refuse(Complaint::text_escape_wrong, quoted);
  return *text;
}

Status Builder::put_text() {
  const Result<std::string_view> text = text_of(token());
  if (!text.ok()) return text.status();
  return put(Kind::text, *text);
}

Status Builder::put_letter() {
  const std::span<char> room = arena_.make<char>(4);
  if (room.empty()) return refuse_here(Complaint::no_room, Status::full);
  const Result<std::string_view> letter = letter_of(token().source.substr(1), room.first<4>());
  if (!letter.ok()) return refuse_here(Complaint::letter_wrong);
  return put(Kind::text, *letter);
}

Status Builder::tag() {
  const Token tag = token();
  const bool is_date = tag.source == "#inst";
  if (!is_date && tag.source != "#bytes") return refuse(Complaint::tag_unknown, tag);
  lexer_.take();
  if (token().kind != TokenKind::text) return refuse(Complaint::tag_without_value, tag);
  const Result<std::string_view> text = text_of(token());
  if (!text.ok()) return text.status();
  if (is_date) {
    const Result<std::int64_t> ms = date_of(*text);
    return ms.ok() ? put(Kind::date, {}, *ms) : refuse_here(Complaint::date_wrong);
  }
  const std::span<std::uint8_t> room = arena_.make<std::uint8_t>(text->size() + 1);
  if (room.empty()) return refuse_here(Complaint::no_room, Status::full);
  const Result<Bytes> bytes = bytes_of(*text, room);
  return bytes.ok() ? put(Kind::bytes, as_text(*bytes)) : refuse_here(Complaint::bytes_wrong);
}

Status Builder::put_word() {
  const std::string_view word = token().source;
  const auto is_digit = [&](std::size_t at) { return at < word.size() && word[at] >= '0' && word[at] <= '9'; };
  if (is_digit(0) || ((word[0] == '-' || word[0] == '+') && is_digit(1))) return put_number();
  if (word[0] == ':') {
    const std::string_view name = word.substr(1);
    if (name.empty() || name[0] == ':' || name[0] == '/' || name.back() == '/') {
      return refuse_here(Complaint::keyword_wrong);
    }
    return put(Kind::keyword, name);
  }
  if (word == "nil") return put(Kind::nil, {});
  if (word == "true" || word == "false") return put(Kind::boolean, {}, word == "true" ? 1 : 0);
  return put(Kind::symbol, word);
}

Status Builder::put_number() {
  std::string_view word = token().source;
  if (word[0] == '+') word.remove_prefix(1);
  const bool is_big = word.back() == 'N';
  if (is_big) word.remove_suffix(1);
  const std::size_t first = word[0] == '-' ? 1 : 0;
  const bool has_zero_before =
      word.size() > first + 1 && word[first] == '0' && word[first + 1] >= '0' && word[first + 1] <= '9';
  const bool is_plain = word.find_first_not_of("0123456789", first) == std::string_view::npos;
  if (has_zero_before || (is_big && !is_plain)) return refuse_here(Complaint::number_wrong);
  const Result<query::Number> number = query::parse_number(word);
  if (number.status() == Status::too_large) return refuse_here(Complaint::number_beyond);
  if (!number.ok()) return refuse_here(Complaint::number_wrong);
  return is_plain ? put(Kind::integer, {}, number->integer)
                  : put(Kind::number, {}, std::bit_cast<std::int64_t>(number->number));
}

}  // namespace

Result<const Node*> read(std::string_view text, Arena& arena, Trouble& trouble, std::size_t bytes_max) {
  trouble = {};
  Lexer lexer(text);
  if (text.size() > bytes_max) {
    trouble.complaint = Complaint::too_long;
    return Status::too_large;
  }
  const Result<const Node*> form = Builder(lexer, arena, trouble).form(bytes_max);
  if (!form.ok()) return form;
  if (*form == nullptr && lexer.token().kind == TokenKind::end) {
    trouble.complaint = Complaint::form_missing;
    trouble.at = lexer.token().at;
    return Status::invalid;
  }
  // What is discarded behind it is no form.
  const Result<const Node*> second = Builder(lexer, arena, trouble).form(bytes_max);
  if (!second.ok()) return second.status();
  if (*second == nullptr && lexer.token().kind == TokenKind::end) return form;
  trouble.complaint = *second == nullptr ? Complaint::bracket_unopened : Complaint::form_surplus;
  trouble.at = *second == nullptr ? lexer.token().at : (*second)->at;
  const std::string_view found = *second == nullptr ? lexer.token().source : (*second)->source;
  trouble.found = found.substr(0, std::min(found.size(), kFoundMax));
  return Status::invalid;
}

Reader::Reader(std::string_view text) : lexer_(text) {
  const Token& first = lexer_.token();
  if (first.kind != TokenKind::open || (first.source != "[" && first.source != "(")) return;
  Lexer inside = lexer_;
  inside.take();
  const TokenKind kind = inside.token().kind;
  if (kind == TokenKind::word || kind == TokenKind::text || kind == TokenKind::letter) return;
  open_ = lexer_.token();
  lexer_ = inside;
  is_inside_ = true;
}

Result<const Node*> Reader::next(Arena& arena, Trouble& trouble, std::size_t bytes_max) {
  trouble = {};
  const Result<const Node*> form = Builder(lexer_, arena, trouble).form(bytes_max);
  if (!form.ok() || *form != nullptr) return form;
  const Token end = lexer_.token();
  if (!is_inside_ && end.kind == TokenKind::end) return form;
  trouble.at = end.at;
  trouble.found = end.source;
  trouble.complaint = Complaint::bracket_unopened;
  if (!is_inside_) return Status::invalid;
  if (end.kind == TokenKind::end) {
    trouble.at = open_.at;
    trouble.found = open_.source;
    trouble.complaint = Complaint::bracket_unclosed;
    return Status::invalid;
  }
  const bool is_same = (open_.source == "[") == (end.source == "]") && end.source != "}";
  if (!is_same) {
    trouble.complaint = Complaint::bracket_other;
    trouble.name = open_.source;
    trouble.least = open_.at.line;
    trouble.count = open_.at.column;
    return Status::invalid;
  }
  lexer_.take();
  const Result<const Node*> behind = Builder(lexer_, arena, trouble).form(bytes_max);
  if (!behind.ok()) return behind;
  is_inside_ = false;
  if (*behind == nullptr && lexer_.token().kind == TokenKind::end) return behind;
  trouble.complaint = *behind == nullptr ? Complaint::bracket_unopened : Complaint::form_surplus;
  trouble.at = *behind == nullptr ? lexer_.token().at : (*behind)->at;
  trouble.found = *behind == nullptr ? lexer_.token().source : (*behind)->source.substr(0, kFoundMax);
  return Status::invalid;
}

}  // namespace grid::datalog::edn
