// SPDX-License-Identifier: Apache-2.0

#include "runtime/grid/views.h"

#include <cstring>

#include "crdt/hash.h"
#include "crdt/or_map.h"
#include "crdt/pn_counter.h"
#include "runtime/edits.h"

namespace grid {

using runtime::Call;

namespace {

Write edit(Driver* driver, std::string_view map, std::string_view key, runtime::Edit edit, Bytes value,
           std::uint64_t ttl_ms = 0) {
  Call call{.verb = Call::Verb::edit, .scope = {ScopeKind::key, map, key}, .value = value, .ttl_ms = ttl_ms};
  call.edit = edit;
  driver->perform(call);
  return {driver, call.status, call.seq};
}

// Into room for a tag or a part.
std::size_t take(std::string_view sub, char* to) {
  std::memcpy(to, sub.data(), sub.size());
  return sub.size();
}

// Empty when it is larger than a value may be, or no value: the edit says which.
Bytes encoded(Driver* driver, const Scalar& value) {
  ValueWriter writer(driver->scratch());
  value.write(writer);
  const Result<Bytes> bytes = writer.finish();
  if (!bytes.ok()) driver->complain("the value is larger than a value may be, or text that is not UTF-8");
  return bytes.ok() ? *bytes : Bytes{};
}

}  // namespace

Write OrMap::add(std::string_view key, const Scalar& value, std::uint64_t ttl_ms) {
  const Bytes bytes = encoded(driver_, value);
  return bytes.empty() ? Write(driver_, Status::invalid, 0) : add(key, Value(bytes), ttl_ms);
}

Write OrMap::add(std::string_view key, const Value& value, std::uint64_t ttl_ms) {
  if (!value.exists()) return {driver_, Status::invalid, 0};
  return edit(driver_, name_, key, runtime::add_to_set, value.canonical(), ttl_ms);
}

Write OrMap::remove(std::string_view key, const Scalar& value) {
  const Bytes bytes = encoded(driver_, value);
  return bytes.empty() ? Write(driver_, Status::invalid, 0) : remove(key, Value(bytes));
}

Write OrMap::remove(std::string_view key, const Value& value) {
  if (!value.exists()) return {driver_, Status::not_found, 0};
  return edit(driver_, name_, key, runtime::remove_from_set, value.canonical());
}

Write OrMap::remove_all(std::string_view key) { return edit(driver_, name_, key, runtime::remove_from_set, {}); }

bool OrMap::contains(std::string_view key, const Value& value) const {
  char at[kTagBytes];
  for (std::size_t size = 0;;) {
    const Result<crdt::Op> op = next_of(key, {at, size});
    if (!op.ok()) return false;
    if (equal(op->cell.value, value.canonical())) return true;
    size = take(op->cell.name.sub, at);
  }
}

bool OrMap::contains(std::string_view key, const Scalar& value) const {
  const Bytes bytes = encoded(driver_, value);
  return !bytes.empty() && contains(key, Value(bytes));
}

std::size_t OrMap::count(std::string_view key) const {
  std::size_t count = 0;
  const Status status = values(key, [&count](const Value&) { ++count; });
  return status == Status::ok ? count : 0;
}

// The next one behind `tag` that was not met before it. What was read goes with the next read: it is known by its hash,
// and read once more.
Result<Value> OrMap::next_value(std::string_view key, char (&tag)[kTagBytes], std::size_t& size) const {
  static_assert(kTagBytes == crdt::OrTag::kBytes);
  for (;;) {
    char before[kTagBytes];
    std::memcpy(before, tag, size);
    const crdt::CellName place{name_, key, {before, size}};
    const Result<crdt::Op> op = next_of(key, place.sub);
    if (!op.ok()) return op.status();
    size = take(op->cell.name.sub, tag);
    if (stands_before(key, crdt::hash64(op->cell.value), {tag, size})) continue;
    const Result<crdt::Op> again = driver_->next_cell(place);
    return again.ok() ? Result<Value>(Value(again->cell.value)) : again.status();
  }
}

Result<crdt::Op> OrMap::next_of(std::string_view key, std::string_view tag) const {
  const Result<crdt::Op> op = driver_->next_cell({name_, key, tag});
  if (!op.ok()) return op;
  const crdt::CellName& name = op->cell.name;
  return name.map == name_ && name.key == key && crdt::OrTag::is(name.sub) ? op : Result<crdt::Op>(Status::not_found);
}

bool OrMap::stands_before(std::string_view key, std::uint64_t hash, std::string_view tag) const {
  char at[kTagBytes];
  for (std::size_t size = 0;;) {
    const Result<crdt::Op> op = next_of(key, {at, size});
    if (!op.ok() || op->cell.name.sub >= tag) return false;
    if (crdt::hash64(op->cell.value) == hash) return true;
    size = take(op->cell.name.sub, at);
  }
}

Write CounterMap::increment(std::string_view key, std::int64_t by) {
  const Bytes bytes = encoded(driver_, Scalar(by));
  return edit(driver_, name_, key, runtime::add_to_counter, bytes);
}

Write CounterMap::decrement(std::string_view key, std::int64_t by) {
  if (by != INT64_MIN) return increment(key, -by);
  driver_->complain("a counter can't go down by less than -9223372036854775807");
  return {driver_, Status::invalid, 0};
}

Write CounterMap::reset(std::string_view key) { return decrement(key, value(key)); }

std::int64_t CounterMap::value(std::string_view key) const {
  crdt::CounterSum sum;
  char at[crdt::CounterPart::kNameBytes];
  std::size_t size = 0;
  for (;;) {
    const Result<crdt::Op> op = driver_->next_cell({name_, key, {at, size}});
    if (!op.ok() || op->cell.name.map != name_ || op->cell.name.key != key) return sum.value();
    if (!crdt::CounterPart::is(op->cell.name.sub)) return sum.value();
    sum.add(crdt::CounterPart::read(Value(op->cell.value)));
    size = take(op->cell.name.sub, at);
  }
}

}  // namespace grid
