// SPDX-License-Identifier: Apache-2.0

#include "runtime/query/fact_index.h"

#include "crdt/facts.h"

namespace grid::runtime {

using crdt::FactName;
using crdt::Value;

namespace {

constexpr std::size_t kHeadBytes = 32;  // Of a value, beside its text.

// The id of an entity; empty of what is the key of none.
std::vector<std::uint8_t> id_of(std::string_view key) {
  std::uint8_t room[kKeyBytesMax + 4];
  const Result<Value> id = crdt::id_of_key(key, room);
  if (!id.ok()) return {};
  return {id->canonical().begin(), id->canonical().end()};
}

// As questions see it: a ref is the id that it refers to.
std::vector<std::uint8_t> seen(const Value& object) {
  std::uint8_t room[kKeyBytesMax + 4 + kHeadBytes];
  const Result<Value> id =
      object.kind() == crdt::ValueKind::ref ? crdt::id_of_ref(object, room) : Result<Value>(object);
  const Bytes bytes = id.ok() ? id->canonical() : object.canonical();
  return {bytes.begin(), bytes.end()};
}

// Whether the cell of that name holds this fact.
bool is_of(std::string_view predicate, bool is_one, const Value& object, const FactName& name) {
  if (predicate != name.predicate || is_one == name.is_many()) return false;
  if (is_one) return true;
  std::uint8_t room[FactName::kBytesMax];
  const Result<std::string_view> sub = FactName::write(predicate, true, object.canonical(), room);
  const Result<FactName> same = sub.ok() ? FactName::read(*sub) : Result<FactName>(sub.status());
  return same.ok() && equal(same->object, name.object);
}

}  // namespace

void FactIndex::let_go() {
  held_.reset();
  is_loaded_ = false;
}

Status FactIndex::settle(Status status) {
  if (status != Status::ok) let_go();
  return status;
}

void FactIndex::begin_load() {
  let_go();
  held_ = std::make_unique<Held>(chunks_, bytes_max_);
  ++loads_;
  changes_ = 0;
  last_changes_.clear();
}

Status FactIndex::load(std::string_view key, std::string_view sub, Bytes value) {
  const Result<FactName> name = FactName::read(sub);
  if (!name.ok()) return Status::ok;
  const Status loaded = held_->index.load(key, name->predicate, Value(value), !name->is_many());
  return settle(loaded == Status::invalid ? Status::ok : loaded);  // As in apply().
}

Status FactIndex::finish_load() {
  const Status status = held_->index.finish_load();
  is_loaded_ = status == Status::ok;
  return settle(status);
}

// Markers first: what is there of a fact is looked at when all that they take is gone.
Status FactIndex::change(std::span<const FactCell> cells, FactListener* listener) {
  GRID_TRY(change(cells, true, listener));
  return change(cells, false, listener);
}

Status FactIndex::change(std::span<const FactCell> cells, bool are_markers, FactListener* listener) {
  std::vector<Change> changes;
  std::vector<FactDelta> deltas;
  for (const FactCell& cell : cells) {
    if (crdt::is_marker(cell.sub) == are_markers) GRID_TRY(look_at(cell, changes, deltas));
  }
  if (listener != nullptr && !deltas.empty()) listener->changing(deltas);
  for (const FactDelta& delta : deltas) last_changes_[delta.predicate] = ++changes_;
  for (const Change& change : changes) GRID_TRY(settle(apply(change)));
  if (listener != nullptr && !deltas.empty()) listener->changed(deltas);
  return Status::ok;
}

Status FactIndex::look_at(const FactCell& cell, std::vector<Change>& changes, std::vector<FactDelta>& deltas) {
  const bool is_marker = crdt::is_marker(cell.sub);
  const Result<FactName> name = is_marker ? Result<FactName>(FactName{}) : FactName::read(cell.sub);
  if (!name.ok() || (is_marker && !cell.stands)) return Status::ok;
  const bool stands = cell.stands && !is_marker;
  std::vector<std::uint8_t> was;
  room_.resize(kValueBytesMax + kHeadBytes);
  for (datalog::FactsOf facts(held_->index, cell.key); facts.next();) {
    const Result<Value> object = facts.object(room_);
    if (!object.ok()) return object.status();
    if (!is_marker && !is_of(facts.predicate(), facts.is_one(), *object, *name)) continue;
    if (stands && equal(object->canonical(), cell.value)) return Status::ok;
    was.assign(object->canonical().begin(), object->canonical().end());
    deltas.push_back({id_of(cell.key), std::string(facts.predicate()), seen(*object), false});
  }
  if (stands) deltas.push_back({id_of(cell.key), std::string(name->predicate), seen(Value(cell.value)), true});
  if (stands) was = cell.value;
  changes.push_back({&cell, std::move(was)});
  return Status::ok;
}

Status FactIndex::apply(const Change& change) {
  const FactCell& cell = *change.cell;
  datalog::Index& index = held_->index;
  if (crdt::is_marker(cell.sub)) return index.drop(cell.key);
  const Result<FactName> name = FactName::read(cell.sub);
  if (!name.ok() || change.object.empty()) return Status::ok;
  const Value object(change.object);
  if (!cell.stands) return index.remove(cell.key, name->predicate, object, !name->is_many());
  const Status added = index.add(cell.key, name->predicate, object, !name->is_many());
  return added == Status::invalid ? Status::ok : added;  // A stub, say: it can't be read here.
}

}  // namespace grid::runtime
