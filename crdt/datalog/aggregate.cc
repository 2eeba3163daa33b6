// SPDX-License-Identifier: Apache-2.0

#include <cmath>

#include "crdt/datalog/answer.h"

namespace grid::datalog {

// `atoms` are the group's own, one for each row, in any order; they may be moved about.
Status Answer::aggregate(const Find& find, std::span<Atom> atoms, Atom& result) {
  const auto is_before = [this](Atom a, Atom b) { return words_.order(a, b) < 0; };
  const auto settle = [&result](const Result<Atom>& found) {
    if (found.ok()) result = *found;
    return found.status();
  };
  GRID_TRY(engine_.meter().step(atoms.size()));
  if (find.aggregate == Aggregate::count) return settle(atom_of_whole(static_cast<std::int64_t>(atoms.size()), words_));
  if (find.aggregate == Aggregate::sum) return settle(sum_of(atoms));
  if (find.amount == 0 && find.aggregate == Aggregate::least)
    return settle(*std::min_element(atoms.begin(), atoms.end(), is_before));
  if (find.amount == 0 && find.aggregate == Aggregate::greatest)
    return settle(*std::max_element(atoms.begin(), atoms.end(), is_before));
  std::sort(atoms.begin(), atoms.end(), is_before);
  const std::size_t some = std::min<std::size_t>(find.amount, atoms.size());
  switch (find.aggregate) {
    case Aggregate::least:
      return settle(listed(atoms.first(some)));
    case Aggregate::greatest:
      return settle(listed(atoms.last(some)));
    case Aggregate::count_distinct:
    case Aggregate::distinct: {
      const auto end = std::unique(atoms.begin(), atoms.end());
      const auto once = atoms.first(static_cast<std::size_t>(end - atoms.begin()));
      if (find.aggregate == Aggregate::distinct) return settle(listed(once));
      return settle(atom_of_whole(static_cast<std::int64_t>(once.size()), words_));
    }
    default:
      return settle(aggregate_numbers(find.aggregate, atoms));
  }
}

Result<Atom> Answer::listed(std::span<const Atom> atoms) { return engine_.functions().call(Call::tuple, atoms); }

// What is no number makes it nil, as it does in a function.
Result<Atom> Answer::sum_of(std::span<const Atom> atoms) { return engine_.functions().call(Call::add, atoms); }

Result<Atom> Answer::median_of(std::span<const Atom> sorted) {
  const std::size_t middle = sorted.size() / 2;
  if (sorted.size() % 2 == 1) return sorted[middle];
  const Atom two[] = {sorted[middle - 1], sorted[middle]};
  const Result<Atom> sum = sum_of(two);
  if (!sum.ok()) return sum;
  const Atom halved[] = {*sum, atom_of_decimal(2, 0)};
  return engine_.functions().call(Call::divide, halved);
}

// Of doubles, added up in the total order of what is aggregated: the same on every machine.
Result<Atom> Answer::aggregate_numbers(Aggregate aggregate, std::span<const Atom> atoms) {
  for (const Atom atom : atoms) {
    if (class_of(atom.kind()) != class_of(AtomKind::number)) return kNil;
  }
  if (aggregate == Aggregate::median) return median_of(atoms);
  const auto count = static_cast<double>(atoms.size());
  double sum = 0;
  for (const Atom atom : atoms) sum += number_of(atom, words_).as_double();
  const double mean = sum / count;
  if (aggregate == Aggregate::average) return atom_of_number(mean, words_);
  double squares = 0;
  for (const Atom atom : atoms) {
    const double apart = number_of(atom, words_).as_double() - mean;
    squares += apart * apart;
  }
  const double variance = squares / count;
  return atom_of_number(aggregate == Aggregate::deviation ? std::sqrt(variance) : variance, words_);
}

}  // namespace grid::datalog
