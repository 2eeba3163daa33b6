// SPDX-License-Identifier: Apache-2.0

#include "crdt/datalog/trouble.h"

#include <algorithm>

#include "crdt/datalog/calls.h"
#include "crdt/words.h"

namespace grid::datalog {
namespace {

using crdt::Line;
using crdt::Nearest;

constexpr std::size_t kFoundMax = 40;

// In `what`, % is the name, # how many arguments there are to be, & how many there are, @ what was found; where there
// is no @, what was found follows.
struct Saying {
  Complaint complaint;
  std::string_view what;
  std::string_view hint{};
};

constexpr Saying kSayings[] = {
    {Complaint::text_not_utf8, "this is not UTF-8"},
    {Complaint::text_unclosed, "the quote is never closed"},
    {Complaint::text_escape_wrong, "a backslash stands before none of n t r b f \" \\ and uXXXX in @"},
    {Complaint::letter_wrong, "@ is no character", "write: \\a, \\newline or \\u00e9"},
    {Complaint::quote_unknown, "@ means something to Clojure, but nothing in a text", "leave it out"},
    {Complaint::hash_unknown, "@ means nothing here", "there are #{...}, #inst, #bytes and #_"},
    {Complaint::tag_unknown, "@ is not known", "there are #inst \"2026-11-21T02:01:00Z\" and #bytes \"AP8=\""},
    {Complaint::tag_without_value, "text is to come right behind @"},
    {Complaint::date_wrong, "@ is no moment", "write: #inst \"2026-11-21T02:01:00.123Z\""},
    {Complaint::bytes_wrong, "@ is no base64"},
    {Complaint::number_wrong, "@ is no number", "there are integers, and numbers such as 1.5 and 1e9"},
    {Complaint::number_beyond, "@ is beyond 64 bits, or has more than 19 digits"},
    {Complaint::keyword_wrong, "@ is no keyword", "write: :name or :user/name"},
    {Complaint::bracket_unopened, "@ closes nothing"},
    {Complaint::bracket_unclosed, "this is never closed: @"},
    {Complaint::bracket_other, "@ can't close the % of line #, column &"},
    {Complaint::discard_without_form, "nothing comes behind @ that it could leave out"},
    {Complaint::map_uneven, "a map has a value for each key: @"},
    {Complaint::too_deep, "more than 32 brackets around one another"},
    {Complaint::too_long, "the text is longer than 64 KiB"},
    {Complaint::no_room, "there is no room for so long a text"},
    {Complaint::form_missing, "there is nothing here"},
    {Complaint::form_surplus, "the text is to end here, but there is @"},
    {Complaint::query_expected, "a query is a vector or a map", "write: [:find ?e :where [?e :name \"Oslo\"]]"},
    {Complaint::section_expected, "a query begins with :find"},
    {Complaint::section_unknown, "a query has no part :%",
     "there are :find, :with, :in, :where, :order-by, :limit and :offset"},
    {Complaint::section_twice, "@ stands twice"},
    {Complaint::section_empty, "nothing stands behind @"},
    {Complaint::find_missing, "the query has no :find"},
    {Complaint::find_wrong, ":find takes variables, aggregates and pull", "write: ?e, (count ?e) or (pull ?e [*])"},
    {Complaint::find_dots, "@ is out of place",
     "one value is `:find ?e .`, a list of them `:find [?e ...]`, all else has neither"},
    {Complaint::find_pull_wrong, "pull takes a variable and a pattern", "write: (pull ?e [:name])"},
    {Complaint::aggregate_unknown, "there is no aggregate %"},
    {Complaint::aggregate_wrong, "an aggregate takes one variable", "write: (count ?e)"},
    {Complaint::aggregate_amount, "only min and max take an amount from 1 on", "write: (min 3 ?x)"},
    {Complaint::variable_expected, "a variable is to come here"},
    {Complaint::variable_twice, "% stands here a second time"},
    {Complaint::find_and_with, "% is in :find already, so it has no place in :with"},
    {Complaint::input_wrong, ":in takes $, %, variables and what takes values apart",
     "write: ?a, [?a ...], [?a ?b] or [[?a ?b]]"},
    {Complaint::source_other, "there is one source of facts, $"},
    {Complaint::rules_twice, "% stands a second time"},
    {Complaint::rules_not_asked, "rules were given, but :in has no %"},
    {Complaint::order_wrong, ":order-by takes what :find has, each with :asc or :desc behind it or neither",
     "write: :order-by ?a :desc (count ?b)"},
    {Complaint::order_unknown, ":order-by names what :find has, and % is not there"},
    {Complaint::amount_wrong, ":% takes one whole number, 0 or more"},
    {Complaint::too_many_variables, "more than 1000 variables"},
    {Complaint::clause_wrong, "a clause is a vector or a list", "write: [?e :name ?n], [(< ?a 3)] or (not ...)"},
    {Complaint::clause_empty, "there is nothing in this clause"},
    {Complaint::pattern_long, "a pattern has an entity, an attribute and a value: facts have no transaction"},
    {Complaint::entity_wrong, "an entity is an integer, text or a variable"},
    {Complaint::lookup_ref, "an entity is not looked up by a pair here", "write a clause: [?e :email \"ann@x.org\"]"},
    {Complaint::attribute_wrong, "an attribute is a keyword, text or a variable"},
    {Complaint::value_wrong, "no fact has this for a value", "values are text, numbers, booleans, dates and bytes"},
    {Complaint::value_nil, "no fact has nil for a value", "write: [(missing? $ ?e :attribute)]"},
    {Complaint::call_wrong, "a call is a list in a vector, with at most one more form behind it",
     "write: [(< ?a 3)] or [(+ ?a 1) ?b]"},
    {Complaint::call_unknown, "there is no function %"},
    {Complaint::call_nested, "a call stands inside of none", "bind it first: [(+ ?a 1) ?b]"},
    {Complaint::call_of_variable, "functions can't be given as inputs, and % would be one"},
    {Complaint::call_arguments, "% takes #, but there &"},
    {Complaint::argument_wrong, "this is neither a variable nor a value", "text stands in quotes: \"Oslo\""},
    {Complaint::argument_blank, "_ is no value that a function could take"},
    {Complaint::source_misplaced, "$ is an argument of missing?, get-else and get-some only, the first one"},
    {Complaint::constant_wrong, "this can't be inside of a value",
     "lists of values and maps with keywords or text for keys can; of variables, (tuple ?a ?b) makes a list"},
    {Complaint::constant_deep, "a value has at most 8 lists and maps around one another"},
    {Complaint::binding_wrong, "this takes no value apart", "write: ?a, _, [?a ?b], [?a ...] or [[?a ?b]]"},
    {Complaint::and_alone, "`and` stands in `or` only", "clauses that follow each other are all to hold"},
    {Complaint::branches_missing, "a clause is to come here"},
    {Complaint::join_head_wrong, "a vector of variables is to come first", "write: (or-join [?a] ...)"},
    {Complaint::join_head_unused, "% is in the head, but not in this branch"},
    {Complaint::rules_wrong, "rules are a vector of vectors", "write: [[(parent ?a ?b) [?a :parent ?b]]]"},
    {Complaint::rule_head_wrong, "a rule begins with its name and variables",
     "write: [(parent ?a ?b) [?a :parent ?b]]"},
    {Complaint::rule_name_taken, "% can't be a rule's name"},
    {Complaint::rule_body_missing, "the rule % has no clauses"},
    {Complaint::rule_unknown, "there is no rule %"},
    {Complaint::rule_without_rules, "there is no rule %, as :in takes none"},
    {Complaint::rule_arguments, "the rule % takes #, but there &"},
    {Complaint::rule_arity, "the rule % takes # elsewhere, but here &"},
    {Complaint::rule_required, "the rule % must have as many variables in brackets everywhere"},
    {Complaint::too_many_rules, "more than 1000 rules"},
    {Complaint::pull_wrong, "a pattern of pull is a vector that is not empty", "write: [:name {:friend [:name]}]"},
    {Complaint::pull_attribute_wrong, "pull takes attributes", "write: :name, :user/_friend or (:tag :limit 3)"},
    {Complaint::pull_option_unknown, "@ is no option of pull", "there are :limit, :default and :as"},
    {Complaint::pull_option_wrong, ":% doesn't take this", "write: (:tag :limit 3 :default \"none\" :as :tags)"},
    {Complaint::pull_nested_wrong, "behind an attribute a pattern is to come, a depth, or ...",
     "write: {:friend [:name]}, {:parent 3} or {:child ...}"},
    {Complaint::find_unbound, ":find asks for %, which nothing binds"},
    {Complaint::with_unbound, ":with names %, which nothing binds"},
    {Complaint::predicate_unbound, "the predicate needs %, which nothing binds"},
    {Complaint::function_unbound, "the function needs %, which nothing binds"},
    {Complaint::rule_unbound, "the rule @ needs %, which nothing binds"},
    {Complaint::join_unbound, "`or-join` needs %, which nothing binds"},
    {Complaint::not_unbound, "`not` needs %, which nothing outside of it binds"},
    {Complaint::not_apart, "`not` shares no variable with what stands around it"},
    {Complaint::or_unequal, "branches of `or` have the same variables, and this one lacks %",
     "or-join names those that matter outside: (or-join [?a] ...)"},
    {Complaint::head_unused, "% is in the head of the rule @, but not in this branch"},
    {Complaint::negation_in_circle, "the rule % is negated here, and comes back to here"},
};

// What people write who know another language.
constexpr struct {
  std::string_view name;
  std::string_view hint;
} kHabits[] = {{"<>", "write not="},     {"eq", "write ="},
               {"neq", "write not="},    {"like", "write clojure.string/includes?"},
               {"concat", "write str"},  {"length", "write count"},
               {"average", "write avg"}, {"mean", "write avg"}};

std::string_view meant(const Trouble& trouble) {
  Nearest nearest(trouble.name);
  switch (trouble.complaint) {
    case Complaint::call_unknown:
      for (const CallName& one : call_names()) nearest.offer(one.name);
      for (const CallName& one : call_names()) nearest.offer(one.name.substr(one.name.find('/') + 1));
      break;
    case Complaint::aggregate_unknown:
      for (const AggregateName& one : aggregate_names()) nearest.offer(one.name);
      break;
    case Complaint::rule_unknown:
      for (const Rule& rule : trouble.rules) nearest.offer(rule.name);
      break;
    case Complaint::section_unknown:
      for (const std::string_view word : {"find", "with", "in", "where", "order-by", "limit", "offset"}) {
        nearest.offer(word);
      }
      break;
    default:
      break;
  }
  return nearest.best();
}

std::string_view hint_of(const Trouble& trouble, const Saying& saying) {
  if (!saying.hint.empty()) return saying.hint;
  const bool is_name =
      trouble.complaint == Complaint::call_unknown || trouble.complaint == Complaint::aggregate_unknown;
  if (!is_name) return {};
  if (const std::string_view why = why_not(trouble.name); !why.empty()) return why;
  for (const auto& habit : kHabits) {
    if (trouble.name == habit.name) return habit.hint;
  }
  return {};
}

// "2 arguments", "2 or 3 arguments", "1 or more arguments".
void say_wanted(const Trouble& trouble, Line& line) {
  if (trouble.complaint == Complaint::bracket_other) return line.say_number(trouble.least);
  line.say_number(trouble.least);
  if (trouble.most == Trouble::kMany) {
    line.say(" or more");
  } else if (trouble.most != trouble.least) {
    line.say(trouble.most == trouble.least + 1 ? " or " : " to ");
    line.say_number(trouble.most);
  }
  line.say(trouble.most == 1 ? " argument" : " arguments");
}

void say_count(const Trouble& trouble, Line& line) {
  if (trouble.complaint == Complaint::bracket_other) return line.say_number(trouble.count);
  line.say(trouble.count == 1 ? "is " : "are ");
  trouble.count == 0 ? line.say("none") : line.say_number(trouble.count);
}

void say_found(const Trouble& trouble, Line& line) {
  line.say(trouble.found.substr(0, std::min(trouble.found.size(), kFoundMax)));
}

// Whether what was found is told in it.
bool say_what(const Trouble& trouble, std::string_view what, Line& line) {
  bool is_told = false;
  for (; !what.empty(); what.remove_prefix(1)) {
    switch (what[0]) {
      case '%':
        line.say(trouble.name.empty() ? "%" : trouble.name);
        break;
      case '#':
        trouble.most > 0 || trouble.complaint == Complaint::bracket_other ? say_wanted(trouble, line) : line.say("#");
        break;
      case '&':
        say_count(trouble, line);
        break;
      case '@':
        say_found(trouble, line);
        is_told = true;
        break;
      default:
        line.say(what.substr(0, 1));
    }
  }
  return is_told;
}

}  // namespace

std::string_view Trouble::sentence(std::span<char> room) const {
  const auto* saying = std::find_if(std::begin(kSayings), std::end(kSayings),
                                    [this](const Saying& one) { return one.complaint == complaint; });
  if (saying == std::end(kSayings)) return {};
  Line line(room);
  line.say(is_in_rules ? "rules, line " : "line ");
  line.say_number(at.line);
  line.say(", column ");
  line.say_number(at.column);
  line.say(": ");
  if (!say_what(*this, saying->what, line) && !found.empty()) {
    line.say(", but there is ");
    say_found(*this, line);
  }
  if (const std::string_view word = meant(*this); !word.empty()) {
    line.say("; did you mean ");
    line.say(word);
    line.say("?");
  } else if (const std::string_view hint = hint_of(*this, *saying); !hint.empty()) {
    line.say("; ");
    line.say(hint);
  }
  return line.said();
}

}  // namespace grid::datalog
