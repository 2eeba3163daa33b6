// SPDX-License-Identifier: Apache-2.0

#include "runtime/grid/facts.h"

#include "runtime/edits.h"

namespace grid {

using runtime::Call;
using Verb = FactWrite::Verb;

namespace {

// Sentence and status of an object that is none.
Result<Bytes> encoded(Driver* driver, MutBytes room, const Scalar& object) {
  ValueWriter writer(room);
  object.write(writer);
  const Result<Bytes> bytes = writer.finish();
  if (bytes.ok()) return bytes;
  driver->complain("the object is larger than a value may be, or text that is not UTF-8");
  return bytes.status() == Status::full ? Status::too_large : bytes.status();
}

}  // namespace

// ---- writing

Write Facts::write(std::span<const FactWrite> writes) {
  Call call{.verb = Call::Verb::edit, .scope = {ScopeKind::map, name_, {}}, .edit = runtime::write_facts};
  call.facts = writes;
  driver_->perform(call);
  return {driver_, call.status, call.seq};
}

Write Facts::write(std::string_view entity, Verb verb, std::string_view predicate, const Scalar& object,
                   std::uint64_t ttl_ms) {
  const Result<Bytes> bytes = encoded(driver_, driver_->scratch(), object);
  if (!bytes.ok()) return {driver_, bytes.status(), 0};
  if (bytes->empty()) {
    driver_->complain("a fact needs an object");
    return {driver_, Status::invalid, 0};
  }
  const FactWrite one{entity, verb, predicate, *bytes, ttl_ms};
  return write({&one, 1});
}

Write Facts::set(std::string_view entity, std::string_view predicate, const Scalar& object, std::uint64_t ttl_ms) {
  return write(entity, Verb::set, predicate, object, ttl_ms);
}

Write Facts::add(std::string_view entity, std::string_view predicate, const Scalar& object, std::uint64_t ttl_ms) {
  return write(entity, Verb::add, predicate, object, ttl_ms);
}

Write Facts::remove(std::string_view entity, std::string_view predicate, const Scalar& object) {
  return write(entity, Verb::remove, predicate, object, 0);
}

Write Facts::remove_all(std::string_view entity, std::string_view predicate) {
  const FactWrite one{entity, Verb::remove, predicate, {}, 0};
  return write({&one, 1});
}

Write Facts::delete_entity(std::string_view entity) {
  const FactWrite one{entity, Verb::delete_entity, {}, {}, 0};
  return write({&one, 1});
}

Write Facts::transact(std::span<const FactWrite> writes) {
  if (!writes.empty()) return write(writes);
  driver_->complain("a transaction has no writes");
  return {driver_, Status::invalid, 0};
}

Result<std::string_view> Facts::new_id() {
  static_assert(sizeof(id_) == runtime::kEntityIdBytes);
  Call call{.verb = Call::Verb::edit, .edit = runtime::draw_entity_id};
  call.room = {reinterpret_cast<std::uint8_t*>(id_), sizeof(id_)};
  driver_->perform(call);
  if (call.status != Status::ok) return call.status;
  return std::string_view(id_, sizeof(id_));
}

// ---- reading

Facts::Place::Place(std::string_view predicate) {
  std::uint8_t begin[crdt::FactName::kBytesMax];
  std::string_view text = crdt::kMarker;
  if (!predicate.empty()) {
    const Result<std::string_view> of = crdt::FactName::begin_of(predicate, begin);
    is_legal = of.ok();
    if (of.ok()) text = *of;
  }
  size = text.copy(sub, sizeof(sub));
}

// The first behind `at`, which moves there.
Result<Fact> Facts::next(std::string_view entity, std::string_view predicate, Place& at) const {
  if (!at.is_legal) return Status::not_found;
  for (;;) {
    const Result<crdt::Op> op = driver_->next_cell({name_, entity, {at.sub, at.size}});
    if (!op.ok()) return op.status();
    const crdt::CellName& name = op->cell.name;
    if (name.map != name_ || name.key != entity || !crdt::is_fact_sub(name.sub)) return Status::not_found;
    at.size = name.sub.copy(at.sub, sizeof(at.sub));
    const Result<crdt::FactName> fact = crdt::FactName::read(name.sub);
    if (!fact.ok()) continue;
    if (!predicate.empty() && fact->predicate != predicate) return Status::not_found;
    return Fact{fact->predicate, Value(op->cell.value), fact->is_many(), op->cell.stamp};
  }
}

Value Facts::get(std::string_view entity, std::string_view predicate) const {
  Place at(predicate);
  const Result<Fact> fact = predicate.empty() ? Result<Fact>(Status::not_found) : next(entity, predicate, at);
  return fact.ok() ? fact->object : Value();
}

bool Facts::has(std::string_view entity, std::string_view predicate, const Scalar& object) const {
  const Result<Bytes> bytes = encoded(driver_, driver_->scratch(), object);
  if (!bytes.ok()) return false;
  std::uint8_t room[16];
  const Result<Bytes> one_of_many = crdt::object_of(Value(*bytes), true, room);
  bool is_there = false;
  const Status read = each_of(entity, predicate, [&](const Fact& fact) {
    const Bytes stands = fact.object.canonical();
    is_there = is_there || equal(stands, *bytes) || (fact.is_many && one_of_many.ok() && equal(stands, *one_of_many));
  });
  return read == Status::ok && is_there;
}

bool Facts::is_deleted(std::string_view entity) const {
  Call call{.verb = Call::Verb::edit, .scope = {ScopeKind::key, name_, entity}, .edit = runtime::find_marker};
  driver_->perform(call);
  return call.status == Status::ok;
}

}  // namespace grid
