// SPDX-License-Identifier: Apache-2.0
//
// Questions: the Datalog that the devices of a simulated world ask.
//
// Place     Below answers.h and facts.h, which know the predicates: `one` has a number, `many` has numbers, `to` refers
//           to entities, and `brief` expires. Of the latter no device asks a question that it subscribes to, for
//           replicas that know the time, and those that don't, are to hold the same.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "crdt/base/check.h"
#include "crdt/value.h"
#include "runtime/query/fact_question.h"
#include "runtime/random.h"

namespace grid::sim {

struct Asked {
  std::string text;
  std::string rules{};  // Of those that have an input %.
};

inline const Asked kQuestions[] = {
    {"[:find ?e ?v :where [?e :one ?v]]"},
    {"[:find ?e ?f ?v :where [?e :to ?f] [?f :one ?v]]"},
    {"[:find ?e ?v :where [?e :many ?v] (not [?e :one ?v])]"},
    {"[:find ?e :where (or [?e :one 2] [?e :many 3])]"},
    {"[:find ?e ?f :in $ % :where (reach ?e ?f)]",
     "[[(reach ?a ?b) [?a :to ?b]] [(reach ?a ?b) [?a :to ?c] (reach ?c ?b)]]"},
    {"[:find ?v (count ?e) (sum ?w) :where [?e :many ?v] [?e :one ?w]]"},
    {"[:find (pull ?e [:many :one {:to [:one]}]) :where [?e :to _]]"},
    {"[:find ?e ?v :where [?e :many ?v] :order-by [?v :desc ?e] :limit 3]"},
};

inline constexpr const char* kOfWhatExpires = "[:find ?e ?v :where [?e :brief ?v]]";

inline std::unique_ptr<runtime::FactQuestion> read(const Asked& asked) {
  std::vector<std::uint8_t> room(asked.rules.size() + 16);
  crdt::ValueWriter writer(room);
  writer.text(asked.rules);
  const crdt::Value rules(*writer.finish());
  std::string problem;
  auto question = runtime::FactQuestion::read(asked.text, {&rules, asked.rules.empty() ? 0u : 1u}, problem);
  GRID_CHECK(question != nullptr);
  return question;
}

// A chain of patterns, now and then with something that must not be.
inline Asked draw_question(runtime::Random& random) {
  const char* const variables[] = {"?e", "?f", "?g"};
  const auto one_of = [&random](std::size_t count) { return random.below(count); };
  std::size_t bound = 1;
  std::string where;
  for (std::uint64_t clauses = 1 + one_of(4); clauses > 0; --clauses) {
    const std::string subject = variables[one_of(bound)];
    const std::uint64_t kind = one_of(4);
    const bool is_new = kind == 3 && bound < std::size(variables) && one_of(3) > 0;
    const std::string object = kind == 3        ? variables[is_new ? bound : one_of(bound)]
                               : kind == 2      ? std::to_string(one_of(5))
                               : one_of(2) == 0 ? "?v"
                                                : "_";
    bound += is_new;
    where += " [" + subject + (kind == 3 ? " :to " : one_of(2) == 0 ? " :one " : " :many ") + object + "]";
  }
  if (one_of(3) == 0)
    where += " (not [" + std::string(variables[one_of(bound)]) + " :many " + std::to_string(one_of(5)) + "])";
  std::string find;
  for (std::size_t i = 0; i < bound; ++i) find += " " + std::string(variables[i]);
  return {"[:find" + find + " :where" + where + "]"};
}

}  // namespace grid::sim
