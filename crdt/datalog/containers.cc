// SPDX-License-Identifier: Apache-2.0

#include "crdt/datalog/containers.h"

namespace grid::datalog {
namespace {

template <typename T>
int compare_plain(T a, T b) {
  return a < b ? -1 : a > b ? 1 : 0;
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
      return datalog::compare(number_of(a), number_of(b));
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

// A list or a record with its numbers and refs as atoms have them, its containers on a stack of its own.
class Levelled {
 public:
  explicit Levelled(MutBytes room) : writer_(room) {}

  Result<Bytes> run(const Value& value) {
    put(value);
    while (depth_ > 0) {
      Value::Walk& walk = open_[depth_ - 1].walk;
      if (walk.next()) {
        if (open_[depth_ - 1].is_record) writer_.field(walk.name());
        put(walk.value());
      } else if (open_[--depth_].is_record) {
        writer_.end_record();
      } else {
        writer_.end_list();
      }
    }
    return writer_.finish();
  }

 private:
  struct Open {
    Value::Walk walk{Value()};
    bool is_record = false;
  };

  void put(const Value& value) {
    const ValueKind kind = value.kind();
    if (kind == ValueKind::list || kind == ValueKind::record) return enter(value, kind == ValueKind::record);
    if (kind == ValueKind::number && is_whole(value.number_or(0)))
      return writer_.integer(static_cast<std::int64_t>(value.number_or(0)));
    if (kind != ValueKind::ref) return writer_.copy_of(value);
    std::int64_t number = 0;
    bool is_number = false;
    const std::string_view text = id_of_ref(value.text_or({}), number, is_number);
    if (is_number) return writer_.integer(number);
    writer_.text(text);
  }
  void enter(const Value& value, bool is_record) {
    if (is_record) writer_.begin_record();
    if (!is_record) writer_.begin_list();
    open_[depth_++] = {Value::Walk(value), is_record};  // Canonical values are no deeper than open_ is.
  }

  crdt::ValueWriter writer_;
  std::size_t depth_ = 0;
  Open open_[kValueDepthMax];
};

Result<Atom> atom_of_encoding(AtomKind kind, Bytes encoding, Interner& interner) {
  const Result<std::uint32_t> symbol = interner.intern(encoding);
  if (!symbol.ok()) return symbol.status();
  return atom_of_symbol(kind, *symbol, encoding);
}

}  // namespace

Result<Atom> atom_of_container(const Value& value, Interner& interner, Region& room_from) {
  // A number of 9 bytes may come to be one of 11, and lengths grow with it.
  const std::size_t size = 2 * value.canonical().size() + 16;
  auto* const room = room_from.take_many<std::uint8_t>(size);
  if (room == nullptr) return Status::full;
  const Result<Bytes> levelled = Levelled({room, size}).run(value);
  const AtomKind kind = value.kind() == ValueKind::list ? AtomKind::list : AtomKind::record;
  const Result<Atom> atom =
      levelled.ok() ? atom_of_encoding(kind, *levelled, interner) : Result<Atom>(levelled.status());
  room_from.give_many(room, size);
  return atom;
}

int order_containers(Bytes a, Bytes b) { return Pairs().run(Value(a), Value(b)); }

}  // namespace grid::datalog
