// SPDX-License-Identifier: Apache-2.0

#include "crdt/datalog/builder.h"

#include <charconv>
#include <cmath>
#include <cstring>

#include "crdt/datalog/calls.h"
#include "crdt/datalog/number_text.h"

namespace grid::datalog {
namespace {

constexpr std::string_view kFind = ":find";

// Whether it is one word of EDN whatever stands around it.
bool is_word(std::string_view name) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  for (const char c : name) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!is_plain && std::string_view("?*!-_./<>=+").find(c) == std::string_view::npos) return false;
  }
  return true;
}

}  // namespace

void QueryBuilder::refuse(Status status) {
  if (status_ == Status::ok) status_ = status;
}

void QueryBuilder::put(std::string_view text) {
  if (text.size() > room_.size() - size_) return refuse(Status::full);
  if (!text.empty()) std::memcpy(room_.data() + size_, text.data(), text.size());
  size_ += text.size();
}

void QueryBuilder::put_number(std::uint64_t number) {
  char digits[20];
  const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), number);
  put({digits, static_cast<std::size_t>(end - digits)});
}

void QueryBuilder::put_text(std::string_view text) {
  put("\"");
  for (const char c : text) {
    if (c == '"' || c == '\\') put("\\");
    put({&c, 1});
  }
  put("\"");
}

void QueryBuilder::put_name(std::string_view name) { is_word(name) ? put(name) : refuse(Status::invalid); }

void QueryBuilder::put_var(Var var) {
  if (!var.name.starts_with('?')) return refuse(Status::invalid);
  put_name(var.name);
}

void QueryBuilder::put_part(const Part& part) {
  char digits[kNumberTextMax];
  switch (part.kind_) {
    case Part::Kind::blank:
      return put("_");
    case Part::Kind::variable:
      return put_var({part.text_});
    case Part::Kind::text:
      return put_text(part.text_);
    case Part::Kind::boolean:
      return put(part.integer_ != 0 ? "true" : "false");
    case Part::Kind::integer: {
      const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), part.integer_);
      return put({digits, static_cast<std::size_t>(end - digits)});
    }
    case Part::Kind::number:
      break;
  }
  if (!std::isfinite(part.number_)) return refuse(Status::invalid);
  const std::string_view text = text_of_number(part.number_, digits);
  put(text);
  if (text.find_first_of(".e") == std::string_view::npos) put(".0");
}

void QueryBuilder::close_section() {
  if (section_ != kFind || shape_ == Shape::relation) return;
  put(shape_ == Shape::scalar ? " ." : shape_ == Shape::tuple ? "]" : " ...]");
}

// A part of a query begins with its word; the brackets of :find are written as its shape has them.
void QueryBuilder::open_section(std::string_view name) {
  if (section_ == name) return put(" ");
  close_section();
  if (!section_.empty()) put(" ");
  put(name);
  put(" ");
  section_ = name;
  if (name == kFind && (shape_ == Shape::tuple || shape_ == Shape::collection)) put("[");
}

QueryBuilder& QueryBuilder::shape(Shape shape) {
  if (section_ == kFind) refuse(Status::invalid);
  shape_ = shape;
  return *this;
}

QueryBuilder& QueryBuilder::find(Var var) {
  open_section(kFind);
  put_var(var);
  return *this;
}

void QueryBuilder::put_aggregate(Aggregate aggregate, Var var, std::uint32_t amount) {
  put("(");
  for (const AggregateName& one : aggregate_names()) {
    if (one.aggregate == aggregate) put(one.name);
  }
  put(" ");
  if (amount > 0) {
    put_number(amount);
    put(" ");
  }
  put_var(var);
  put(")");
}

QueryBuilder& QueryBuilder::find(Aggregate aggregate, Var var, std::uint32_t amount) {
  open_section(kFind);
  put_aggregate(aggregate, var, amount);
  return *this;
}

QueryBuilder& QueryBuilder::pull(Var entity, std::string_view pattern) {
  open_section(kFind);
  put("(pull ");
  put_var(entity);
  put(" ");
  put(pattern);
  put(")");
  return *this;
}

QueryBuilder& QueryBuilder::with(Var var) {
  open_section(":with");
  put_var(var);
  return *this;
}

QueryBuilder& QueryBuilder::in(Var var) {
  open_section(":in");
  put_var(var);
  return *this;
}

QueryBuilder& QueryBuilder::in_each(Var var) {
  open_section(":in");
  put("[");
  put_var(var);
  put(" ...]");
  return *this;
}

QueryBuilder& QueryBuilder::in_each(std::initializer_list<Var> vars) {
  open_section(":in");
  put("[[");
  for (const Var var : vars) {
    put(" ");
    put_var(var);
  }
  put("]]");
  return *this;
}

QueryBuilder& QueryBuilder::rules() {
  open_section(":in");
  put("%");
  return *this;
}

QueryBuilder& QueryBuilder::where(Part entity, Part attribute, Part value) {
  open_section(":where");
  put("[");
  put_part(entity);
  put(" ");
  put_part(attribute);
  put(" ");
  put_part(value);
  put("]");
  return *this;
}

void QueryBuilder::put_call(Call call, std::initializer_list<Part> arguments) {
  open_section(":where");
  put("[(");
  put(name_of(call));
  for (const Part& part : arguments) {
    put(" ");
    put_part(part);
  }
  put(")");
}

QueryBuilder& QueryBuilder::test(Call call, std::initializer_list<Part> arguments) {
  put_call(call, arguments);
  put("]");
  return *this;
}

QueryBuilder& QueryBuilder::let(Var var, Call call, std::initializer_list<Part> arguments) {
  put_call(call, arguments);
  put(" ");
  put_var(var);
  put("]");
  return *this;
}

QueryBuilder& QueryBuilder::rule(std::string_view name, std::initializer_list<Part> arguments) {
  open_section(":where");
  put("(");
  put_name(name);
  for (const Part& part : arguments) {
    put(" ");
    put_part(part);
  }
  put(")");
  return *this;
}

QueryBuilder& QueryBuilder::begin(std::string_view word) {
  open_section(":where");
  put(word);
  ++depth_;
  return *this;
}

QueryBuilder& QueryBuilder::begin(std::string_view word, std::initializer_list<Var> joins) {
  begin(word);
  put(" [");
  for (const Var var : joins) {
    put(" ");
    put_var(var);
  }
  put("]");
  return *this;
}

QueryBuilder& QueryBuilder::end() {
  if (depth_ == 0) refuse(Status::invalid);
  depth_ -= depth_ > 0 ? 1 : 0;
  put(")");
  return *this;
}

QueryBuilder& QueryBuilder::order_by(Var var, bool is_descending) {
  open_section(":order-by");
  put_var(var);
  if (is_descending) put(" :desc");
  return *this;
}

QueryBuilder& QueryBuilder::order_by(Aggregate aggregate, Var var, bool is_descending) {
  open_section(":order-by");
  put_aggregate(aggregate, var, 0);
  if (is_descending) put(" :desc");
  return *this;
}

QueryBuilder& QueryBuilder::limit(std::uint64_t count) {
  open_section(":limit");
  put_number(count);
  return *this;
}

QueryBuilder& QueryBuilder::offset(std::uint64_t count) {
  open_section(":offset");
  put_number(count);
  return *this;
}

Result<std::string_view> QueryBuilder::text() {
  if (!is_done_) {
    close_section();
    put("]");
    is_done_ = true;
  }
  if (depth_ > 0) refuse(Status::invalid);
  if (status_ != Status::ok) return status_;
  return std::string_view(room_.data(), size_);
}

Result<Query> QueryBuilder::parse(Arena& arena, Trouble& trouble, std::string_view rules) {
  trouble = {};
  const Result<std::string_view> written = text();
  if (!written.ok()) return written.status();
  return datalog::parse(*written, rules, arena, trouble);
}

}  // namespace grid::datalog
