// SPDX-License-Identifier: Apache-2.0

#include "crdt/datalog/atom.h"

#include "crdt/datalog/containers.h"

namespace grid::datalog {
namespace {

template <typename T>
int compare_plain(T a, T b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

// NaN before every number.
int compare_doubles(double a, double b) {
  if (a != a || b != b) return compare_plain(a == a, b == b);
  return compare_plain(a, b);
}

// Neither side is rounded: what a double has behind the point decides when the rest is equal.
int compare_whole(std::int64_t a, double b) {
  constexpr double kOutside = 9'223'372'036'854'775'808.0;  // 2^63
  if (b != b || b < -kOutside) return 1;
  if (b >= kOutside) return -1;
  const auto whole = static_cast<std::int64_t>(b);
  if (a != whole) return compare_plain(a, whole);
  return compare_plain(static_cast<double>(whole), b);
}

}  // namespace

int compare(const Number& a, const Number& b) {
  if (a.is_whole && b.is_whole) return compare_plain(a.whole, b.whole);
  if (a.is_whole) return compare_whole(a.whole, b.real);
  if (b.is_whole) return -compare_whole(b.whole, a.real);
  return compare_doubles(a.real, b.real);
}

Number number_of(Atom number, const Symbolic& symbols) {
  if (number.kind() == AtomKind::number) {
    const std::int64_t mantissa = mantissa_of(number);
    const unsigned digits = digits_of(number);
    if (digits == 0) return {true, mantissa, 0};
    return {false, 0, static_cast<double>(mantissa) / kPowersOfTen[digits]};
  }
  const std::uint64_t bits = load_le(symbols.bytes_of(number.symbol()).data());
  if (number.kind() == AtomKind::wide_integer) return {true, static_cast<std::int64_t>(bits), 0};
  return {false, 0, std::bit_cast<double>(bits)};
}

std::int64_t moment_of(Atom date, const Symbolic& symbols) {
  if (date.kind() == AtomKind::date) return date_of(date);
  return static_cast<std::int64_t>(load_le(symbols.bytes_of(date.symbol()).data()));
}

int order_apart(Atom a, Atom b, const Symbolic& symbols) {
  const AtomKind kind = a.kind();
  const int rank = class_of(kind);
  if (rank != class_of(b.kind())) return compare_plain(rank, class_of(b.kind()));
  switch (kind) {
    case AtomKind::number:
    case AtomKind::wide_integer:
    case AtomKind::wide_number:
      if (kind == AtomKind::number && b.kind() == kind && digits_of(a) == digits_of(b))
        return compare_plain(mantissa_of(a), mantissa_of(b));
      return compare(number_of(a, symbols), number_of(b, symbols));
    case AtomKind::date:
    case AtomKind::wide_date:
      return compare_plain(moment_of(a, symbols), moment_of(b, symbols));
    case AtomKind::text:
    case AtomKind::bytes:
      if ((a.word >> 32) != (b.word >> 32)) return compare_plain(a.word, b.word);
      return grid::compare(symbols.bytes_of(a.symbol()), symbols.bytes_of(b.symbol()));
    case AtomKind::list:
    case AtomKind::record:
      return order_containers(symbols.bytes_of(a.symbol()), symbols.bytes_of(b.symbol()));
    default:
      return compare_plain(a.word, b.word);
  }
}

}  // namespace grid::datalog
