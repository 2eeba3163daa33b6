// SPDX-License-Identifier: Apache-2.0

#include "crdt/datalog/atom.h"

#include "crdt/value.h"

namespace grid::datalog {

using crdt::Value;
using crdt::ValueKind;

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

int class_of(const Value& value) {
  constexpr std::uint8_t kClasses[] = {0, 1, 2, 3, 3, 4, 6, 5, 4, 7, 8, 9};
  return kClasses[static_cast<std::uint8_t>(value.kind())];
}

Number number_of(const Value& value) {
  if (value.kind() == ValueKind::integer) return {true, value.integer_or(0), 0};
  return {false, 0, value.number_or(0)};
}

int compare_scalars(const Value& a, const Value& b) {
  const int kind = class_of(a);
  if (kind != class_of(b)) return compare_plain(kind, class_of(b));
  switch (a.kind()) {
    case ValueKind::boolean:
      return compare_plain(a.truth_or(false), b.truth_or(false));
    case ValueKind::integer:
    case ValueKind::number:
      return compare(number_of(a), number_of(b));
    case ValueKind::text:
    case ValueKind::ref:
      return a.text_or({}).compare(b.text_or({}));
    case ValueKind::bytes:
      return grid::compare(a.bytes_or({}), b.bytes_or({}));
    case ValueKind::timestamp:
      return compare_plain(a.timestamp_or(0), b.timestamp_or(0));
    default:
      return 0;
  }
}

bool is_container(const Value& value) { return value.kind() == ValueKind::list || value.kind() == ValueKind::record; }

// Two containers side by side, with those around the place where it is on a stack of its own.
class Pairs {
 public:
  int run(const Value& a, const Value& b) {
    enter(a, b);
    while (depth_ > 0) {
      if (const int order = step(); order != 0) return order;
    }
    return 0;
  }

 private:
  struct Pair {
    Value::Walk a{Value()};
    Value::Walk b{Value()};
  };

  void enter(const Value& a, const Value& b) { open_[depth_++] = {Value::Walk(a), Value::Walk(b)}; }

  int step() {
    Pair& top = open_[depth_ - 1];
    const bool is_a = top.a.next();
    const bool is_b = top.b.next();
    if (!is_a || !is_b) {
      --depth_;
      return compare_plain(is_a, is_b);
    }
    if (const int order = top.a.name().compare(top.b.name()); order != 0) return order;
    const Value a = top.a.value();
    const Value b = top.b.value();
    if (const int order = compare_scalars(a, b); order != 0 || !is_container(a)) return order;
    enter(a, b);  // Canonical values are no deeper than open_ is.
    return 0;
  }

  std::size_t depth_ = 0;
  Pair open_[kValueDepthMax];
};

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
      return Pairs().run(Value(symbols.bytes_of(a.symbol())), Value(symbols.bytes_of(b.symbol())));
    default:
      return compare_plain(a.word, b.word);
  }
}

}  // namespace grid::datalog
