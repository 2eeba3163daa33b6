// SPDX-License-Identifier: Apache-2.0

#include "storage/memory/memory_store.h"

#include <algorithm>
#include <utility>

namespace grid::storage {

namespace {

Result<crdt::Op> view_of(const MemoryRecord* record, Seq seq) {
  if (record == nullptr) return Status::not_found;
  return record->view(seq);
}

}  // namespace

MemoryStore& MemoryStore::operator=(const MemoryStore& other) {
  options_ = other.options_;
  now_ = other.now_;
  medium_ = other.medium_;
  journal_ = other.journal_;
  journal_bytes_ = other.journal_bytes_;
  sealed_ = other.sealed_.load();
  durable_ = other.durable_.load();
  next_flush_.store(other.next_flush_);
  problem_ = other.problem_.load();
  return *this;
}

void MemoryStore::crash(std::size_t sealed_kept) {
  drop_through(std::min<std::uint64_t>(durable_ + sealed_kept, sealed_));
  now_ = medium_;
  journal_.clear();
  journal_bytes_ = 0;
  durable_ = sealed_.load();
  next_flush_.store(Status::ok);
}

Result<Seq> MemoryStore::append(const crdt::Op& op) {
  const crdt::CellName& name = op.cell.name;
  if (op.cell.value.size() > options_.value_bytes_max) {
    return fail(Status::too_large, "memory store: the value is longer than this store keeps");
  }
  if (name.map.size() > kMapBytesMax || name.key.size() > kKeyBytesMax || name.sub.size() > kSubBytesMax) {
    return fail(Status::too_large, "memory store: a part of the cell's name is longer than its limit");
  }
  Change change;
  change.kind = Change::Kind::append;
  change.record = MemoryRecord(op);
  GRID_TRY(write(std::move(change)));
  return head();
}

Status MemoryStore::has_room(std::size_t appends, std::size_t bytes) {
  if (journal_bytes_ + appends * sizeof(Change) + bytes <= options_.batch_bytes_max) return Status::ok;
  return fail(Status::full, "memory store: the open and sealed batches hold all that they may");
}

Status MemoryStore::restamp(Seq seq, crdt::Stamp stamp, std::uint64_t expires_ms) {
  if (stamp.is_none()) return fail(Status::invalid, "memory store: an op can't be restamped with no stamp");
  if (!now_.can_restamp(seq)) return fail(Status::not_found, "memory store: no unshared local op has that sequence");
  Change change;
  change.kind = Change::Kind::restamp;
  change.seq = seq;
  change.stamp = stamp;
  change.expires_ms = expires_ms;
  return write(std::move(change));
}

Status MemoryStore::rewrite(Seq seq, Bytes value) {
  if (value.size() > options_.value_bytes_max) {
    return fail(Status::too_large, "memory store: the value is longer than this store keeps");
  }
  if (!now_.has_record(seq)) return fail(Status::not_found, "memory store: no record has that sequence");
  Change change;
  change.kind = Change::Kind::rewrite;
  change.seq = seq;
  change.bytes = as_text(value);
  return write(std::move(change));
}

Status MemoryStore::share(Seq seq) {
  if (seq > head()) return fail(Status::invalid, "memory store: a sequence above the head can't be shared");
  Change change;
  change.kind = Change::Kind::share;
  change.seq = seq;
  return write(std::move(change));
}

Status MemoryStore::settle(Seq seq) {
  if (seq > head()) return fail(Status::invalid, "memory store: a sequence above the head can't be settled");
  Change change;
  change.kind = Change::Kind::settle;
  change.seq = seq;
  return write(std::move(change));
}

Status MemoryStore::set_fact(std::string_view name, Bytes bytes) {
  if (name.empty()) return fail(Status::invalid, "memory store: a fact needs a name");
  if (name.size() > kFactNameBytesMax) return fail(Status::too_large, "memory store: the fact's name is too long");
  if (bytes.size() > kFactBytesMax) return fail(Status::too_large, "memory store: the fact is too long");
  Change change;
  change.kind = Change::Kind::set_fact;
  change.name = name;
  change.bytes = as_text(bytes);
  return write(std::move(change));
}

Result<Bytes> MemoryStore::fact(std::string_view name) {
  const auto found = now_.facts().find(name);
  if (found == now_.facts().end()) return Status::not_found;
  return as_bytes(found->second);
}

Result<Store::Fact> MemoryStore::next_fact(std::string_view prefix, std::string_view after) {
  const auto found = after < prefix ? now_.facts().lower_bound(prefix) : now_.facts().upper_bound(after);
  if (found == now_.facts().end() || !std::string_view(found->first).starts_with(prefix)) return Status::not_found;
  return Fact{found->first, as_bytes(found->second)};
}

Result<crdt::Op> MemoryStore::find(const crdt::CellName& name) {
  Seq seq = 0;
  const MemoryRecord* record = now_.find(name, seq);
  return view_of(record, seq);
}

Result<crdt::Op> MemoryStore::next_cell(const crdt::CellName& after) {
  Seq seq = 0;
  const MemoryRecord* record = now_.next_cell(after, seq);
  return view_of(record, seq);
}

Result<crdt::Op> MemoryStore::next_op(Seq after) {
  Seq seq = 0;
  const MemoryRecord* record = now_.next_op(after, seq);
  return view_of(record, seq);
}

std::uint64_t MemoryStore::seal() { return ++sealed_; }

Status MemoryStore::flush() {
  const Status status = next_flush_.exchange(Status::ok);
  if (status != Status::ok) return fail(status, "memory store: the flush was made to fail");
  durable_ = sealed_.load();
  return Status::ok;
}

Status MemoryStore::write(Change change) {
  const bool is_mark = change.kind == Change::Kind::share || change.kind == Change::Kind::settle;
  if (!is_mark && journal_bytes_ + change.size() > options_.batch_bytes_max) {
    return fail(Status::full, "memory store: the open and sealed batches hold all that they may");
  }
  now_.apply(change);
  journal_bytes_ += change.size();
  journal_.push_back({sealed_ + 1, std::move(change)});
  return Status::ok;
}

void MemoryStore::drop_through(std::uint64_t batch) {
  while (!journal_.empty() && journal_.front().batch <= batch) {
    medium_.apply(journal_.front().change);
    journal_bytes_ -= journal_.front().change.size();
    journal_.pop_front();
  }
}

Status MemoryStore::fail(Status status, const char* problem) {
  problem_ = problem;
  return status;
}

}  // namespace grid::storage
