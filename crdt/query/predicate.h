// SPDX-License-Identifier: Apache-2.0
//
// Predicate: a question that a row answers with yes or no, as a flat program. compile.h makes one of text.
//
// Place     Above order.h and path.h. Whoever filters rows holds one: queries, live queries, policies, grants.
// Promises  QRY-2  Two-valued: every test is yes or no, a test of what isn't there is no, and `not` is its opposite.
//           Evaluation allocates nothing and does not recurse; it only ever jumps ahead, so it ends, and it takes no
//           more than kStepsMax steps over characters.
// Ownership A view of its program, which can be copied and moved as bytes.
//
// A program is tests one behind the other; each says where to go on when the answer is yes, and when it is no:
//
//     offset size
//     0      1    test
//     1      1    0
//     2      2    size of this test
//     4      2    if yes: offset of the next test in the program, or kAccept, or kReject
//     6      2    if no
//     8      2    offset of the operand in this test
//     10     ..   what is tested: a Path
//     ..     ..   the operand: one canonical value; nothing for exists and is_null
//
// Numbers are little-endian. An empty program accepts every row.
#pragma once

#include <cstdint>

#include "crdt/query/path.h"

namespace grid::query {

enum class Test : std::uint8_t {
  equal,
  less,
  at_most,
  greater,
  at_least,
  between,      // The operand is a list of two.
  in,           // The operand is a list.
  like,         // The operand is a pattern: % any text, _ one character, \ takes the next one as it is.
  starts_with,  // The operand is text.
  contains,     // An element of a list, a part of text, a part of bytes.
  exists,
  is_null,  // Null, or not there.
};

enum class Verdict : std::uint8_t {
  no,
  yes,
  too_costly,  // kStepsMax is used up: the row counts as refused, whatever `not` stands before it.
};

class Predicate {
 public:
  static constexpr std::size_t kProgramBytesMax = 60'000;
  static constexpr std::size_t kTestsMax = 64;
  static constexpr std::uint32_t kStepsMax = 16'000'000;
  static constexpr std::size_t kAccept = 0xffff;
  static constexpr std::size_t kReject = 0xfffe;

  Predicate() = default;  // Accepts every row.
  // `program` came from compile().
  explicit Predicate(Bytes program) : program_(program) {}

  Verdict judge(const Row& row) const;
  bool matches(const Row& row) const { return judge(row) == Verdict::yes; }

  bool accepts_everything() const { return program_.empty(); }
  Bytes program() const { return program_; }
  // The same for texts that differ in spaces, parentheses and the case of words alone.
  std::uint64_t hash() const;

 private:
  Bytes program_;
};

// One test of a program.
class Step {
 public:
  static constexpr std::size_t kHeadBytes = 10;

  Step(Bytes program, std::size_t at) : bytes_(program.subspan(at)) { bytes_ = bytes_.first(number_at(2)); }

  Test test() const { return Test{bytes_[0]}; }
  std::size_t size() const { return bytes_.size(); }
  std::size_t next(bool answer) const { return number_at(answer ? 4 : 6); }
  Path path() const { return Path(bytes_.subspan(kHeadBytes, number_at(8) - kHeadBytes)); }
  Value operand() const { return Value(bytes_.subspan(number_at(8))); }

 private:
  std::size_t number_at(std::size_t offset) const {
    return static_cast<std::size_t>(load_le<2>(bytes_.data() + offset));
  }

  Bytes bytes_;
};

}  // namespace grid::query
