// SPDX-License-Identifier: Apache-2.0

#include "crdt/datalog/functions.h"

#include <cmath>

#include "crdt/datalog/scan.h"

namespace grid::datalog {

Result<Atom> Functions::call(Call call, Arguments arguments) {
  switch (call) {
    case Call::equal:
    case Call::unequal:
    case Call::less:
    case Call::at_most:
    case Call::greater:
    case Call::at_least:
      return atom_of(holds(call, arguments));
    case Call::missing:
    case Call::get_else:
    case Call::get_some:
      return of_facts(call, arguments);
    case Call::add:
    case Call::subtract:
    case Call::multiply:
    case Call::divide:
    case Call::quotient:
    case Call::remainder:
    case Call::modulo:
    case Call::increment:
    case Call::decrement:
    case Call::greatest:
    case Call::least:
    case Call::is_zero:
    case Call::is_positive:
    case Call::is_negative:
    case Call::is_even:
    case Call::is_odd:
      return of_numbers(call, arguments);
    case Call::concatenate:
    case Call::substring:
    case Call::starts_with:
    case Call::ends_with:
    case Call::includes:
    case Call::is_blank:
    case Call::upper_case:
    case Call::lower_case:
      return of_text(call, arguments);
    default:
      return of_values(call, arguments);
  }
}

bool Functions::holds(Call comparison, Arguments arguments) const {
  const bool is_unequal = comparison == Call::unequal;
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const int order = words_.order(arguments[i - 1], arguments[i]);
    const bool is_so = is_unequal || comparison == Call::equal ? order == 0
                       : comparison == Call::less              ? order < 0
                       : comparison == Call::at_most           ? order <= 0
                       : comparison == Call::greater           ? order > 0
                                                               : order >= 0;
    if (!is_so) return is_unequal;
  }
  return !is_unequal;
}

// Of several the least; none where there is no such fact.
Atom Functions::least_value(Atom entity, Atom attribute) const {
  Wanted wanted;
  wanted.entity = entity;
  wanted.attribute = index_.attribute_named(attribute);
  if (wanted.attribute == kNoAttribute) return {};
  Scan scan(index_, words_, wanted);
  Atom least;
  for (Fact fact; scan.next(fact);) {
    if (!least.exists() || words_.order(fact.value, least) < 0) least = fact.value;
  }
  return least;
}

Result<Atom> Functions::of_facts(Call call, Arguments arguments) {
  if (arguments.size() < 2) return kNil;
  const std::size_t last = call == Call::get_some ? arguments.size() : 2;
  for (std::size_t i = 1; i < last; ++i) {
    const Atom found = least_value(arguments[0], arguments[i]);
    if (!found.exists()) continue;
    if (call == Call::missing) return kFalse;
    if (call == Call::get_else) return found;
    const Atom pair[] = {arguments[i], found};
    return listed(pair);
  }
  if (call == Call::missing) return kTrue;
  return call == Call::get_else && arguments.size() > 2 ? arguments[2] : kNil;
}

Result<Atom> Functions::atom(const Number& number) {
  return number.is_whole ? atom_of_whole(number.whole, words_) : atom_of_number(number.real, words_);
}

Result<Atom> Functions::of_numbers(Call call, Arguments arguments) {
  for (const Atom argument : arguments) {
    if (!is_number(argument)) return kNil;
  }
  if (arguments.empty())
    return call == Call::add || call == Call::multiply ? atom_of_whole(call == Call::multiply, words_)
                                                       : Result<Atom>(kNil);
  switch (call) {
    case Call::increment:
      return of_two(Call::add, number(arguments[0]), {true, 1, 0});
    case Call::decrement:
      return of_two(Call::subtract, number(arguments[0]), {true, 1, 0});
    case Call::is_zero:
    case Call::is_positive:
    case Call::is_negative:
    case Call::is_even:
    case Call::is_odd:
      return of_one(call, number(arguments[0]));
    default:
      return fold(call, arguments);
  }
}

Atom Functions::of_one(Call call, const Number& number) const {
  const int sign = compare(number, {true, 0, 0});
  if (call == Call::is_zero) return atom_of(sign == 0);
  if (call == Call::is_positive) return atom_of(sign > 0);
  if (call == Call::is_negative) return atom_of(sign < 0 && number.as_double() == number.as_double());
  if (!number.is_whole) return kNil;
  return atom_of((number.whole % 2 == 0) == (call == Call::is_even));
}

// Of one argument `-` is its negative, `/` its reciprocal.
Result<Atom> Functions::fold(Call call, Arguments arguments) {
  if (arguments.size() == 1) {
    if (call == Call::subtract) return of_two(call, {true, 0, 0}, number(arguments[0]));
    if (call == Call::divide) return of_two(call, {true, 1, 0}, number(arguments[0]));
    return arguments[0];
  }
  Atom all = arguments[0];
  for (std::size_t i = 1; i < arguments.size(); ++i) {
    const Result<Atom> next = of_two(call, number(all), number(arguments[i]));
    if (!next.ok() || *next == kNil) return next;
    all = *next;
  }
  return all;
}

Result<Atom> Functions::of_two(Call call, const Number& a, const Number& b) {
  if (call == Call::greatest) return atom(compare(a, b) < 0 ? b : a);
  if (call == Call::least) return atom(compare(a, b) > 0 ? b : a);
  if (a.is_whole && b.is_whole) {
    bool is_done = true;
    const Result<Atom> whole = of_whole(call, a.whole, b.whole, is_done);
    if (is_done) return whole;
  }
  const double x = a.as_double();
  const double y = b.as_double();
  const bool divides = call >= Call::divide && call <= Call::modulo;
  if (divides && y == 0) return kNil;
  const double rest = call == Call::remainder || call == Call::modulo ? std::fmod(x, y) : 0;
  switch (call) {
    case Call::add:
      return atom_of_number(x + y, words_);
    case Call::subtract:
      return atom_of_number(x - y, words_);
    case Call::multiply:
      return atom_of_number(x * y, words_);
    case Call::divide:
      return atom_of_number(x / y, words_);
    case Call::quotient:
      return atom_of_number(std::trunc(x / y), words_);
    case Call::modulo:
      return atom_of_number(rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest, words_);
    default:
      return atom_of_number(rest, words_);
  }
}

// Not done: what comes out is beyond 64 bits, or not whole.
Result<Atom> Functions::of_whole(Call call, std::int64_t a, std::int64_t b, bool& is_done) {
  std::int64_t result = 0;
  switch (call) {
    case Call::add:
      is_done = !__builtin_add_overflow(a, b, &result);
      break;
    case Call::subtract:
      is_done = !__builtin_sub_overflow(a, b, &result);
      break;
    case Call::multiply:
      is_done = !__builtin_mul_overflow(a, b, &result);
      break;
    default:
      if (b == 0) return kNil;
      if (b == -1) {  // The least integer has no negative.
        const bool is_quotient = call == Call::divide || call == Call::quotient;
        is_done = !is_quotient || !__builtin_sub_overflow(std::int64_t{0}, a, &result);
        break;
      }
      is_done = call != Call::divide || a % b == 0;
      result = call == Call::divide || call == Call::quotient ? a / b : a % b;
      if (call == Call::modulo && result != 0 && (result < 0) != (b < 0)) result += b;
  }
  return is_done ? atom_of_whole(result, words_) : Result<Atom>(kNil);
}

Atom Functions::of_logic(Call call, Arguments arguments) const {
  const Atom first = arguments.empty() ? kNil : arguments[0];
  switch (call) {
    case Call::is_true:
      return atom_of(first == kTrue);
    case Call::is_false:
      return atom_of(first == kFalse);
    case Call::is_nil:
      return atom_of(first == kNil);
    case Call::is_some:
      return atom_of(first != kNil);
    case Call::truth_not:
      return atom_of(!is_true(first));
    default:
      break;
  }
  // The first that settles it, or the last.
  const bool settles = call == Call::truth_or;
  for (const Atom argument : arguments) {
    if (is_true(argument) == settles) return argument;
  }
  return arguments.empty() ? atom_of(!settles) : arguments.back();
}

}  // namespace grid::datalog
