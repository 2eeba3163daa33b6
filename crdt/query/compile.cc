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

// What stands behind a comparison.
enum class Operand : std::uint8_t { value, value_or_null, text, text_behind_with, list, bounds, none, null };

constexpr struct {
  Word word;
  Test test;
  bool is_opposite;
  Operand operand;
} kComparisons[] = {{Word::equal, Test::equal, false, Operand::value_or_null},
                    {Word::unequal, Test::equal, true, Operand::value_or_null},
                    {Word::less, Test::less, false, Operand::value},
                    {Word::at_most, Test::at_most, false, Operand::value},
                    {Word::greater, Test::greater, false, Operand::value},
                    {Word::at_least, Test::at_least, false, Operand::value},
                    {Word::in, Test::in, false, Operand::list},
                    {Word::between, Test::between, false, Operand::bounds},
                    {Word::like, Test::like, false, Operand::text},
                    {Word::starts, Test::starts_with, false, Operand::text_behind_with},
                    {Word::contains, Test::contains, false, Operand::value},
                    {Word::exists, Test::exists, false, Operand::none},
                    {Word::is, Test::is_null, false, Operand::null}};

class Compiler : public Parser {
 public:
  Compiler(std::string_view text, std::span<const Parameter> parameters, MutBytes room, Trouble& trouble)
      : Parser(text, room, trouble), parameters_(parameters) {
    trouble.parameters = parameters;
  }

  Result<Predicate> run() {
    if (is_end()) return Predicate();
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
      if (token().word == Word::inverse) {
        GRID_TRY(push(Pending::inversion));
      } else if (token().word == Word::open) {
        GRID_TRY(push(Pending::parenthesis));
      } else {
        return Status::ok;
      }
      take();
    }
  }

  Status push(Pending pending) {
    if (depth_ == kDepthMax) return refuse(Complaint::too_deep, Status::too_large);
    levels_[depth_++] = {pending, exits_, token().at};
    return Status::ok;
  }

  bool is_pending(Pending pending) const { return depth_ > 0 && levels_[depth_ - 1].pending == pending; }

  // Behind a test or a parenthesis: takes what follows up to where the next test begins.
  Status close(bool& is_done) {
    for (;;) {
      invert();
      if (took(Word::both)) return connect(Pending::both);
      if (took(Word::either)) return connect(Pending::either);
      reduce(Pending::either);
      if (is_end()) return end(is_done);
      if (token().word != Word::close) return refuse(Complaint::connection_expected);
      if (!is_pending(Pending::parenthesis)) return refuse(Complaint::parenthesis_unopened);
      --depth_;
      take();
    }
  }

  Status end(bool& is_done) {
    is_done = depth_ == 0;
    if (is_done) return Status::ok;
    const Status status = refuse(Complaint::parenthesis_unclosed);
    trouble_.column = levels_[depth_ - 1].at + 1;
    return status;
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
    if (++tests_ > Predicate::kTestsMax) return refuse(Complaint::too_many_tests, Status::too_large);
    start_ = size_;
    constexpr std::uint8_t kHead[Step::kHeadBytes] = {};
    GRID_TRY(put(kHead));
    GRID_TRY(subject());
    const std::size_t operand = size_;
    const bool is_negated = took(Word::inverse);
    if (is_negated && token().kind == TokenKind::mark) return refuse(Complaint::not_misplaced);
    Test test = Test::equal;
    bool is_opposite = is_negated;
    GRID_TRY(comparison(test, is_opposite));
    finish(test, operand, is_opposite);
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
    return is_literal || token.word == Word::exists ? refuse(Complaint::field_expected) : put_path();
  }

  // What is tested, and the operand behind it.
  Status comparison(Test& test, bool& is_opposite) {
    for (const auto& known : kComparisons) {
      if (!took(known.word)) continue;
      test = known.test;
      is_opposite = is_opposite != known.is_opposite;
      return operand(known.operand, test, is_opposite);
    }
    return refuse(Complaint::comparison_expected);
  }

  Status operand(Operand operand, Test& test, bool& is_opposite) {
    switch (operand) {
      case Operand::value_or_null:
        if (!took(Word::null)) return literal();
        test = Test::is_null;
        return Status::ok;
      case Operand::value:
        return token().word == Word::null ? refuse(Complaint::null_without_order) : literal();
      case Operand::text_behind_with:
        if (!took(Word::with)) return refuse(Complaint::with_expected);
        return text_literal();
      case Operand::text:
        return text_literal();
      case Operand::list:
        return list();
      case Operand::bounds:
        return bounds();
      case Operand::null:
        if (took(Word::inverse)) is_opposite = !is_opposite;
        return took(Word::null) ? Status::ok : refuse(Complaint::null_expected);
      case Operand::none:
        break;
    }
    return Status::ok;
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
    if (written.status() == Status::invalid) return refuse(Complaint::text_not_utf8);
    return refuse(Complaint::no_room, Status::full);
  }

  Status literal() {
    return value([this](crdt::ValueWriter& writer) { return write_literal(writer); });
  }

  Status text_literal() {
    const Parameter* parameter = find_parameter();
    const bool is_text =
        token().kind == TokenKind::text || (parameter != nullptr && parameter->value.kind() == ValueKind::text);
    return is_text ? literal() : refuse(Complaint::text_expected);
  }

  Status bounds() {
    return value([this](crdt::ValueWriter& writer) {
      writer.begin_list();
      GRID_TRY(write_literal(writer));
      if (!took(Word::both)) return refuse(Complaint::bounds_expected);
      GRID_TRY(write_literal(writer));
      writer.end_list();
      return Status::ok;
    });
  }

  Status list() {
    const Parameter* parameter = find_parameter();
    if (parameter != nullptr && parameter->value.kind() == ValueKind::list) return literal();
    if (!took(Word::open)) return refuse(Complaint::list_expected);
    return value([this](crdt::ValueWriter& writer) {
      writer.begin_list();
      do {
        GRID_TRY(write_literal(writer));
      } while (took(Word::comma));
      if (!took(Word::close)) return refuse(Complaint::list_goes_on);
      writer.end_list();
      return Status::ok;
    });
  }

  // Nothing where the token is none.
  const Parameter* find_parameter() const {
    if (token().kind != TokenKind::parameter) return nullptr;
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
        return refuse(Complaint::value_expected);
    }
    take();
    return Status::ok;
  }

  Status write_text(crdt::ValueWriter& writer, ValueKind kind) {
    std::uint8_t room[kLiteralBytesMax];
    const Result<std::string_view> text = unquoted(token().text, '\'', room);
    if (!text.ok()) return refuse(Complaint::text_too_long, Status::too_large);
    if (!crdt::is_utf8(*text)) return refuse(Complaint::text_not_utf8);
    kind == ValueKind::ref ? writer.ref(*text) : writer.text(*text);
    return Status::ok;
  }

  Status write_number(crdt::ValueWriter& writer) {
    const Result<Number> number = parse_number(token().text);
    if (!number.ok()) {
      return refuse(number.status() == Status::too_large ? Complaint::number_beyond : Complaint::number_wrong);
    }
    number->is_integer ? writer.integer(number->integer) : writer.number(number->number);
    return Status::ok;
  }

  Status write_parameter(crdt::ValueWriter& writer) {
    const Parameter* parameter = find_parameter();
    if (parameter == nullptr) return refuse_parameter();
    const bool is_null = !parameter->value.exists() || parameter->value.kind() == ValueKind::null;
    if (is_null) return refuse(Complaint::parameter_null);
    writer.copy_of(parameter->value);
    return Status::ok;
  }

  Status refuse_parameter() {
    const bool is_place = token().text == "key" || token().text == "value";
    return refuse(is_place ? Complaint::place_as_value : Complaint::parameter_unknown);
  }

  // A word that is a value, or says of which type the text behind it is.
  Status write_word(crdt::ValueWriter& writer) {
    const Word word = token().word;
    if (word == Word::yes || word == Word::no) return writer.boolean(word == Word::yes), Status::ok;
    if (word == Word::null) return refuse(Complaint::null_as_value);
    if (word != Word::timestamp && word != Word::ref && word != Word::bytes) return refuse(Complaint::value_expected);
    take();
    if (token().kind != TokenKind::text) return refuse(Complaint::typed_text_expected);
    if (word == Word::ref) return write_text(writer, ValueKind::ref);
    return word == Word::bytes ? write_bytes(writer) : write_timestamp(writer);
  }

  Status write_bytes(crdt::ValueWriter& writer) {
    std::uint8_t room[kLiteralBytesMax];
    const Result<Bytes> bytes = parse_hex(token().text, room);
    if (!bytes.ok()) return refuse(Complaint::bytes_wrong);
    writer.bytes(*bytes);
    return Status::ok;
  }

  Status write_timestamp(crdt::ValueWriter& writer) {
    const Result<std::int64_t> ms = parse_timestamp(token().text);
    if (!ms.ok()) return refuse(Complaint::timestamp_wrong);
    writer.timestamp(*ms);
    return Status::ok;
  }

  std::span<const Parameter> parameters_;
  std::size_t tests_ = 0;
  std::size_t start_ = 0;  // Of the test that is being written.
  Exits exits_;            // Of what was read last.
  std::size_t depth_ = 0;
  Level levels_[kDepthMax] = {};
};

class PathCompiler : public Parser {
 public:
  using Parser::Parser;
  Result<Path> run() {
    GRID_TRY(put_path());
    if (!is_end()) return refuse(Complaint::path_goes_on);
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
