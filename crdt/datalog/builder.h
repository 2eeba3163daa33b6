// SPDX-License-Identifier: Apache-2.0
//
// QueryBuilder: a question put together in C++. It writes the question's text, so that it means what that text means.
//
// Place     Beside parse.h. Links the reader.
// Promises  Values are quoted: no text, whatever is in it, is read as anything else.
// Ownership The text stands in memory that the caller lends. What parse() returns lies in the arena.
//
//     QueryBuilder ask(room);
//     ask.find(var("?name")).where(var("?p"), "age", var("?age")).test(Call::at_least, {var("?age"), 18})
//         .where(var("?p"), "name", var("?name"));
//     Result<Query> query = ask.parse(arena, trouble);
//
// Parts come in groups: all of find, then all of with, and so on, in any order of the groups. What can't be written
// here as a constant (dates, bytes, lists) comes as an input.
#pragma once

#include <initializer_list>
#include <span>
#include <string_view>

#include "crdt/datalog/parse.h"
#include "crdt/datalog/parts.h"

namespace grid::datalog {

class QueryBuilder {
 public:
  explicit QueryBuilder(std::span<char> room) : room_(room) { put("["); }

  QueryBuilder& find(Var var);
  QueryBuilder& find(Aggregate aggregate, Var var, std::uint32_t amount = 0);
  QueryBuilder& pull(Var entity, std::string_view pattern);  // The pattern as its text: "[:name {:friend [:name]}]".
  QueryBuilder& shape(Shape shape);                          // Before find, where it is no relation.
  QueryBuilder& with(Var var);

  QueryBuilder& in(Var var);
  QueryBuilder& in_each(Var var);                          // Of a list.
  QueryBuilder& in_each(std::initializer_list<Var> vars);  // Of a list of lists.
  QueryBuilder& rules();                                   // Whose text parse() is given.

  // At the top level, or inside of what was begun last.
  QueryBuilder& where(Part entity, Part attribute, Part value = any);
  QueryBuilder& test(Call call, std::initializer_list<Part> arguments);
  QueryBuilder& let(Var var, Call call, std::initializer_list<Part> arguments);
  QueryBuilder& rule(std::string_view name, std::initializer_list<Part> arguments);
  QueryBuilder& begin_not() { return begin("(not"); }
  QueryBuilder& begin_not(std::initializer_list<Var> joins) { return begin("(not-join", joins); }
  QueryBuilder& begin_or() { return begin("(or"); }
  QueryBuilder& begin_or(std::initializer_list<Var> joins) { return begin("(or-join", joins); }
  QueryBuilder& begin_and() { return begin("(and"); }  // A branch of `or` that has several clauses.
  QueryBuilder& end();

  QueryBuilder& order_by(Var var, bool is_descending = false);
  QueryBuilder& order_by(Aggregate aggregate, Var var, bool is_descending = false);
  QueryBuilder& limit(std::uint64_t count);
  QueryBuilder& offset(std::uint64_t count);

  // The text of the whole question.
  //   full     The room is too small.
  //   invalid  The name of a variable or a rule is none, a number is not finite, or a shape came too late.
  Result<std::string_view> text();
  // As parse(). Where text() fails, the trouble is empty.
  Result<Query> parse(Arena& arena, Trouble& trouble, std::string_view rules = {});

 private:
  void put(std::string_view text);
  void put_number(std::uint64_t number);
  void put_part(const Part& part);
  void put_text(std::string_view text);
  void put_name(std::string_view name);
  void put_var(Var var);
  void put_call(Call call, std::initializer_list<Part> arguments);
  void put_aggregate(Aggregate aggregate, Var var, std::uint32_t amount);
  void open_section(std::string_view name);
  void close_section();
  QueryBuilder& begin(std::string_view word);
  QueryBuilder& begin(std::string_view word, std::initializer_list<Var> joins);
  void refuse(Status status);

  std::span<char> room_;
  std::size_t size_ = 0;
  std::size_t depth_ = 0;
  std::string_view section_;
  Shape shape_ = Shape::relation;
  bool is_done_ = false;
  Status status_ = Status::ok;
};

}  // namespace grid::datalog
