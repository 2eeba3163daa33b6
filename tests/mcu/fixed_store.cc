// SPDX-License-Identifier: Apache-2.0

#include "tests/mcu/fixed_store.h"

namespace grid::storage {

crdt::Op FixedStore::Record::view() const {
  crdt::Op out = op;
  out.cell.name = name();
  out.cell.value = value.view();
  return out;
}

FixedStore::Record* FixedStore::standing(const crdt::CellName& name) {
  for (Record& record : records_) {
    if (record.op.seq != 0 && record.standing && record.name() == name) return &record;
  }
  return nullptr;
}

void FixedStore::supersede(Record& record) {
  record.standing = false;
  const bool in_flight = record.op.local && settled_ < record.op.seq && record.op.seq <= shared_;
  if (!in_flight) record.op.seq = 0;
}

Result<Seq> FixedStore::append(const crdt::Op& op) {
  const crdt::CellName& name = op.cell.name;
  if (name.map.size() > sizeof(Record::map.bytes) || name.key.size() > sizeof(Record::key.bytes) ||
      name.sub.size() > sizeof(Record::sub.bytes) || op.cell.value.size() > sizeof(Record::value.bytes)) {
    problem_ = "fixed store: the row is longer than a slot";
    return Status::too_large;
  }
  Record* before = standing(name);
  Record* slot = nullptr;
  for (Record& record : records_) {
    if (record.op.seq == 0) slot = &record;
  }
  if (slot == nullptr && before == nullptr) {
    problem_ = "fixed store: every slot is taken";
    return Status::full;
  }
  // A copy: the op's views may lie in the slot that is about to go.
  Record record;
  record.op = op;
  record.op.cell.name = {};
  record.op.cell.value = {};
  record.op.seq = ++head_;
  record.standing = true;
  record.map.set(as_bytes(name.map));
  record.key.set(as_bytes(name.key));
  record.sub.set(as_bytes(name.sub));
  record.value.set(op.cell.value);
  if (before != nullptr) supersede(*before);
  if (op.cell.stamp.is_none()) return head_;
  *(slot != nullptr ? slot : before) = record;
  return head_;
}

Status FixedStore::has_room(std::size_t appends, std::size_t) {
  std::size_t free = 0;
  for (const Record& record : records_) free += record.op.seq == 0 ? 1 : 0;
  if (free >= appends) return Status::ok;
  problem_ = "fixed store: every slot is taken";
  return Status::full;
}

Status FixedStore::restamp(Seq seq, crdt::Stamp stamp, std::uint64_t expires_ms) {
  if (stamp.is_none()) return Status::invalid;
  for (Record& record : records_) {
    if (record.op.seq != seq || !record.op.local || seq <= shared_) continue;
    record.op.cell.stamp = stamp;
    record.op.cell.expires_ms = expires_ms;
    return Status::ok;
  }
  return Status::not_found;
}

Status FixedStore::share(Seq seq) {
  if (seq > head_) return Status::invalid;
  if (seq > shared_) shared_ = seq;
  return Status::ok;
}

Status FixedStore::settle(Seq seq) {
  GRID_TRY(share(seq));
  if (seq > settled_) settled_ = seq;
  for (Record& record : records_) {
    if (!record.standing && record.op.seq <= settled_) record.op.seq = 0;
  }
  return Status::ok;
}

FixedStore::NamedFact* FixedStore::named(std::string_view name) {
  for (NamedFact& fact : facts_) {
    if (as_text(fact.name.view()) == name) return &fact;
  }
  return nullptr;
}

Status FixedStore::set_fact(std::string_view name, Bytes bytes) {
  if (name.empty()) return Status::invalid;
  if (name.size() > sizeof(NamedFact::name.bytes) || bytes.size() > sizeof(NamedFact::bytes.bytes)) {
    return Status::too_large;
  }
  NamedFact* fact = named(name);
  if (bytes.empty()) {
    if (fact != nullptr) *fact = {};
    return Status::ok;
  }
  if (fact == nullptr) fact = named({});
  if (fact == nullptr) return Status::full;
  fact->name.set(as_bytes(name));
  fact->bytes.set(bytes);
  return Status::ok;
}

Result<Bytes> FixedStore::fact(std::string_view name) {
  const NamedFact* fact = named(name);
  if (name.empty() || fact == nullptr) return Status::not_found;
  return fact->bytes.view();
}

Result<Store::Fact> FixedStore::next_fact(std::string_view prefix, std::string_view after) {
  const NamedFact* next = nullptr;
  for (const NamedFact& fact : facts_) {
    const std::string_view name = as_text(fact.name.view());
    if (name.empty() || !name.starts_with(prefix) || name <= after) continue;
    if (next == nullptr || name < as_text(next->name.view())) next = &fact;
  }
  if (next == nullptr) return Status::not_found;
  return Fact{as_text(next->name.view()), next->bytes.view()};
}

Result<crdt::Op> FixedStore::find(const crdt::CellName& name) {
  const Record* record = standing(name);
  if (record == nullptr) return Status::not_found;
  return record->view();
}

Result<crdt::Op> FixedStore::next_cell(const crdt::CellName& after) {
  const Record* next = nullptr;
  for (const Record& record : records_) {
    if (record.op.seq == 0 || !record.standing || !(record.name() > after)) continue;
    if (next == nullptr || record.name() < next->name()) next = &record;
  }
  if (next == nullptr) return Status::not_found;
  return next->view();
}

Result<crdt::Op> FixedStore::next_op(Seq after) {
  const Record* next = nullptr;
  for (const Record& record : records_) {
    if (record.op.seq > after && (next == nullptr || record.op.seq < next->op.seq)) next = &record;
  }
  if (next == nullptr) return Status::not_found;
  return next->view();
}

}  // namespace grid::storage
