// SPDX-License-Identifier: Apache-2.0
//
// What the readers of the parts of a question share: the arena, the trouble, variables and their scopes, and the bodies
// that are still to be read.
//
// Place     Inside crdt/datalog, between edn.h and parse.h; analysis.h looks at the bodies.
// Promises  Nothing calls itself: a body that stands in a clause waits in a queue.
#pragma once

#include "crdt/datalog/calls.h"
#include "crdt/datalog/edn.h"
#include "crdt/datalog/parse.h"

namespace grid::datalog {

using edn::Forms;
using edn::Node;

// A growing list of what an arena holds.
template <typename T>
struct Chain {
  struct Link {
    T item{};
    Link* next = nullptr;
  };

  Link* first = nullptr;
  Link* last = nullptr;
  std::size_t size = 0;

  Status add(Arena& arena, const T& item) {
    const std::span<Link> link = arena.make<Link>(1);
    if (link.empty()) return Status::full;
    link[0].item = item;
    (last == nullptr ? first : last->next) = link.data();
    last = link.data();
    ++size;
    return Status::ok;
  }
  bool has(const T& item) const {
    for (const Link* at = first; at != nullptr; at = at->next) {
      if (at->item == item) return true;
    }
    return false;
  }
};

// Where the names of variables mean one thing each: a question, a branch of a rule, what `not` or `or-join` has inside.
struct Scope {
  Scope* outer = nullptr;  // Of which names that are none of its own are sought; null for heads that shut all else out.
  Chain<Variable> names;   // All that have a meaning here without a look at `outer`.
  Chain<Variable> shared;  // Those of `outer` that are used inside.
};

// Clauses that are to hold together.
struct Body {
  Forms forms;
  Scope* scope = nullptr;
  Body* outer = nullptr;  // The one in which `owner` stands; null: a question's, or of a rule's branch.
  std::size_t owner = 0;  // Of the clauses of `outer`, the one that has this as a branch.
  std::int32_t rule = -1;
  std::size_t branch = 0;
  Clauses* into = nullptr;
  std::span<Clause> clauses{};
  std::span<std::span<Term>> terms{};  // Of each clause that calls a rule.
  std::span<Variable> head{};          // Of a rule's branch.
  Place at{};
  Body* next = nullptr;
};

class Parser {
 public:
  Parser(Arena& arena, Trouble& trouble) : arena_(arena), trouble_(trouble) {}

  Status parse(std::string_view text, std::string_view rules);
  // The forms of the :in of `text`.
  Result<std::int32_t> rules_input(std::string_view text);
  Result<const Pull*> parse_pull(const Node& pattern);
  Result<const Node*> read(std::string_view text);

  Query query{};
  Body* first_body = nullptr;  // The question's, and then all others, outer ones before those inside.
  std::span<const Variable> inputs{};
  std::span<std::string_view> variables{};
  Place with_at{};

  std::span<Rule> rules() { return rules_.first(rules_count_); }

 private:
  // What stands under each word of a question.
  struct Sections {
    const Node *find = nullptr, *with = nullptr, *in = nullptr, *where = nullptr, *order = nullptr, *limit = nullptr,
               *offset = nullptr;
    Forms find_forms, with_forms, in_forms, where_forms, order_forms, limit_forms, offset_forms;
  };
  struct PullJob;

  // parse.cc
  Status read_sections(const Node& root, Sections& sections);
  Status put_section(const Node& key, Forms forms, Sections& sections);
  Status count_variables(std::span<const Node> question, std::span<const Node> rules);
  Status read_amount(const Node* key, Forms forms, std::uint64_t& amount);

  // parse_find.cc
  Status read_find(Forms forms, const Node& key);
  Status read_find_element(const Node& node, Find& find);
  Status read_find_pull(const Node& node, Find& find);
  Status read_with(Forms forms);
  Status read_inputs(Forms forms, bool has_rules);
  Status read_order(Forms forms);
  Status read_order_item(const Node& node, Order& order);

  // parse_terms.cc
  Result<Variable> variable_of(const Node& symbol, Scope& scope);
  Result<Variable> declare(std::string_view name, const Node& at, Scope& scope);
  Status declare_all(Forms clauses, Scope& scope);
  Status declare_in(std::span<const Node> nodes, Scope& scope);
  Result<Value> constant_of(const Node& node);
  Result<Value> scalar_of(const Node& node);
  Status read_term(const Node& node, Scope& scope, Term& term);
  Status read_binding(const Node& node, Scope& scope, Binding& binding);

  // parse_clauses.cc
  Status read_bodies();
  Status read_clause(const Node& node, Body& body, std::size_t index);
  Status read_pattern(const Node& node, Body& body, Clause& clause);
  Status read_pattern_term(const Node& node, std::size_t place, Scope& scope, Term& term);
  Status read_call(const Node& node, Body& body, Clause& clause);
  Status read_arguments(Forms forms, Body& body, Clause& clause);
  Status read_rule_call(const Node& node, Forms forms, Body& body, std::size_t index);
  Status read_not(const Node& node, Forms forms, bool has_head, Body& body, std::size_t index);
  Status read_or(const Node& node, Forms forms, bool has_head, Body& body, std::size_t index);
  Status read_join_head(const Node& node, bool may_require, Scope& outer, Scope& inner, Clause& clause);
  Status check_source(const Node& node);

  // parse_rules.cc
  Status read_rules(const Node* root);
  Status name_rules(Forms branches);
  Result<std::span<Variable>> read_rule_head(const Node& branch, Rule& rule, Scope& scope);
  const Rule* find_rule(std::string_view name) const;

  // parse_pull.cc
  Status read_pull_items(PullJob& job);
  Status read_pull_attribute(const Node& node, PullItem& item);
  Status read_pull_name(const Node& node, PullItem& item);
  Status read_pull_options(const Node& node, PullItem& item);
  Status read_pull_option(std::string_view name, const Node& at, const Node& value, PullItem& item);
  Status read_pull_map(const Node& node, PullJob& job, std::size_t& count);

  Body* add_body(Forms forms, Scope& scope, const Node& at, Clauses* into);
  Scope* add_scope(Scope* outer);

  // At a form, or at what it is about.
  Status refuse(Complaint complaint, const Node& at, Status status = Status::invalid);
  Status refuse_named(Complaint complaint, const Node& at, std::string_view name);
  Status no_room(const Node& at) { return refuse(Complaint::no_room, at, Status::full); }

  template <typename T>
  Result<std::span<T>> make(std::size_t count, const Node& at) {
    if (count == 0) return std::span<T>();
    const std::span<T> room = arena_.make<T>(count);
    if (room.empty()) return no_room(at);
    return room;
  }

  Arena& arena_;
  Trouble& trouble_;
  bool is_in_rules_ = false;
  std::size_t variables_count_ = 0;
  Scope top_;
  Body* last_body_ = nullptr;
  std::span<Rule> rules_;
  std::size_t rules_count_ = 0;
  bool has_rules_ = false;
};

inline bool is_variable(const Node& node) {
  return node.is(Node::Kind::symbol) && node.text.size() > 1 && node.text[0] == '?';
}
inline bool is_blank(const Node& node) { return node.is_symbol("_"); }
inline bool is_source(const Node& node) { return node.is(Node::Kind::symbol) && node.text[0] == '$'; }

}  // namespace grid::datalog
