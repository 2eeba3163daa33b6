// SPDX-License-Identifier: Apache-2.0

#include "runtime/query/join.h"

namespace grid::runtime {

using query::Predicate;
using query::Step;

namespace {

constexpr std::size_t kJumps[] = {4, 6};  // If yes, and if no.

// Leads each jump of the tests from `from` on elsewhere.
template <typename Change>
void lead(std::vector<std::uint8_t>& program, std::size_t from, Change change) {
  for (std::size_t at = from; at < program.size(); at += Step(program, at).size()) {
    for (const std::size_t jump : kJumps) {
      std::uint8_t* const place = program.data() + at + jump;
      store_le<2>(change(static_cast<std::size_t>(load_le<2>(place))), place);
    }
  }
}

}  // namespace

std::size_t test_count(Bytes program) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < program.size(); at += Step(program, at).size()) ++count;
  return count;
}

Result<std::vector<std::uint8_t>> join(Bytes a, Joint joint, Bytes b) {
  using Program = std::vector<std::uint8_t>;
  const bool is_both = joint == Joint::both;
  if (a.empty() || b.empty()) {
    const Bytes rest = !is_both ? Bytes{} : a.empty() ? b : a;
    return Program(rest.begin(), rest.end());
  }
  const bool is_small = a.size() + b.size() <= Predicate::kProgramBytesMax;
  if (!is_small || test_count(a) + test_count(b) > Predicate::kTestsMax) return Status::too_large;
  Program joined(a.begin(), a.end());
  const std::size_t end = is_both ? Predicate::kAccept : Predicate::kReject;
  lead(joined, 0, [&](std::size_t to) { return to == end ? a.size() : to; });
  joined.insert(joined.end(), b.begin(), b.end());
  lead(joined, a.size(), [&](std::size_t to) { return to < Predicate::kReject ? to + a.size() : to; });
  return joined;
}

}  // namespace grid::runtime
