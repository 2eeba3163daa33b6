// SPDX-License-Identifier: Apache-2.0
//
// The grammar, by operator precedence with a stack of its own. `and`, `or` and `not` leave no code: each test is told
// where to go on. Until that is known, the places that wait for one answer are a list through themselves.

#include "crdt/query/compile.h"

#include "crdt/cell.h"
#include "crdt/query/literal.h"
#include "crdt/query/parser.h"

namespace grid::query {
namespace {

// Heads of the lists of jumps that wait for where `yes` and `no` lead; 0 is none.
struct Exits {
  std::size_t yes = 0;
  std::size_t no = 0;
};

enum class Pending : std::uint8_t { parenthesis, inversion, both, either };

constexpr std::string_view kComparisons[] = {"in", "between", "like", "starts", "contains", "exists", "is", "not"};
constexpr std::string_view kTyped[] = {"timestamp", "ref", "bytes", "true", "false", "null"};
constexpr std::string_view kConnections[] = {"and", "or"};

class Compiler : public Parser {
 public:
  Compiler(std::string_view text, std::span<const Parameter> parameters, MutBytes room, Trouble& trouble)
      : Parser(text, room, trouble), parameters_(parameters) {}

  Result<Predicate> run() {
    if (token().kind == TokenKind::end) return Predicate();
    for (;;) {
      GRID_TRY(open());
      GRID_TRY(test());
      bool is_done = false;
      GRID_TRY(close(is_done));
      if (is_done) break;
    }
    settle(exits_.yes, Predicate::kAccept);
    settle(exits_.no, Predicate::kReject);
    return Predicate(room_.first(size_));
  }

 private:
  struct Level {
    Pending pending;
    Exits exits;  // Of what stands before `and` or `or`.
    std::size_t at;
  };

  // ---- and, or, not, parentheses

  Status open() {
    for (;;) {
      if (token().is_word("not")) {
        GRID_TRY(push(Pending::inversion));
      } else if (token().is("(")) {
        GRID_TRY(push(Pending::parenthesis));
      } else {
        return Status::ok;
      }
      take();
    }
  }

  Status push(Pending pending) {
    if (depth_ == kDepthMax)
      return refuse_as(Status::too_large, "more than 32 parentheses and nots around one another");
    levels_[depth_++] = {pending, exits_, token().at};
    return Status::ok;
  }

  bool is_pending(Pending pending) const { return depth_ > 0 && levels_[depth_ - 1].pending == pending; }

  // Behind a test or a parenthesis: takes what follows up to where the next test begins.
  Status close(bool& is_done) {
    for (;;) {
      invert();
      if (took_word("and")) return connect(Pending::both);
      if (took_word("or")) return connect(Pending::either);
      reduce(Pending::either);
      if (token().kind == TokenKind::end) return end(is_done);
      if (!token().is(")")) {
        return refuse_word("`and`, `or` or the end is to come here", kConnections, hint_of_sign());
      }
      if (!is_pending(Pending::parenthesis)) return refuse("no parenthesis is open");
      --depth_;
      take();
    }
  }

  Status end(bool& is_done) {
    is_done = depth_ == 0;
    if (is_done) return Status::ok;
    trouble_ = {levels_[depth_ - 1].at + 1, "this parenthesis is never closed", "(", {}, {}};
    return Status::invalid;
  }

  void invert() {
    for (; is_pending(Pending::inversion); --depth_) exits_ = {exits_.no, exits_.yes};
  }

  // `and` binds stronger than `or`.
  Status connect(Pending pending) {
    reduce(pending);
    const bool is_both = pending == Pending::both;
    settle(is_both ? exits_.yes : exits_.no, size_);
    (is_both ? exits_.yes : exits_.no) = 0;
    return push(pending);
  }

  void reduce(Pending through) {
    if (is_pending(Pending::both)) exits_.no = joined(levels_[--depth_].exits.no, exits_.no);
    if (through == Pending::either && is_pending(Pending::either)) {
      exits_.yes = joined(levels_[--depth_].exits.yes, exits_.yes);
    }
  }

  std::size_t jump_at(std::size_t at) const { return static_cast<std::size_t>(load_le<2>(room_.data() + at)); }
  void set_jump(std::size_t at, std::size_t to) { store_le<2>(to, room_.data() + at); }

  void settle(std::size_t head, std::size_t to) {
    while (head != 0) {
      const std::size_t next = jump_at(head);
      set_jump(head, to);
      head = next;
    }
  }

  std::size_t joined(std::size_t first, std::size_t second) {
    if (first == 0) return second;
    std::size_t last = first;
    while (jump_at(last) != 0) last = jump_at(last);
    set_jump(last, second);
    return first;
  }

  // ---- one test

  Status test() {
    if (++tests_ > Predicate::kTestsMax) return refuse_as(Status::too_large, "more than 64 tests");
    start_ = size_;
    constexpr std::uint8_t kHead[Step::kHeadBytes] = {};
    GRID_TRY(put(kHead));
    GRID_TRY(subject());
    const std::size_t operand = size_;
    const bool is_negated = took_word("not");
    Test test = Test::equal;
    bool is_opposite = false;
    GRID_TRY(comparison(test, is_opposite));
    if (is_negated && !is_worded_) return refuse_as(Status::invalid, "`not` stands before words only; write != for =");
    finish(test, operand, is_negated != is_opposite);
    return Status::ok;
  }

  void finish(Test test, std::size_t operand, bool is_opposite) {
    std::uint8_t* head = room_.data() + start_;
    head[0] = static_cast<std::uint8_t>(test);
    store_le<2>(size_ - start_, head + 2);
    store_le<2>(0, head + 4);
    store_le<2>(0, head + 6);
    store_le<2>(operand - start_, head + 8);
    exits_ = is_opposite ? Exits{start_ + 6, start_ + 4} : Exits{start_ + 4, start_ + 6};
  }

  // A place in the row, or a parameter.
  Status subject() {
    const Token& token = this->token();
    if (token.kind == TokenKind::parameter && token.text != "key" && token.text != "value") {
      GRID_TRY(put_byte(static_cast<std::uint8_t>(Root::literal)));
      return literal();
    }
    const bool is_literal = token.kind == TokenKind::number || token.kind == TokenKind::text;
    if (is_literal) return refuse("a test begins with a field", "the field comes first: age > 18");
    if (token.is_word("exists")) return refuse("a test begins with a field", "write: name exists");
    return put_path();
  }

  // What is tested, and the operand behind it.
  Status comparison(Test& test, bool& is_opposite) {
    is_worded_ = token().kind == TokenKind::name;
    return is_worded_ ? word(test, is_opposite) : sign(test, is_opposite);
  }

  Status sign(Test& test, bool& is_opposite) {
    constexpr struct {
      std::string_view sign;
      Test test;
      bool is_opposite;
    } kSigns[] = {{"=", Test::equal, false},    {"!=", Test::equal, true},   {"<", Test::less, false},
                  {"<=", Test::at_most, false}, {">", Test::greater, false}, {">=", Test::at_least, false}};
    for (const auto& known : kSigns) {
      if (!took_mark(known.sign)) continue;
      test = known.test;
      is_opposite = known.is_opposite;
      if (!token().is_word("null")) return literal();
      if (test != Test::equal) return refuse("null has no order", "write: is null, or: is not null");
      take();
      test = Test::is_null;
      return Status::ok;
    }
    const bool is_end = token().kind == TokenKind::end;
    return refuse("a comparison is to come behind the field", is_end ? "write: active = true" : hint_of_sign());
  }

  Status word(Test& test, bool& is_opposite) {
    if (took_word("in")) return test = Test::in, list();
    if (took_word("between")) return test = Test::between, bounds();
    if (took_word("like")) return test = Test::like, text_literal();
    if (took_word("contains")) return test = Test::contains, literal();
    if (took_word("exists")) return test = Test::exists, Status::ok;
    if (took_word("starts")) {
      if (!took_word("with")) return refuse("`with` is to come behind `starts`");
      return test = Test::starts_with, text_literal();
    }
    if (took_word("is")) {
      is_opposite = took_word("not");
      test = Test::is_null;
      return took_word("null") ? Status::ok : refuse("`null` is to come behind `is`", "write = for anything else");
    }
    return refuse_word("a comparison is to come behind the field", kComparisons, hint_of_sign());
  }

  std::string_view hint_of_sign() const {
    const std::string_view text = token().text;
    if (text == "==") return "write =";
    if (text == "<>" || text == "!") return "write !=, or not";
    if (text == "=>") return "write >=";
    if (text == "=<") return "write <=";
    if (text == "&&" || text == "&") return "write and";
    if (text == "||" || text == "|") return "write or";
    if (token().kind == TokenKind::wrong && !text.empty() && text[0] == '\'') return "the quote is never closed";
    return {};
  }

  // ---- operands

  // Everything behind size_ is room for what writes a value.
  template <typename Write>
  Status value(Write write) {
    crdt::ValueWriter writer(room_.subspan(size_));
    GRID_TRY(write(writer));
    const Result<Bytes> written = writer.finish();
    if (written.ok() && size_ + written->size() <= Predicate::kProgramBytesMax) {
      size_ += written->size();
      return Status::ok;
    }
    return refuse_as(
        written.status() == Status::invalid ? Status::invalid : Status::full,
        written.status() == Status::invalid ? "the text is not UTF-8" : "there is no room for so long a text");
  }

  Status literal() {
    return value([this](crdt::ValueWriter& writer) { return write_literal(writer); });
  }

  Status text_literal() {
    const bool is_parameter = token().kind == TokenKind::parameter;
    if (is_parameter && !has_text_parameter()) return refuse("a parameter that is text is to come here");
    if (!is_parameter && token().kind != TokenKind::text) return refuse("text is to come here", "in quotes: 'Oslo'");
    return literal();
  }

  bool has_text_parameter() {
    const Parameter* parameter = find_parameter();
    return parameter != nullptr && parameter->value.kind() == ValueKind::text;
  }

  Status bounds() {
    return value([this](crdt::ValueWriter& writer) {
      writer.begin_list();
      GRID_TRY(write_literal(writer));
      if (!took_word("and")) return refuse("`and` is to come between the bounds");
      GRID_TRY(write_literal(writer));
      writer.end_list();
      return Status::ok;
    });
  }

  Status list() {
    if (token().kind == TokenKind::parameter) {
      const Parameter* parameter = find_parameter();
      const bool is_list = parameter != nullptr && parameter->value.kind() == ValueKind::list;
      return is_list ? literal() : refuse("a parameter that is a list is to come here");
    }
    if (!took_mark("(")) return refuse("a list is to come here", "write: in ('a', 'b')");
    return value([this](crdt::ValueWriter& writer) {
      writer.begin_list();
      do {
        GRID_TRY(write_literal(writer));
      } while (took_mark(","));
      if (!took_mark(")")) return refuse("`,` or `)` is to come here");
      writer.end_list();
      return Status::ok;
    });
  }

  const Parameter* find_parameter() const {
    for (const Parameter& parameter : parameters_) {
      if (parameter.name == token().text) return &parameter;
    }
    return nullptr;
  }

  // Takes one literal.
  Status write_literal(crdt::ValueWriter& writer) {
    switch (token().kind) {
      case TokenKind::text:
        GRID_TRY(write_text(writer, ValueKind::text));
        break;
      case TokenKind::number:
        GRID_TRY(write_number(writer));
        break;
      case TokenKind::parameter:
        GRID_TRY(write_parameter(writer));
        break;
      case TokenKind::name:
        GRID_TRY(write_word(writer));
        break;
      default:
        return refuse("a value is to come here", hint_of_sign());
    }
    take();
    return Status::ok;
  }

  Status write_text(crdt::ValueWriter& writer, ValueKind kind) {
    std::uint8_t room[kLiteralBytesMax];
    const Result<std::string_view> text = unquoted(token().text, '\'', room);
    if (!text.ok()) return refuse_as(Status::too_large, "text with doubled quotes is longer than 256 bytes");
    if (!crdt::is_utf8(*text)) return refuse_as(Status::invalid, "the text is not UTF-8");
    kind == ValueKind::ref ? writer.ref(*text) : writer.text(*text);
    return Status::ok;
  }

  Status write_number(crdt::ValueWriter& writer) {
    const Result<Number> number = parse_number(token().text);
    if (!number.ok()) {
      return number.status() == Status::too_large ? refuse("the number is beyond 64 bits, or has more than 19 digits")
                                                  : refuse("this is no number", "text stands in quotes: '12a'");
    }
    number->is_integer ? writer.integer(number->integer) : writer.number(number->number);
    return Status::ok;
  }

  Status write_parameter(crdt::ValueWriter& writer) {
    const Parameter* parameter = find_parameter();
    if (parameter == nullptr) return refuse_parameter();
    const bool is_null = !parameter->value.exists() || parameter->value.kind() == ValueKind::null;
    if (is_null) return refuse("a parameter is null, and a comparison with it would mean nothing");
    writer.copy_of(parameter->value);
    return Status::ok;
  }

  Status refuse_parameter() {
    if (token().text == "key" || token().text == "value") {
      return refuse("a value is to come here", "$key and $value stand before the comparison");
    }
    const Status status = refuse("there is no such parameter");
    for (const Parameter& parameter : parameters_) {
      if (!nearest(token().text, {&parameter.name, 1}).empty()) trouble_.did_you_mean = parameter.name;
    }
    return status;
  }

  // A word that is a value, or says of which type the text behind it is.
  Status write_word(crdt::ValueWriter& writer) {
    if (token().is_word("true")) return writer.boolean(true), Status::ok;
    if (token().is_word("false")) return writer.boolean(false), Status::ok;
    if (token().is_word("null")) return refuse("null compares with nothing", "write: is null");
    const Token type = token();
    const bool is_type = type.is_word("timestamp") || type.is_word("ref") || type.is_word("bytes");
    if (!is_type) return refuse_word("a value is to come here", kTyped, "text stands in quotes: 'Oslo'");
    take();
    if (token().kind != TokenKind::text) return refuse("text is to come behind the type", "write: ref 'bench/3'");
    if (type.is_word("ref")) return write_text(writer, ValueKind::ref);
    return type.is_word("bytes") ? write_bytes(writer) : write_timestamp(writer);
  }

  Status write_bytes(crdt::ValueWriter& writer) {
    std::uint8_t room[kLiteralBytesMax];
    const Result<Bytes> bytes = parse_hex(token().text, room);
    if (!bytes.ok()) return refuse("bytes are up to 256 pairs of hex digits", "write: bytes '00ff'");
    writer.bytes(*bytes);
    return Status::ok;
  }

  Status write_timestamp(crdt::ValueWriter& writer) {
    const Result<std::int64_t> ms = parse_timestamp(token().text);
    if (!ms.ok()) return refuse("this is no moment", "write: timestamp '2026-11-21T02:01:00Z'");
    writer.timestamp(*ms);
    return Status::ok;
  }

  std::span<const Parameter> parameters_;
  std::size_t tests_ = 0;
  std::size_t start_ = 0;   // Of the test that is being written.
  bool is_worded_ = false;  // Its comparison is a word.
  Exits exits_;             // Of what was read last.
  std::size_t depth_ = 0;
  Level levels_[kDepthMax] = {};
};

class PathCompiler : public Parser {
 public:
  using Parser::Parser;
  Result<Path> run() {
    GRID_TRY(put_path());
    if (token().kind != TokenKind::end) return refuse("the path is to end here");
    return Path(room_.first(size_));
  }
};

}  // namespace

Result<Predicate> compile(std::string_view text, std::span<const Parameter> parameters, MutBytes room,
                          Trouble& trouble) {
  return Compiler(text, parameters, room, trouble).run();
}

Result<Path> compile_path(std::string_view text, MutBytes room, Trouble& trouble) {
  return PathCompiler(text, room, trouble).run();
}

}  // namespace grid::query
