// SPDX-License-Identifier: Apache-2.0

#include "crdt/datalog/calls.h"

#include <algorithm>

namespace grid::datalog {
namespace {

constexpr std::uint8_t kMany = CallName::kMany;

constexpr CallName kCalls[] = {
    {"=", Call::equal, 1, kMany},
    {"==", Call::equal, 1, kMany},
    {"not=", Call::unequal, 1, kMany},
    {"!=", Call::unequal, 1, kMany},
    {"<", Call::less, 1, kMany},
    {"<=", Call::at_most, 1, kMany},
    {">", Call::greater, 1, kMany},
    {">=", Call::at_least, 1, kMany},
    {"missing?", Call::missing, 2, 2},
    {"get-else", Call::get_else, 3, 3},
    {"get-some", Call::get_some, 2, kMany},
    {"+", Call::add, 0, kMany},
    {"-", Call::subtract, 1, kMany},
    {"*", Call::multiply, 0, kMany},
    {"/", Call::divide, 1, kMany},
    {"quot", Call::quotient, 2, 2},
    {"rem", Call::remainder, 2, 2},
    {"mod", Call::modulo, 2, 2},
    {"inc", Call::increment, 1, 1},
    {"dec", Call::decrement, 1, 1},
    {"max", Call::greatest, 1, kMany},
    {"min", Call::least, 1, kMany},
    {"zero?", Call::is_zero, 1, 1},
    {"pos?", Call::is_positive, 1, 1},
    {"neg?", Call::is_negative, 1, 1},
    {"even?", Call::is_even, 1, 1},
    {"odd?", Call::is_odd, 1, 1},
    {"str", Call::concatenate, 0, kMany},
    {"subs", Call::substring, 2, 3},
    {"clojure.string/starts-with?", Call::starts_with, 2, 2},
    {"clojure.string/ends-with?", Call::ends_with, 2, 2},
    {"clojure.string/includes?", Call::includes, 2, 2},
    {"clojure.string/blank?", Call::is_blank, 1, 1},
    {"clojure.string/upper-case", Call::upper_case, 1, 1},
    {"clojure.string/lower-case", Call::lower_case, 1, 1},
    {"identity", Call::identity, 1, 1},
    {"ground", Call::ground, 1, 1},
    {"count", Call::count, 1, 1},
    {"true?", Call::is_true, 1, 1},
    {"false?", Call::is_false, 1, 1},
    {"nil?", Call::is_nil, 1, 1},
    {"some?", Call::is_some, 1, 1},
    {"empty?", Call::is_empty, 1, 1},
    {"not-empty", Call::is_not_empty, 1, 1},
    {"contains?", Call::contains, 2, 2},
    {"get", Call::get, 2, 3},
    {"tuple", Call::tuple, 0, kMany},
    {"vector", Call::tuple, 0, kMany},
    {"list", Call::tuple, 0, kMany},
    {"untuple", Call::untuple, 1, 1},
    {"compare", Call::compare, 2, 2},
    {"not", Call::truth_not, 1, 1},
    {"and", Call::truth_and, 0, kMany},
    {"or", Call::truth_or, 0, kMany},
    {"type", Call::type_of, 1, 1},
};

constexpr AggregateName kAggregates[] = {
    {"count", Aggregate::count},      {"count-distinct", Aggregate::count_distinct},
    {"sum", Aggregate::sum},          {"min", Aggregate::least},
    {"max", Aggregate::greatest},     {"avg", Aggregate::average},
    {"median", Aggregate::median},    {"variance", Aggregate::variance},
    {"stddev", Aggregate::deviation}, {"distinct", Aggregate::distinct},
};

constexpr struct {
  std::string_view name;
  std::string_view why;
} kLeftOut[] = {
    {"rand", "one answer for everybody leaves no room for chance"},
    {"rand-int", "one answer for everybody leaves no room for chance"},
    {"sample", "one answer for everybody leaves no room for chance"},
    {"re-find", "there are no regular expressions; clojure.string/includes? and its like look into text"},
    {"re-matches", "there are no regular expressions; clojure.string/includes? and its like look into text"},
    {"re-seq", "there are no regular expressions; clojure.string/includes? and its like look into text"},
    {"re-pattern", "there are no regular expressions; clojure.string/includes? and its like look into text"},
    {"aggregate", "functions can't be given as inputs"},
    {"fulltext", "facts have no index of words; gridctl search looks through rows"},
};

// "str/blank?" and "blank?" are "clojure.string/blank?".
constexpr std::string_view kTextSpace = "clojure.string/";
constexpr std::string_view kTextAlias = "str/";

}  // namespace

std::span<const CallName> call_names() { return kCalls; }

const CallName* find_call(std::string_view name) {
  if (name.starts_with(kTextAlias)) name.remove_prefix(kTextAlias.size());
  for (const CallName& one : kCalls) {
    std::string_view known = one.name;
    if (known == name) return &one;
    if (!known.starts_with(kTextSpace)) continue;
    known.remove_prefix(kTextSpace.size());
    if (known == name) return &one;
  }
  return nullptr;
}

std::string_view name_of(Call call) {
  for (const CallName& one : kCalls) {
    if (one.call == call) return one.name;
  }
  return {};
}

std::span<const AggregateName> aggregate_names() { return kAggregates; }

Aggregate find_aggregate(std::string_view name) {
  for (const AggregateName& one : kAggregates) {
    if (one.name == name) return one.aggregate;
  }
  return Aggregate::none;
}

std::string_view why_not(std::string_view name) {
  for (const auto& one : kLeftOut) {
    if (one.name == name) return one.why;
  }
  return {};
}

}  // namespace grid::datalog
