// SPDX-License-Identifier: Apache-2.0
//
// What happens on the store's own thread; lmdb_flush.cc has the rest.

#include "storage/lmdb/lmdb_store.h"

#include <algorithm>

#include "crdt/base/check.h"

namespace grid::storage {

using lmdb::Batch;
using lmdb::NameKey;
using lmdb::NameTable;

std::unique_ptr<LmdbStore> LmdbStore::open(const LmdbOptions& options, Status& status, std::string& problem) {
  GRID_CHECK(options.batch_bytes_max > 2 * options.value_bytes_max &&
             options.value_bytes_max <= kValueBytesMax + kDecorationBytesMax);
  std::unique_ptr<LmdbStore> store(new LmdbStore(options));
  status = store->load();
  if (status == Status::ok) return store;
  problem = store->problem();
  return nullptr;
}

Status LmdbStore::load() {
  GRID_TRY(medium_.open(options_.path, options_.map_bytes, options_.sync, problem_));
  marks_ = medium_.marks();
  GRID_TRY(replay());
  begin_batch();
  return Status::ok;
}

// Makes the table again from what the index lacks. Where a fold was under way, the index is ahead of some records, and
// what superseded a kept one may be gone: an erasure goes as soon as it is folded.
Status LmdbStore::replay() {
  Seq seq = 0;
  int error = 0;
  while ((error = medium_.next_kept(seq, seq)) == 0) kept_.insert(seq);
  if (error != MDB_NOTFOUND) return fail_read(error);

  Bytes bytes;
  seq = marks_.folded;
  while ((error = medium_.next_record(seq, seq, bytes)) == 0) {
    const Result<crdt::Op> op = op_of(seq, bytes);
    if (!op.ok()) return op.status();
    const NameKey name(op->cell.name);
    Seq before = 0;
    error = standing(name.text(), before);
    if (error != 0) break;
    if (kept_.contains(seq)) continue;
    if (before > seq) table_->bury(seq);
    if (before >= seq) continue;
    if (before != 0 && !kept_.contains(before)) table_->bury(before);
    const bool is_erasure = op->cell.stamp.is_none();
    if (is_erasure) table_->bury(seq);
    table_->set(name.text(), is_erasure ? 0 : seq);
  }
  return error == MDB_NOTFOUND ? Status::ok : fail_read(error);
}

Result<Seq> LmdbStore::append(const crdt::Op& op) {
  const crdt::CellName& cell = op.cell.name;
  GRID_TRY(check_value(op.cell.value));
  if (cell.map.size() > kMapBytesMax || cell.key.size() > kKeyBytesMax || cell.sub.size() > kSubBytesMax) {
    return fail(Status::too_large, "a part of the cell's name is longer than its limit");
  }
  GRID_TRY(check_room(lmdb::record_size(op)));
  const NameKey name(cell);
  Seq before = 0;
  const int error = standing(name.text(), before);
  if (error != 0) return fail_read(error);
  if (before != 0) GRID_TRY(supersede(before));

  const bool is_erasure = op.cell.stamp.is_none();
  const Seq seq = ++marks_.head;
  open_batch().records.push_back(encode(seq, op));
  table_->set(name.text(), is_erasure ? 0 : seq);
  if (is_erasure) table_->bury(seq);
  return seq;
}

Status LmdbStore::check_value(Bytes value) {
  if (value.size() <= options_.value_bytes_max) return Status::ok;
  return fail(Status::too_large, "the value has " + std::to_string(value.size()) +
                                     " bytes, and this store keeps up to " + std::to_string(options_.value_bytes_max));
}

Status LmdbStore::has_room(std::size_t appends, std::size_t bytes) {
  return check_room(appends * (lmdb::kRecordBytesAside + sizeof(Bytes) + sizeof(Seq)) + bytes);
}

// Takes the record from every reader, unless it is in flight.
Status LmdbStore::supersede(Seq seq) {
  if (marks_.settled < seq && seq <= marks_.shared) {
    const Result<crdt::Op> op = op_at(seq);
    if (!op.ok()) return op.status();
    if (op->local) {
      kept_.insert(seq);
      open_batch().kept.push_back(seq);
      return Status::ok;
    }
  }
  table_->bury(seq);
  if (seq >= batches_.front()->first) open_batch().superseded.push_back(seq);
  return Status::ok;
}

Status LmdbStore::restamp(Seq seq, crdt::Stamp stamp, std::uint64_t expires_ms) {
  if (stamp.is_none()) return fail(Status::invalid, "an op can't be restamped with no stamp");
  Result<crdt::Op> op = seq <= marks_.shared ? Result<crdt::Op>(Status::not_found) : op_to_change(seq);
  if (op.ok() && !op->local) op = Status::not_found;
  if (op.status() == Status::not_found) {
    return fail(Status::not_found, "no unshared local op has sequence " + std::to_string(seq));
  }
  if (!op.ok()) return op.status();
  op->cell.stamp = stamp;
  op->cell.expires_ms = expires_ms;
  return change(seq, *op);
}

Status LmdbStore::rewrite(Seq seq, Bytes value) {
  GRID_TRY(check_value(value));
  Result<crdt::Op> op = op_to_change(seq);
  if (op.status() == Status::not_found) return fail(Status::not_found, "no record " + std::to_string(seq));
  if (!op.ok()) return op.status();
  op->cell.value = value;
  return change(seq, *op);
}

Result<crdt::Op> LmdbStore::op_to_change(Seq seq) {
  Bytes bytes;
  const int error = is_dead(seq) ? MDB_NOTFOUND : record(seq, bytes);
  if (error == MDB_NOTFOUND) return Status::not_found;
  if (error != 0) return fail_read(error);
  return op_of(seq, bytes);
}

Status LmdbStore::change(Seq seq, const crdt::Op& op) {
  GRID_TRY(check_room(lmdb::record_size(op)));
  Batch& batch = open_batch();
  const Bytes rewritten = encode(seq, op);
  if (seq >= batch.first) {
    batch.records[seq - batch.first] = rewritten;
  } else {
    batch.rewrites.emplace_back(seq, rewritten);
    restamped_[seq] = {rewritten, open_number()};
  }
  return Status::ok;
}

Status LmdbStore::share(Seq seq) {
  if (seq > marks_.head) return fail(Status::invalid, "sequence " + std::to_string(seq) + " is above the head");
  if (seq <= marks_.shared) return Status::ok;
  marks_.shared = seq;
  open_batch().marks_moved = true;
  return Status::ok;
}

Status LmdbStore::settle(Seq seq) {
  GRID_TRY(share(seq));
  if (seq <= marks_.settled) return Status::ok;
  marks_.settled = seq;
  Batch& batch = open_batch();
  batch.marks_moved = true;
  const auto end = kept_.upper_bound(seq);
  for (auto at = kept_.begin(); at != end; ++at) {
    table_->bury(*at);
    batch.released.push_back(*at);
  }
  kept_.erase(kept_.begin(), end);
  return Status::ok;
}

Status LmdbStore::set_fact(std::string_view name, Bytes bytes) {
  if (name.empty()) return fail(Status::invalid, "a fact needs a name");
  if (name.size() > kFactNameBytesMax) return fail(Status::too_large, "a fact's name is longer than its limit");
  if (bytes.size() > kFactBytesMax) {
    return fail(Status::too_large, "the fact " + std::string(name) + " is longer than the limit for facts");
  }
  constexpr std::size_t kBookkeepingBytes = 128;
  const std::size_t size = name.size() + bytes.size() + kBookkeepingBytes;
  GRID_TRY(check_room(size));
  Batch& batch = open_batch();
  batch.fact_bytes += size;
  batch.facts.insert_or_assign(std::string(name), std::string(as_text(bytes)));
  facts_.insert_or_assign(std::string(name), FactChange{std::string(as_text(bytes)), open_number()});
  return Status::ok;
}

Result<Bytes> LmdbStore::fact(std::string_view name) {
  const auto changed = facts_.find(name);
  if (changed != facts_.end()) {
    if (changed->second.bytes.empty()) return Status::not_found;
    return as_bytes(changed->second.bytes);
  }
  Bytes bytes;
  const int error = name.empty() ? MDB_NOTFOUND : medium_.fact(name, bytes);
  if (error == MDB_NOTFOUND) return Status::not_found;
  if (error != 0) return fail_read(error);
  return bytes;
}

Result<Store::Fact> LmdbStore::next_fact(std::string_view prefix, std::string_view after) {
  const auto behind = [](std::string_view name) { return std::string(name) + '\0'; };
  std::string from = after < prefix ? std::string(prefix) : behind(after);
  for (;;) {
    Fact found{from, {}};
    const int error = medium_.fact_from(found.name, found.bytes);
    if (error != 0 && error != MDB_NOTFOUND) return fail_read(error);
    const auto changed = facts_.lower_bound(from);
    if (changed != facts_.end() && (error == MDB_NOTFOUND || changed->first <= found.name)) {
      found = {changed->first, as_bytes(changed->second.bytes)};
    } else if (error == MDB_NOTFOUND) {
      return Status::not_found;
    }
    if (!found.name.starts_with(prefix)) return Status::not_found;
    if (!found.bytes.empty()) return found;
    from = behind(found.name);
  }
}

Result<crdt::Op> LmdbStore::find(const crdt::CellName& name) {
  Seq seq = 0;
  const int error = standing(NameKey(name).text(), seq);
  if (error != 0) return fail_read(error);
  if (seq == 0) return Status::not_found;
  return op_at(seq);
}

Result<crdt::Op> LmdbStore::next_cell(const crdt::CellName& after) {
  const NameKey key(after);
  std::string_view name = key.text();
  Seq seq = 0;
  while (seq == 0) {
    const int error = next_name(name, seq);
    if (error == MDB_NOTFOUND) return Status::not_found;
    if (error != 0) return fail_read(error);
  }
  return op_at(seq);
}

Result<crdt::Op> LmdbStore::next_op(Seq after) {
  Seq seq = gap_.after <= after && after < gap_.through ? gap_.through : after;
  for (;;) {
    const Seq passed = seq;
    Bytes bytes;
    const int error = next_record(passed, seq, bytes);
    if (error == 0 && is_dead(seq)) continue;
    if (passed != after) gap_ = {after, passed};
    if (error == MDB_NOTFOUND) return Status::not_found;
    if (error != 0) return fail_read(error);
    return op_of(seq, bytes);
  }
}

// Sequence 0: the name does not stand.
int LmdbStore::standing(std::string_view name, Seq& seq) {
  const Seq* found = table_->find(name);
  if (found == nullptr && frozen_ != nullptr) found = frozen_->table.find(name);
  if (found != nullptr) {
    seq = *found;
    return 0;
  }
  const int error = medium_.standing(name, seq);
  if (error != MDB_NOTFOUND) return error;
  seq = 0;
  return 0;
}

// The next name in any layer; the newest layer that has it says where it stands (0: nowhere).
int LmdbStore::next_name(std::string_view& name, Seq& seq) {
  const NameTable::Name* newer[] = {table_->next(name), frozen_ ? frozen_->table.next(name) : nullptr};
  int error = medium_.next_name(name, seq);
  if (error != 0 && error != MDB_NOTFOUND) return error;
  for (int layer = 1; layer >= 0; --layer) {
    if (newer[layer] == nullptr || (error == 0 && newer[layer]->name > name)) continue;
    name = newer[layer]->name;
    seq = newer[layer]->seq;
    error = 0;
  }
  return error;
}

int LmdbStore::record(Seq seq, Bytes& out) {
  if (!restamped_.empty()) {
    const auto found = restamped_.find(seq);
    if (found != restamped_.end()) {
      out = found->second.record;
      return 0;
    }
  }
  if (!batches_.empty() && seq >= batches_.front()->first) {
    if (seq > marks_.head) return MDB_NOTFOUND;
    out = record_in_memory(seq);
    return 0;
  }
  return medium_.record(seq, out);
}

int LmdbStore::next_record(Seq after, Seq& seq, Bytes& out) {
  const Seq in_memory = batches_.front()->first;
  if (after + 1 < in_memory) {
    const int error = medium_.next_record(after, seq, out);
    if (error == 0 && seq < in_memory) return record(seq, out);
    if (error != 0 && error != MDB_NOTFOUND) return error;
  }
  seq = std::max(after + 1, in_memory);
  return record(seq, out);
}

Bytes LmdbStore::record_in_memory(Seq seq) const {
  const auto behind = std::upper_bound(batches_.begin(), batches_.end(), seq,
                                       [](Seq at, const std::unique_ptr<Batch>& batch) { return at < batch->first; });
  const Batch& batch = **std::prev(behind);
  return batch.records[seq - batch.first];
}

bool LmdbStore::is_dead(Seq seq) const {
  return table_->is_dead(seq) || (frozen_ != nullptr && frozen_->table.is_dead(seq));
}

Result<crdt::Op> LmdbStore::op_at(Seq seq) {
  Bytes bytes;
  const int error = record(seq, bytes);
  if (error == MDB_NOTFOUND) {
    return fail(Status::corrupt, "the index names record " + std::to_string(seq) + ", and the log lacks it");
  }
  if (error != 0) return fail_read(error);
  return op_of(seq, bytes);
}

Result<crdt::Op> LmdbStore::op_of(Seq seq, Bytes record) {
  crdt::Op op;
  if (lmdb::read_record(seq, record, op)) return op;
  return fail(Status::corrupt, "record " + std::to_string(seq) + " of the log is not what was written");
}

Bytes LmdbStore::encode(Seq seq, const crdt::Op& op) {
  const MutBytes room = open_batch().bytes.take(lmdb::record_size(op));
  lmdb::write_record(seq, op, room);
  return room;
}

Status LmdbStore::check_room(std::size_t bytes) {
  // A fold keeps up with what is flushed, unless the medium has no room for it.
  constexpr std::size_t kTablesMax = 4, kEntriesMin = 65'536;
  if (frozen_ != nullptr && table_->entries() > kTablesMax * options_.table_entries_max + kEntriesMin) {
    return fail(Status::full, "too much waits to be folded into the index; a flush makes room");
  }
  if (sealed_bytes_ + open_batch().size() + bytes <= options_.batch_bytes_max) return Status::ok;
  return fail(Status::full, "the open and sealed batches hold the " + std::to_string(options_.batch_bytes_max) +
                                " bytes that they may; a flush makes room");
}

Status LmdbStore::fail(Status status, std::string sentence) {
  note(std::move(sentence));
  return status;
}

void LmdbStore::note(std::string sentence) { problem_ = "store " + options_.path + ": " + std::move(sentence); }

Status LmdbStore::fail_read(int error) {
  const Status status = lmdb::status_of(error) == Status::corrupt ? Status::corrupt : Status::io;
  return fail(status, std::string("reading failed: ") + mdb_strerror(error));
}

}  // namespace grid::storage
