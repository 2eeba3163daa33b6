// SPDX-License-Identifier: Apache-2.0

#include "storage/memory/memory_image.h"

#include <algorithm>

namespace grid::storage {

MemoryRecord::MemoryRecord(const crdt::Op& from)
    : map(from.cell.name.map), key(from.cell.name.key), sub(from.cell.name.sub), value(as_text(from.cell.value)) {
  op = from;
  op.cell.name = {};
  op.cell.value = {};
}

crdt::Op MemoryRecord::view(Seq seq) const {
  crdt::Op out = op;
  out.seq = seq;
  out.cell.name = name();
  out.cell.value = as_bytes(value);
  return out;
}

std::size_t Change::size() const {
  return sizeof(Change) + record.map.size() + record.key.size() + record.sub.size() + record.value.size() +
         name.size() + bytes.size();
}

void MemoryImage::apply(const Change& change) {
  switch (change.kind) {
    case Change::Kind::append:
      return append(change.record);
    case Change::Kind::restamp:
      log_[change.seq].op.cell.stamp = change.stamp;
      log_[change.seq].op.cell.expires_ms = change.expires_ms;
      return;
    case Change::Kind::rewrite:
      log_[change.seq].value = change.bytes;
      return;
    case Change::Kind::share:
      shared_ = std::max(shared_, change.seq);
      return;
    case Change::Kind::settle:
      return settle(change.seq);
    case Change::Kind::set_fact:
      if (change.bytes.empty()) {
        facts_.erase(change.name);
      } else {
        facts_[change.name] = change.bytes;
      }
      return;
  }
}

void MemoryImage::append(const MemoryRecord& record) {
  ++head_;
  const auto standing = index_.find(record.name());
  if (standing != index_.end()) {
    supersede(standing->second);
    index_.erase(standing);
  }
  if (record.op.cell.stamp.is_none()) return;
  index_[{record.map, record.key, record.sub}] = head_;
  log_[head_] = record;
}

void MemoryImage::supersede(Seq seq) {
  if (log_[seq].op.local && settled_ < seq && seq <= shared_) {
    in_flight_.insert(seq);
  } else {
    log_.erase(seq);
  }
}

void MemoryImage::settle(Seq seq) {
  settled_ = std::max(settled_, seq);
  shared_ = std::max(shared_, settled_);
  const auto end = in_flight_.upper_bound(settled_);
  for (auto at = in_flight_.begin(); at != end; ++at) log_.erase(*at);
  in_flight_.erase(in_flight_.begin(), end);
}

bool MemoryImage::can_restamp(Seq seq) const {
  const auto found = log_.find(seq);
  return seq > shared_ && found != log_.end() && found->second.op.local;
}

const MemoryRecord* MemoryImage::find(const crdt::CellName& name, Seq& seq) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : record_at(found->second, seq);
}

const MemoryRecord* MemoryImage::next_cell(const crdt::CellName& after, Seq& seq) const {
  const auto found = index_.upper_bound(after);
  return found == index_.end() ? nullptr : record_at(found->second, seq);
}

const MemoryRecord* MemoryImage::next_op(Seq after, Seq& seq) const {
  const auto found = log_.upper_bound(after);
  if (found == log_.end()) return nullptr;
  seq = found->first;
  return &found->second;
}

const MemoryRecord* MemoryImage::record_at(Seq at, Seq& seq) const {
  seq = at;
  return &log_.find(at)->second;
}

}  // namespace grid::storage
