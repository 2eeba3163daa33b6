// SPDX-License-Identifier: Apache-2.0

#include "crdt/datalog/answer.h"
#include "crdt/datalog/sorted.h"

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
  sort_all(atoms.data(), atoms.data() + atoms.size(), is_before);
  if (find.aggregate == Aggregate::average) return settle(average_of(atoms));
  if (find.aggregate != Aggregate::count_distinct) return aggregate_sorted(find, atoms, result);
  const auto end = std::unique(atoms.begin(), atoms.end());
  return settle(atom_of_whole(end - atoms.begin(), words_));
}

// What is no number makes it nil, as it does in a function.
Result<Atom> Answer::sum_of(std::span<const Atom> atoms) { return engine_.functions().call(Call::add, atoms); }

bool Answer::are_numbers(std::span<const Atom> atoms) {
  for (const Atom atom : atoms) {
    if (class_of(atom.kind()) != class_of(AtomKind::number)) return false;
  }
  return true;
}

// Of doubles, added up in the total order of what is aggregated: the same on every machine.
double Answer::mean_of(std::span<const Atom> sorted) const {
  double sum = 0;
  for (const Atom atom : sorted) sum += number_of(atom, words_).as_double();
  return sum / static_cast<double>(sorted.size());
}

Result<Atom> Answer::average_of(std::span<const Atom> sorted) {
  return are_numbers(sorted) ? atom_of_number(mean_of(sorted), words_) : Result<Atom>(kNil);
}

}  // namespace grid::datalog
