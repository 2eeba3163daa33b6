// SPDX-License-Identifier: Apache-2.0
//
// Two predicates as one. For whoever narrows what another has asked: a grant is joined to a question as a program,
// never as text, so that nothing which stands in the one can reach into the other.
//
// Place     Above crdt/query, beside row_tests.h.
#pragma once

#include <vector>

#include "crdt/query/predicate.h"

namespace grid::runtime {

enum class Joint : std::uint8_t { both, either };

// How many tests a program has.
std::size_t test_count(Bytes program);

// The program of `a and b`, or of `a or b`. An empty program accepts every row, before and behind.
//   too_large  More than query::Predicate::kTestsMax tests, or kProgramBytesMax bytes.
Result<std::vector<std::uint8_t>> join(Bytes a, Joint joint, Bytes b);

}  // namespace grid::runtime
