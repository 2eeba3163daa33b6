// SPDX-License-Identifier: Apache-2.0

#include "crdt/query/order.h"

namespace grid::query {
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
int compare_integer(std::int64_t a, double b) {
  constexpr double kBeyond = 9'223'372'036'854'775'808.0;  // 2^63
  if (b != b || b < -kBeyond) return 1;
  if (b >= kBeyond) return -1;
  const auto whole = static_cast<std::int64_t>(b);
  if (a != whole) return compare_plain(a, whole);
  return compare_plain(static_cast<double>(whole), b);
}

int compare_numbers(const Value& a, const Value& b) {
  const bool is_a_whole = a.kind() == ValueKind::integer;
  const bool is_b_whole = b.kind() == ValueKind::integer;
  if (is_a_whole && is_b_whole) return compare_plain(a.integer_or(0), b.integer_or(0));
  if (is_a_whole) return compare_integer(a.integer_or(0), b.number_or(0));
  if (is_b_whole) return -compare_integer(b.integer_or(0), a.number_or(0));
  return compare_doubles(a.number_or(0), b.number_or(0));
}

// Of two that hold no other values, and of containers the class alone.
int compare_scalars(const Value& a, const Value& b) {
  const ValueKind kind = class_of(a.kind());
  if (kind != class_of(b.kind())) return compare_plain(kind, class_of(b.kind()));
  switch (kind) {
    case ValueKind::boolean:
      return compare_plain(a.truth_or(false), b.truth_or(false));
    case ValueKind::integer:
      return compare_numbers(a, b);
    case ValueKind::text:
    case ValueKind::ref:
      return a.text_or({}).compare(b.text_or({}));
    case ValueKind::bytes:
      return grid::compare(a.bytes_or({}), b.bytes_or({}));
    case ValueKind::timestamp:
      return compare_plain(a.timestamp_or(0), b.timestamp_or(0));
    case ValueKind::stub:
      return grid::compare(a.canonical(), b.canonical());
    default:
      return 0;
  }
}

bool is_container(const Value& value) { return value.kind() == ValueKind::list || value.kind() == ValueKind::record; }

// Goes through two containers side by side, with those around the place where it is on a stack of its own.
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

ValueKind class_of(ValueKind kind) { return kind == ValueKind::number ? ValueKind::integer : kind; }

int compare(const Value& a, const Value& b) {
  const int order = compare_scalars(a, b);
  return order != 0 || !is_container(a) ? order : Pairs().run(a, b);
}

}  // namespace grid::query
