// SPDX-License-Identifier: Apache-2.0
//
// What a predicate requires of every row that it accepts: for whoever has an index of rows, or of subscriptions.
//
// Place     Above predicate.h.
// Promises  Sound: a row that the predicate accepts passes every constraint. Not complete: of `a = 1 or a = 2` nothing
// is
//           told, of `a in (1, 2)` it is.
#pragma once

#include <span>

#include "crdt/query/predicate.h"

namespace grid::query {

// A test that every accepted row answers with yes.
struct Constraint {
  Test test = Test::exists;
  Path path;
  Value operand;  // As the test has it: a list for `in` and `between`.
};

// Fills the front of `room` and returns how many there are; those that find no room are left out, which is sound too.
// Constraints are views of the predicate's program, in its order.
std::size_t required(const Predicate& predicate, std::span<Constraint> room);

}  // namespace grid::query
