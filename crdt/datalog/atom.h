// SPDX-License-Identifier: Apache-2.0
//
// Atom: a value as the engine has it, in one word; and the total order of values.
//
// Place     Lowest of the evaluator. Knows no dictionary: what a word can't hold is a symbol, by number.
// Promises  Two values are equal where their words are: 1 and 1.0 are one atom, an entity and a ref to it are one atom.
//           order() is total: nil < false < true < numbers (compared exactly) < text < dates < bytes < lists < records.
//
// A word is four bits of kind above 60 bits. Of a number these are a mantissa of 56 bits and how many digits stand
// behind its point (21.37 is 2137 and 2); of text and bytes the first 28 bits of them, which settle most comparisons,
// above the symbol's number.
#pragma once

#include <bit>
#include <cstdint>

#include "crdt/base/bytes.h"

namespace grid::datalog {

enum class AtomKind : std::uint8_t {
  none,  // Before every value.
  nil,
  boolean,
  number,
  text,
  date,
  bytes,
  list,    // The symbol is the canonical encoding.
  record,  // As well.
  // What is too wide for 60 bits. The symbol is its eight bytes, little-endian.
  wide_integer,
  wide_number,
  wide_date,
  beyond,  // Behind every value.
};

struct Atom {
  std::uint64_t word = 0;

  AtomKind kind() const { return static_cast<AtomKind>(word >> 60); }
  bool exists() const { return word != 0; }
  bool is_symbol() const {
    const AtomKind kind = this->kind();
    return kind == AtomKind::text || (kind >= AtomKind::bytes && kind < AtomKind::beyond);
  }
  std::uint32_t symbol() const { return static_cast<std::uint32_t>(word); }
  friend bool operator==(const Atom&, const Atom&) = default;
};

inline constexpr std::uint64_t kAtomPayload = (std::uint64_t{1} << 60) - 1;
inline constexpr std::int64_t kMantissaMax = (std::int64_t{1} << 55) - 1;
inline constexpr std::int64_t kDateMax = (std::int64_t{1} << 59) - 1;

constexpr Atom atom_of(AtomKind kind, std::uint64_t payload) {
  return {(std::uint64_t{static_cast<std::uint8_t>(kind)} << 60) | (payload & kAtomPayload)};
}

inline constexpr Atom kNil = atom_of(AtomKind::nil, 0);
inline constexpr Atom kFalse = atom_of(AtomKind::boolean, 0);
inline constexpr Atom kTrue = atom_of(AtomKind::boolean, 1);
inline constexpr Atom kBeyond = atom_of(AtomKind::beyond, 0);

inline Atom atom_of(bool truth) { return truth ? kTrue : kFalse; }

inline Atom atom_of_decimal(std::int64_t mantissa, unsigned digits) {
  return atom_of(AtomKind::number, (static_cast<std::uint64_t>(mantissa) << 4) | digits);
}

inline std::int64_t mantissa_of(Atom number) { return static_cast<std::int64_t>(number.word << 4) >> 8; }
inline unsigned digits_of(Atom number) { return static_cast<unsigned>(number.word & 15); }
inline std::int64_t date_of(Atom date) { return static_cast<std::int64_t>(date.word << 4) >> 4; }

inline constexpr double kPowersOfTen[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                          1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

// The atom of text or bytes whose symbol is known.
inline Atom atom_of_symbol(AtomKind kind, std::uint32_t symbol, Bytes content) {
  std::uint64_t prefix = 0;
  if (kind == AtomKind::text || kind == AtomKind::bytes) {
    for (std::size_t i = 0; i < 4; ++i) prefix = (prefix << 8) | (i < content.size() ? content[i] : 0u);
  }
  return atom_of(kind, ((prefix >> 4) << 32) | symbol);
}

// A number: whole in the range of int64, or a double.
struct Number {
  bool is_whole = true;
  std::int64_t whole = 0;
  double real = 0;

  double as_double() const { return is_whole ? static_cast<double>(whole) : real; }
};

int compare(const Number& a, const Number& b);

// Where among the kinds that compare with each other it stands.
inline int class_of(AtomKind kind) {
  constexpr std::uint8_t kClasses[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 3, 3, 5, 15, 15, 15, 15};
  return kClasses[static_cast<std::uint8_t>(kind) & 15];
}

// Who knows the bytes of symbols.
class Symbolic {
 public:
  virtual Bytes bytes_of(std::uint32_t symbol) const = 0;

 protected:
  ~Symbolic() = default;
};

// Only for a number, a date.
Number number_of(Atom number, const Symbolic& symbols);
std::int64_t moment_of(Atom date, const Symbolic& symbols);

// Less than 0, 0 or more than 0. Two different words may be equal in lists alone.
int order_apart(Atom a, Atom b, const Symbolic& symbols);
inline int order(Atom a, Atom b, const Symbolic& symbols) { return a == b ? 0 : order_apart(a, b, symbols); }

inline std::uint64_t mix(std::uint64_t word) {
  word ^= word >> 32;
  word *= 0x9e37'79b9'7f4a'7c15;
  word ^= word >> 29;
  word *= 0xbf58'476d'1ce4'e5b9;
  return word ^ (word >> 32);
}

}  // namespace grid::datalog
