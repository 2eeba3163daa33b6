// SPDX-License-Identifier: Apache-2.0
//
// What the tests of Datalog's text share: a question with the memory that it stands in, and a question written down as
// the reader understood it.
//
// A variable is shown as its name and its number: ?e0. What `not` and `or` join stands behind @, what must be bound
// before it ahead of a bar.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "crdt/datalog/calls.h"
#include "crdt/datalog/parse.h"
#include "tests/check.h"
#include "transport/json/value_json.h"

namespace grid::test {

class Reading {
 public:
  explicit Reading(std::string_view text, std::string_view rules = {}, std::size_t bytes = 1 << 20) : room_(bytes) {
    Arena arena(room_);
    const Result<datalog::Query> query = datalog::parse(text, rules, arena, trouble_);
    status_ = query.status();
    if (query.ok()) query_ = *query;
  }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;

  Status status() const { return status_; }
  const datalog::Query& query() const { return query_; }
  std::string sentence() const {
    char room[400];
    return std::string(trouble_.sentence(room));
  }

 private:
  std::vector<std::uint8_t> room_;
  datalog::Trouble trouble_;
  Status status_ = Status::ok;
  datalog::Query query_;
};

class Shown {
 public:
  explicit Shown(const datalog::Query& query) : query_(query) {}

  std::string all() {
    static constexpr const char* kShapes[] = {"", "...", "[]", "."};
    say("find", kShapes[static_cast<int>(query_.shape)]);
    for (const datalog::Find& one : query_.find) find(one);
    if (!query_.with.empty()) say(" with");
    for (const datalog::Variable one : query_.with) say(" ", name(one));
    if (!query_.in.empty()) say(" in");
    for (const datalog::Binding& one : query_.in) say(" ", binding(one));
    if (query_.rules_at >= 0) say(" rules-at ", std::to_string(query_.rules_at));
    if (!query_.where.empty()) say(" where", clauses(query_.where));
    for (const datalog::Order& one : query_.order) {
      say(one.is_descending ? " desc " : " asc ", std::to_string(one.find));
    }
    if (query_.limit != UINT64_MAX) say(" limit ", std::to_string(query_.limit));
    if (query_.offset != 0) say(" offset ", std::to_string(query_.offset));
    for (const datalog::Rule& one : query_.rules) rule(one);
    return text_;
  }

  static std::string pull(const datalog::Pull& pull) {
    std::string text = pull.is_wild ? "[*" : pull.with_id ? "[id" : "[";
    for (const datalog::PullItem& item : pull.items) {
      if (text.size() > 1) text += ' ';
      text += (item.is_reverse ? "<" : "") + std::string(item.attribute);
      if (item.key != item.attribute) text += ">" + std::string(item.key);
      if (item.limit != datalog::PullItem::kLimit) text += " limit " + std::to_string(item.limit);
      if (item.otherwise.exists()) text += " else " + json::json_from_value(item.otherwise);
      if (item.again != 0) {
        text += " again ";
        text += item.again == datalog::PullItem::kForever ? "..." : std::to_string(item.again);
      }
      if (item.nested != nullptr) text += " " + Shown::pull(*item.nested);
    }
    return text + "]";
  }

 private:
  void say(std::string_view a, std::string_view b = {}) { text_.append(a).append(b); }
  std::string name(datalog::Variable variable) const {
    return std::string(query_.variables[variable]) + std::to_string(variable);
  }
  std::string term(const datalog::Term& term) const {
    if (term.kind == datalog::Term::Kind::blank) return "_";
    return term.kind == datalog::Term::Kind::variable ? name(term.variable) : json::json_from_value(term.constant);
  }
  std::string binding(const datalog::Binding& one) const {
    if (one.kind == datalog::Binding::Kind::blank) return "_";
    if (one.kind == datalog::Binding::Kind::scalar) return name(one.variable);
    std::string text = "[";
    for (const datalog::Binding& part : one.parts) text += (text.size() > 1 ? " " : "") + binding(part);
    return text + (one.kind == datalog::Binding::Kind::collection ? " ...]" : "]");
  }
  void find(const datalog::Find& one) {
    const auto* names = datalog::aggregate_names().data();
    say(" ");
    if (one.aggregate != datalog::Aggregate::none) {
      say(names[static_cast<std::size_t>(one.aggregate) - 1].name, one.amount > 0 ? std::to_string(one.amount) : "");
      say("(", name(one.variable) + ")");
    } else {
      say(name(one.variable));
    }
    if (one.pull != nullptr) say(pull(*one.pull));
  }
  std::string clauses(datalog::Clauses all) const {
    std::string text;
    for (const datalog::Clause& one : all) text += " " + clause(one);
    return text;
  }
  std::string clause(const datalog::Clause& one) const {
    using Kind = datalog::Clause::Kind;
    std::string text = one.kind == Kind::pattern ? "[" : "(";
    if (one.kind == Kind::predicate || one.kind == Kind::function) text += datalog::name_of(one.call);
    if (one.kind == Kind::rule) text += query_.rules[one.rule].name;
    if (one.kind == Kind::negation) text += "not";
    if (one.kind == Kind::disjunction) text += "or";
    for (const datalog::Term& each : one.terms) text += (text.size() > 1 ? " " : "") + term(each);
    if (!one.branches.empty()) {
      text += " @";
      for (std::size_t i = 0; i < one.joins.size(); ++i) {
        if (i == one.required && i > 0) text += "|";
        text += name(one.joins[i]);
      }
    }
    for (std::size_t i = 0; i < one.branches.size(); ++i) text += (i > 0 ? " /" : "") + clauses(one.branches[i]);
    text += one.kind == Kind::pattern ? "]" : ")";
    return one.binding == nullptr ? text : text + " -> " + binding(*one.binding);
  }
  void rule(const datalog::Rule& one) {
    say(" rule ", one.name);
    say("/", std::to_string(one.arity));
    if (one.required > 0) say(" required ", std::to_string(one.required));
    say(" stratum ", std::to_string(one.stratum));
    if (one.is_recursive) say(" recursive");
    for (const datalog::Branch& branch : one.branches) {
      say(" (");
      for (const datalog::Variable variable : branch.head) say(name(variable), " ");
      say(":-", clauses(branch.body));
      say(")");
    }
  }

  const datalog::Query& query_;
  std::string text_;
};

inline std::string shown(std::string_view text, std::string_view rules = {}) {
  const Reading reading(text, rules);
  if (reading.status() != Status::ok) return reading.sentence();
  return Shown(reading.query()).all();
}

inline void expect_text(const std::string& is, std::string_view wanted, std::string_view of) {
  if (is != wanted) {
    fail_msg("%s\n  is     %s\n  wanted %s", std::string(of).c_str(), is.c_str(), std::string(wanted).c_str());
  }
}

}  // namespace grid::test
