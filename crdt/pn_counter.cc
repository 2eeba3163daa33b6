// SPDX-License-Identifier: Apache-2.0

#include "crdt/pn_counter.h"

#include "crdt/base/check.h"

namespace grid::crdt {

namespace {

std::uint64_t sum_up_to_the_end(std::uint64_t a, std::int64_t b) {
  const std::uint64_t sum = a + static_cast<std::uint64_t>(b);
  return sum < a ? UINT64_MAX : sum;
}

}  // namespace

CounterPart CounterPart::read(const Value& value) {
  std::int64_t numbers[4] = {};
  std::size_t count = 0;
  if (value.kind() != ValueKind::list) return {};
  for (Value::Walk walk(value); walk.next(); ++count) {
    const Value item = walk.value();
    if (count == 4 || item.kind() != ValueKind::integer || item.integer_or(0) < 0) return {};
    numbers[count] = item.integer_or(0);
  }
  const CounterPart part{{numbers[0], numbers[1]}, {numbers[2], numbers[3]}};
  const bool is_whole = count == 4 && part.fresh.up <= part.all.up && part.fresh.down <= part.all.down;
  return is_whole ? part : CounterPart{};
}

Bytes CounterPart::write(std::uint8_t (&to)[kValueBytesMax]) const {
  ValueWriter writer(to);
  writer.begin_list();
  for (const std::int64_t number : {all.up, all.down, fresh.up, fresh.down}) writer.integer(number);
  writer.end_list();
  const Result<Bytes> written = writer.finish();
  GRID_CHECK(written.ok());
  return *written;
}

void CounterSum::add(const CounterPart& part) {
  up_ = sum_up_to_the_end(up_, part.all.up);
  down_ = sum_up_to_the_end(down_, part.all.down);
}

std::int64_t CounterSum::value() const {
  const std::uint64_t distance = up_ > down_ ? up_ - down_ : down_ - up_;
  const std::int64_t size = distance > INT64_MAX ? INT64_MAX : static_cast<std::int64_t>(distance);
  return up_ > down_ ? size : -size;
}

}  // namespace grid::crdt
