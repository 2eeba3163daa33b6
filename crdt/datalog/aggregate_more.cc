// SPDX-License-Identifier: Apache-2.0
//
// The aggregates that give lists, or look at what they aggregate more than once. Not in a lean engine (lean.h).

#include <cmath>

#include "crdt/datalog/answer.h"

namespace grid::datalog {

Status Answer::aggregate_sorted(const Find& find, std::span<Atom> atoms, Atom& result) {
  const auto settle = [&result](const Result<Atom>& found) {
    if (found.ok()) result = *found;
    return found.status();
  };
  const std::size_t some = std::min<std::size_t>(find.amount, atoms.size());
  switch (find.aggregate) {
    case Aggregate::least:
      return settle(listed(atoms.first(some)));
    case Aggregate::greatest:
      return settle(listed(atoms.last(some)));
    case Aggregate::distinct: {
      const auto end = std::unique(atoms.begin(), atoms.end());
      return settle(listed(atoms.first(static_cast<std::size_t>(end - atoms.begin()))));
    }
    default:
      return settle(aggregate_numbers(find.aggregate, atoms));
  }
}

Result<Atom> Answer::listed(std::span<const Atom> atoms) { return engine_.functions().call(Call::tuple, atoms); }

Result<Atom> Answer::median_of(std::span<const Atom> sorted) {
  const std::size_t middle = sorted.size() / 2;
  if (sorted.size() % 2 == 1) return sorted[middle];
  const Atom two[] = {sorted[middle - 1], sorted[middle]};
  const Result<Atom> sum = sum_of(two);
  if (!sum.ok()) return sum;
  const Atom halved[] = {*sum, atom_of_decimal(2, 0)};
  return engine_.functions().call(Call::divide, halved);
}

Result<Atom> Answer::aggregate_numbers(Aggregate aggregate, std::span<const Atom> atoms) {
  if (!are_numbers(atoms)) return kNil;
  if (aggregate == Aggregate::median) return median_of(atoms);
  const double mean = mean_of(atoms);
  double squares = 0;
  for (const Atom atom : atoms) {
    const double apart = number_of(atom, words_).as_double() - mean;
    squares += apart * apart;
  }
  const double variance = squares / static_cast<double>(atoms.size());
  return atom_of_number(aggregate == Aggregate::deviation ? std::sqrt(variance) : variance, words_);
}

}  // namespace grid::datalog
