// SPDX-License-Identifier: Apache-2.0

#include "runtime/query/entity_question.h"

#include <algorithm>
#include <set>

#include "crdt/facts.h"

namespace grid::runtime {

using datalog::Call;
using datalog::Clause;
using datalog::Clauses;
using datalog::Term;

namespace {

bool is_space(char c) { return c == ' ' || c == ',' || c == '\t' || c == '\r' || c == '\n'; }
bool is_open(char c) { return c == '(' || c == '[' || c == '{'; }
bool is_close(char c) { return c == ')' || c == ']' || c == '}'; }

bool stays_with_its_entity(const datalog::Pull& pull) {
  for (const datalog::PullItem& item : pull.items) {
    if (item.is_reverse || item.nested != nullptr || item.again != 0) return false;
  }
  return true;
}

bool looks_for_what_is_missing(Call call) {
  return call == Call::missing || call == Call::get_else || call == Call::get_some;
}

class Reader {
 public:
  explicit Reader(const datalog::Query& query) : query_(query) {}

  // Whether all that it looks at are entities of its patterns.
  bool read() {
    if (!query_.rules.empty()) return false;
    for (const datalog::Find& find : query_.find) {
      if (find.pull != nullptr && !stays_with_its_entity(*find.pull)) return false;
    }
    for (const Clause& clause : query_.where) {
      if (clause.kind == Clause::Kind::pattern && !note(clause.terms[0])) return false;
    }
    for (const datalog::Find& find : query_.find) {
      if (find.pull != nullptr && variables_.count(find.variable) == 0) return false;
    }
    return is_sound();
  }

  const std::set<datalog::Variable>& variables() const { return variables_; }
  const std::set<std::string>& keys() const { return keys_; }

 private:
  bool note(const Term& entity) {
    if (entity.kind == Term::Kind::variable) variables_.insert(entity.variable);
    if (entity.kind == Term::Kind::constant) return note_key(entity.constant);
    return entity.kind == Term::Kind::variable;
  }

  bool note_key(const crdt::Value& id) {
    std::uint8_t room[kKeyBytesMax];
    const Result<std::string_view> key = crdt::key_of_id(id, room);
    if (key.ok()) keys_.emplace(*key);
    return key.ok();
  }

  bool has(const Term& entity) const {
    return entity.kind == Term::Kind::variable && variables_.count(entity.variable) != 0;
  }

  // What stands in branches is about entities that stand outside of them, too.
  bool is_sound() const {
    std::vector<Clauses> open{query_.where};
    while (!open.empty()) {
      const Clauses clauses = open.back();
      open.pop_back();
      for (const Clause& clause : clauses) {
        if (clause.kind == Clause::Kind::negation || clause.kind == Clause::Kind::rule) return false;
        const bool is_call = clause.kind == Clause::Kind::predicate || clause.kind == Clause::Kind::function;
        if (is_call && looks_for_what_is_missing(clause.call)) return false;
        const bool is_inside = clauses.data() != query_.where.data();
        if (is_inside && clause.kind == Clause::Kind::pattern && !has(clause.terms[0])) return false;
        for (const Clauses& branch : clause.branches) open.push_back(branch);
      }
    }
    return true;
  }

  const datalog::Query& query_;
  std::set<datalog::Variable> variables_;
  std::set<std::string> keys_;
};

}  // namespace

std::string form_at(std::string_view text, datalog::Place place) {
  std::size_t from = 0;
  for (std::uint32_t line = 1; line < place.line && from < text.size(); ++line) from = text.find('\n', from) + 1;
  from += place.column - 1;
  if (from >= text.size()) return {};
  std::size_t depth = 0;
  bool is_text = false;
  for (std::size_t at = from; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '\\') ++at;  // What is escaped in a text, or a character by itself.
    if (c == '"') is_text = !is_text;
    if (is_text || c == '"' || c == '\\') continue;
    if (c == ';') at = std::min(text.find('\n', at), text.size()) - 1;
    if (c == ';') continue;
    if (is_open(c)) ++depth;
    // A word ends before what is not part of it.
    if (depth == 0 && (is_close(c) || is_space(c))) return std::string(text.substr(from, at - from));
    if (is_close(c) && --depth == 0) return std::string(text.substr(from, at + 1 - from));
  }
  return std::string(text.substr(from));
}

std::optional<EntityQuestion> EntityQuestion::of(const FactQuestion& question) {
  const datalog::Query& query = question.query();
  Reader reader(query);
  if (!reader.read()) return std::nullopt;
  EntityQuestion asked;
  asked.keys.assign(reader.keys().begin(), reader.keys().end());
  if (reader.variables().empty()) return asked;
  asked.text = "[:find";
  for (const datalog::Variable variable : reader.variables()) asked.text.append(" ").append(query.variables[variable]);
  asked.text += " :in $";
  for (const datalog::Binding& in : query.in) asked.text.append(" ").append(form_at(question.text(), in.at));
  asked.text += " :where";
  for (const Clause& clause : query.where) asked.text.append(" ").append(form_at(question.text(), clause.at));
  asked.text += "]";
  return asked;
}

}  // namespace grid::runtime
