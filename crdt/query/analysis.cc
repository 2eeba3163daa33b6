// SPDX-License-Identifier: Apache-2.0

#include "crdt/query/analysis.h"

namespace grid::query {
namespace {

// Whether the program can accept when the test at `forced` may only answer no.
bool accepts_without(Bytes program, std::size_t forced) {
  // Jumps only go ahead, so one pass sees each test behind all that lead to it.
  std::uint64_t reached = 1;
  std::size_t starts[Predicate::kTestsMax];
  std::size_t count = 0;
  for (std::size_t at = 0; at < program.size(); at += Step(program, at).size()) starts[count++] = at;
  const auto mark = [&](std::size_t target) {
    for (std::size_t i = 0; i < count; ++i) {
      if (starts[i] == target) reached |= std::uint64_t{1} << i;
    }
    return target == Predicate::kAccept;
  };
  for (std::size_t i = 0; i < count; ++i) {
    if ((reached >> i & 1) == 0) continue;
    const Step step(program, starts[i]);
    if (mark(step.next(false))) return true;
    if (starts[i] != forced && mark(step.next(true))) return true;
  }
  return false;
}

}  // namespace

std::size_t required(const Predicate& predicate, std::span<Constraint> room) {
  const Bytes program = predicate.program();
  std::size_t count = 0;
  for (std::size_t at = 0; at < program.size() && count < room.size();) {
    const Step step(program, at);
    if (!accepts_without(program, at)) room[count++] = {step.test(), step.path(), step.operand()};
    at += step.size();
  }
  return count;
}

}  // namespace grid::query
