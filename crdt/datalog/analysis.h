// SPDX-License-Identifier: Apache-2.0
//
// Whether a question that has been read can be answered: every variable comes from somewhere, in some order of the
// clauses, and nothing is defined by its own denial.
//
// Place     Inside crdt/datalog, behind parser.h.
// Promises  What the text's order is makes no difference to what is taken.
#pragma once

#include "crdt/base/arena.h"
#include "crdt/datalog/parser.h"

namespace grid::datalog {

// Completes the clauses of `parser` (what `not` and `or` join) and its rules (strata), when all is well.
Status analyse(Parser& parser, Arena& arena, Trouble& trouble);

// Strata of the rules, and which of them are recursive.
Status stratify(std::span<Rule> rules, Body* first_body, Arena& arena, Trouble& trouble);

}  // namespace grid::datalog
