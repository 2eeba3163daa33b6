// SPDX-License-Identifier: Apache-2.0

#include "runtime/query/fact_index.h"

#include "crdt/facts.h"

namespace grid::runtime {

using crdt::FactName;
using crdt::Op;
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

Status FactIndex::catch_up(FactListener* listener, std::uint64_t records_max) {
  if (held_ == nullptr) GRID_TRY(load());
  const Status read = read_log(records_max);
  if (read != Status::ok && read != Status::busy) return read;
  std::vector<Change> changes;
  std::vector<FactDelta> deltas;
  for (const auto& [key, sub] : touched_) GRID_TRY(look_at(key, sub, changes, deltas));
  touched_.clear();
  if (listener != nullptr && !deltas.empty()) listener->changing(deltas);
  for (const Change& change : changes) {
    const Status applied = apply(change);
    if (applied == Status::ok) continue;
    held_.reset();
    return applied;
  }
  if (listener != nullptr && !deltas.empty()) listener->changed(deltas);
  return read;
}

void FactIndex::erased(const crdt::CellName& name) {
  if (held_ == nullptr || name.map != map_ || crdt::view_of(name.sub) != crdt::View::facts) return;
  touched_.emplace(name.key, name.sub);
}

Status FactIndex::load() {
  held_ = std::make_unique<Held>(chunks_, bytes_max_);
  ++loads_;
  touched_.clear();
  position_ = store_.head();
  std::string key, sub, deleted;  // A marker stands before what a power cut may have left of its entity.
  Status status = Status::ok;
  while (status == Status::ok) {
    const Result<Op> op = store_.next_cell({map_, key, sub});
    if (!op.ok() && op.status() != Status::not_found) status = op.status();
    if (!op.ok() || op->cell.name.map != map_) break;
    key = op->cell.name.key;
    sub = op->cell.name.sub;
    if (crdt::is_marker(sub)) deleted = key;
    const Result<FactName> name = FactName::read(sub);
    if (!name.ok() || op->cell.is_tombstone() || key == deleted) continue;
    status = held_->index.load(key, name->predicate, Value(op->cell.value), !name->is_many());
    if (status == Status::invalid) status = Status::ok;  // As in apply().
  }
  if (status == Status::ok) status = held_->index.finish_load();
  if (status != Status::ok) held_.reset();
  return status;
}

Status FactIndex::read_log(std::uint64_t records_max) {
  for (std::uint64_t read = 0;; ++read) {
    const Result<Op> op = store_.next_op(position_);
    if (!op.ok()) return op.status() == Status::not_found ? Status::ok : op.status();
    if (read == records_max) return Status::busy;
    position_ = op->seq;
    erased(op->cell.name);
  }
}

Status FactIndex::look_at(const std::string& key, const std::string& sub, std::vector<Change>& changes,
                          std::vector<FactDelta>& deltas) {
  const Result<Op> op = store_.find({map_, key, sub});
  if (!op.ok() && op.status() != Status::not_found) return op.status();
  const bool is_marker = crdt::is_marker(sub);
  const Result<FactName> name = is_marker ? Result<FactName>(FactName{}) : FactName::read(sub);
  if (!name.ok() || (is_marker && !op.ok())) return Status::ok;
  const bool stands = op.ok() && !op->cell.is_tombstone();
  std::vector<std::uint8_t> was;
  for (datalog::FactsOf facts(held_->index, key); facts.next();) {
    const Result<Value> object = facts.object(room_);
    if (!object.ok()) return object.status();
    if (!is_marker && !is_of(facts.predicate(), facts.is_one(), *object, *name)) continue;
    if (stands && equal(object->canonical(), op->cell.value)) return Status::ok;
    was.assign(object->canonical().begin(), object->canonical().end());
    deltas.push_back({id_of(key), std::string(facts.predicate()), seen(*object), false});
  }
  if (stands) deltas.push_back({id_of(key), std::string(name->predicate), seen(Value(op->cell.value)), true});
  const Bytes object = stands ? op->cell.value : Bytes(was);
  changes.push_back({key, sub, {object.begin(), object.end()}, stands});
  return Status::ok;
}

Status FactIndex::apply(const Change& change) {
  datalog::Index& index = held_->index;
  if (crdt::is_marker(change.sub)) return index.drop(change.key);
  const Result<FactName> name = FactName::read(change.sub);
  if (!name.ok() || change.object.empty()) return Status::ok;
  const Value object(change.object);
  if (!change.stands) return index.remove(change.key, name->predicate, object, !name->is_many());
  const Status added = index.add(change.key, name->predicate, object, !name->is_many());
  return added == Status::invalid ? Status::ok : added;  // A stub, say: it can't be read here.
}

}  // namespace grid::runtime
