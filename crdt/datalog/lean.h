// SPDX-License-Identifier: Apache-2.0
//
// What an engine has not. There are two of them to link, one or the other: grid_datalog, which has all of the language,
// and grid_datalog_lean, where code is scarce: all of :where, and besides it
//
//     aggregates  count, count-distinct, sum, min, max, avg
//     functions   comparisons, arithmetic, logic, missing?, get-else, ground, identity
//     inputs      numbers, texts, dates and what else is no list; % of course
//
// but no pull, no functions of texts and lists, no other aggregates, no inputs that are lists.
//
// Place     Below engine.h. lean.cc is in the place of containers.cc, functions_more.cc, aggregate_more.cc, puller.cc,
//           unwind.cc and whole.cc.
#pragma once

#include <span>

#include "crdt/datalog/program.h"

namespace grid::datalog {

// Of a program that is compiled, what it asks for and the engine has not; empty where it has all.
std::string_view missing_of(const Program& program, std::span<const Value> inputs);

}  // namespace grid::datalog
