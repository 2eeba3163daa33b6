// SPDX-License-Identifier: Apache-2.0
//
// Random questions to random facts: the evaluator answers as one that tries everything does, in every order of clauses.

#include <algorithm>

#include "tests/unit/crdt/dice.h"
#include "tests/unit/datalog/naive.h"

namespace grid::test {
namespace {

constexpr std::string_view kRules[] = {
    "[[(go ?a ?b) [?a :r ?b]] [(go ?a ?b) [?a :r ?x] (go ?x ?b)] [(way ?a ?b) (go ?a ?b)]]",
    "[[(go ?a ?b) [?a :s ?b]] [(go ?a ?b) (go ?a ?x) [?x :s ?b]] [(way ?a ?b) (go ?b ?a)]]",
    "[[(go ?a ?b) [?a :s ?b]] [(go ?a ?b) (go ?a ?x) (go ?x ?b)] [(way ?a ?a) [?a :a _]] [(way ?a ?b) (go ?a ?b)]]",
    "[[(go ?a ?b) [?a :r ?b]] [(go ?a ?b) [?a :s ?x] (way ?x ?b)] [(way ?a ?b) [?a :r ?x] (go ?x ?b)]"
    " [(way ?a ?b) [?a :a ?n] [?b :b ?n]]]",
    "[[(go ?a ?b) [?a :r ?b]] [(go ?a ?b) [?a :r ?x] (go ?x ?b)]"
    " [(way ?a ?b) [?a :a _] [?b :b _] (not (go ?a ?b))]]",
    "[[(go ?a ?b) (or [?a :r ?b] (and [?a :s ?x] (go ?x ?b)))] [(way ?a ?b) [?a :a ?n] [?b :a ?m] [(< ?n ?m)]]]",
    "[[(go ?a ?b) [?a :r ?b]] [(go ?a ?b) [?b :s ?x] (go ?a ?x)] [(go ?a ?b) [?y :r ?a] (way ?y ?b)]"
    " [(way ?a ?b) [?a :s ?b] [?b :a ?n] [(> ?n 1)]]]",
};

class Asker {
 public:
  explicit Asker(Dice& dice) : dice_(dice) {}

  std::string fact(std::set<Naive::Triple>& triples) {
    const std::string entity = std::to_string(1 + dice_.below(6));
    const std::uint64_t kind = dice_.below(5);
    if (kind >= 2) {
      const std::string other = std::to_string(1 + dice_.below(8));
      const bool is_one = kind == 2;
      if (is_one && !singles_.insert(entity + "r").second) return {};
      triples.insert({entity, is_one ? "\"r\"" : "\"s\"", other});
      return entity + (is_one ? " r" : " s*") + " {\"$ref\":\"" + other + "\"}\n";
    }
    const std::string attribute = kind == 0 ? "a" : "b";
    if (!singles_.insert(entity + attribute).second) return {};
    const std::string value = dice_.one_in(5) ? "\"t\"" : std::to_string(dice_.below(5));
    triples.insert({entity, "\"" + attribute + "\"", value});
    return entity + " " + attribute + " " + value + "\n";
  }

  std::string question() {
    bound_.clear();
    std::vector<std::string> clauses;
    for (std::uint64_t i = 0, count = 1 + dice_.below(3); i < count; ++i) clauses.push_back(pattern(true));
    if (dice_.one_in(2)) clauses.push_back("(" + rule() + " " + term(true) + " " + term(true) + ")");
    if (dice_.one_in(3)) clauses.push_back(disjunction());
    const std::vector<std::string> known(bound_.begin(), bound_.end());
    if (dice_.one_in(2)) clauses.push_back(test(known));
    if (dice_.one_in(3)) clauses.push_back(negation());
    if (dice_.one_in(4) && !known.empty()) clauses.push_back(test(known));
    std::shuffle(clauses.begin(), clauses.end(), dice_.engine());
    std::string text = "[:find";
    if (bound_.empty()) return {};
    for (const std::string& variable : bound_) {
      if (variable == *bound_.begin() || dice_.one_in(2)) text += " " + variable;
    }
    text += " :in $ % :where";
    for (const std::string& clause : clauses) text += " " + clause;
    return text + "]";
  }

 private:
  std::string variable() { return std::string("?") + static_cast<char>('p' + dice_.below(4)); }
  std::string term(bool binds) {
    if (dice_.one_in(8)) return std::to_string(1 + dice_.below(6));
    const std::string name = variable();
    if (binds) bound_.insert(name);
    if (!binds && bound_.count(name) == 0) return "_";
    return name;
  }
  std::string rule() { return dice_.one_in(2) ? "go" : "way"; }
  std::string pattern(bool binds) {
    static constexpr const char* kAttributes[] = {":r", ":s", ":a", ":b"};
    const std::string attribute = dice_.one_in(12) ? "_" : kAttributes[dice_.below(4)];
    const std::string entity = dice_.one_in(8) ? "_" : term(binds);
    const std::string value = dice_.one_in(8) ? "_" : term(binds);
    return "[" + entity + " " + attribute + " " + value + "]";
  }
  std::string test(const std::vector<std::string>& known) {
    static constexpr const char* kTests[] = {"<", "<=", ">", ">=", "=", "not="};
    const auto one = [&] {
      return known.empty() || dice_.one_in(3) ? std::to_string(dice_.below(6)) : known[dice_.below(known.size())];
    };
    return std::string("[(") + kTests[dice_.below(6)] + " " + one() + " " + one() + ")]";
  }
  std::string negation() {
    if (bound_.empty()) return "[(= 1 1)]";
    const std::string kept = *bound_.begin();
    const std::string inner = dice_.one_in(2) ? pattern(false) : "(" + rule() + " " + kept + " " + term(false) + ")";
    if (dice_.one_in(3)) return "(not-join [" + kept + "] [" + kept + " :s ?inner] [?inner :a _])";
    return "(not [" + kept + " :s _] " + inner + ")";
  }
  std::string disjunction() {
    const std::string a = variable(), b = variable();
    bound_.insert(a);
    bound_.insert(b);
    if (a == b) return "(or [" + a + " :a 1] [" + a + " :b 2])";
    return "(or-join [" + a + " " + b + "] [" + a + " :r " + b + "] (and [" + a + " :s ?mid] (" + rule() + " ?mid " +
           b + ")))";
  }

  Dice& dice_;
  std::set<std::string> bound_;
  std::set<std::string> singles_;
};

// DLQ-1
void it_answers_as_who_tries_everything(void**) {
  Dice dice;
  std::size_t answered = 0, with_rows = 0;
  for (int round = 0; round < 400; ++round) {
    Asker asker(dice);
    std::set<Naive::Triple> triples;
    std::string text;
    for (std::uint64_t i = 0, count = 10 + dice.below(60); i < count; ++i) text += asker.fact(triples);
    Facts facts(text);
    for (int i = 0; i < 20; ++i) {
      const std::string question = asker.question();
      const std::string_view rules = kRules[dice.below(std::size(kRules))];
      std::vector<std::uint8_t> room(1 << 18);
      Arena arena(room);
      datalog::Trouble trouble;
      const Result<datalog::Query> query = datalog::parse(question, rules, arena, trouble);
      if (!query.ok()) continue;
      const std::set<std::string> wanted = Naive(*query, triples).answer({});
      const Asked is = asked(facts.index(), question, rules);
      std::set<std::string> rows;
      for (std::size_t at = 0; at < is.answer.size();) {
        const std::size_t end = std::min(is.answer.find(' ', at), is.answer.size());
        rows.insert(is.answer.substr(at, end - at));
        at = end + 1;
      }
      ++answered;
      if (!wanted.empty()) ++with_rows;
      if (is.status == Status::ok && rows == wanted) continue;
      std::string all;
      for (const std::string& row : wanted) all += " " + row;
      fail_msg("%s\nrules %s\nfacts\n%s  is     %s\n  wanted%s", question.c_str(), std::string(rules).c_str(),
               text.c_str(), is.answer.c_str(), all.c_str());
    }
  }

  assert_true(answered > 5'000);
  assert_true(with_rows > 1'500);
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
  const CMUnitTest tests[] = {cmocka_unit_test(it_answers_as_who_tries_everything)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
