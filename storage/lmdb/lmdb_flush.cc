// SPDX-License-Identifier: Apache-2.0
//
// How batches get to the medium and leave memory: seal() and flushed() on the store's thread, flush() on either.
//
// The hand-over: seal() gives a batch, and now and then a frozen table, to the flushing thread, and changes neither
// from then on. flush() commits the batches with a step of the fold, and says so. flushed() renews the snapshot, and
// only then drops what is in it.

#include <algorithm>

#include "storage/lmdb/lmdb_store.h"

namespace grid::storage {

using lmdb::Batch;

void LmdbStore::begin_batch() {
  batches_.push_back(std::make_unique<Batch>());
  open_batch().first = marks_.head + 1;
}

std::uint64_t LmdbStore::seal() {
  owner_ = std::this_thread::get_id();
  ++sealed_;
  Batch& batch = open_batch();
  if (!batch.is_empty()) {
    batch.number = sealed_;
    batch.marks = marks_;
    sealed_bytes_ += batch.size();
    begin_batch();
    const std::lock_guard lock(mutex_);
    to_write_.push_back(&batch);
  }
  freeze();
  make_room();
  return sealed_;
}

// All that the table has is in sealed batches now: the flush that writes them may fold it.
void LmdbStore::freeze() {
  if (frozen_ != nullptr || table_->entries() < options_.table_entries_max) return;
  frozen_ = std::make_unique<Frozen>();
  frozen_->table = std::move(*table_);
  frozen_->through = marks_.head;
  table_ = std::make_unique<lmdb::NameTable>();
  const std::lock_guard lock(mutex_);
  to_fold_ = frozen_.get();
}

// The map can grow only here, where this thread's snapshot can be let go and no one writes.
void LmdbStore::make_room() {
  const std::lock_guard lock(mutex_);
  if (is_flushing_ || (!wants_room_ && medium_.has_room(sealed_bytes_, unfolded()))) return;
  const int error = medium_.grow(sealed_bytes_, unfolded());
  wants_room_ = error != 0;
  if (error != 0) note(std::string("the map can't grow: ") + mdb_strerror(error));
}

std::size_t LmdbStore::unfolded() const {
  return table_->entries() + (frozen_ == nullptr ? 0 : frozen_->table.entries());
}

Status LmdbStore::flush() {
  std::unique_lock lock(mutex_);
  if (has_failed_) return refuse_flush();
  const std::vector<const Batch*> batches = to_write_;
  const Frozen* const frozen = to_fold_;
  is_flushing_ = true;
  lock.unlock();

  if (frozen != nullptr && fold_ == nullptr) {
    fold_ = std::make_unique<lmdb::Fold>(frozen->table, medium_.marks().folded, frozen->through);
  }
  const Status status = batches.empty() ? Status::ok : write(batches);

  lock.lock();
  is_flushing_ = false;
  return status;
}

// Folds twice as much as the batches can have added to a table, so that one is folded before the next is full. When
// there is no room for both, what was asked for comes first.
Status LmdbStore::write(const std::vector<const Batch*>& batches) {
  const std::size_t step = options_.table_entries_max / kFoldSteps + 1;
  for (const Batch* batch : batches) fold_debt_ += 2 * batch->entries();
  const bool folds = fold_ != nullptr && fold_debt_ >= std::min(step, fold_->left());
  int error = 0;
  do error = medium_.write(batches, folds ? fold_.get() : nullptr, fold_debt_);
  while (grow_after(error));
  const bool is_postponed = folds && lmdb::status_of(error) == Status::full;
  if (is_postponed) error = medium_.write(batches, nullptr, 0);
  if (error != 0) return fail_flush(error);
  if (fold_ == nullptr || (folds && !is_postponed)) fold_debt_ = 0;

  const std::lock_guard lock(mutex_);
  written_ = batches.back()->number;
  to_write_.erase(to_write_.begin(), to_write_.begin() + static_cast<std::ptrdiff_t>(batches.size()));
  if (fold_ != nullptr && fold_->is_done()) {
    fold_.reset();
    to_fold_ = nullptr;
    is_folded_ = true;
  }
  return Status::ok;
}

// Whether to try again, in a larger map.
bool LmdbStore::grow_after(int error) {
  if (error != MDB_MAP_FULL) return false;
  if (owner_ == std::this_thread::get_id()) return medium_.grow(sealed_bytes_, unfolded()) == 0;
  const std::lock_guard lock(mutex_);
  wants_room_ = true;
  return false;
}

Status LmdbStore::fail_flush(int error) {
  const std::lock_guard lock(mutex_);
  flush_problem_ = "store " + options_.path + ": writing failed: " + mdb_strerror(error);
  if (lmdb::status_of(error) == Status::full) return Status::full;
  has_failed_ = true;
  return Status::io;
}

// After a sync that failed the system may have dropped what it did not write, and the next sync would say nothing.
Status LmdbStore::refuse_flush() {
  flush_problem_ =
      "store " + options_.path + ": writing failed before, and what is on the medium is not known: " + "open it again";
  return Status::io;
}

void LmdbStore::flushed() {
  std::unique_lock lock(mutex_);
  const std::uint64_t written = written_;
  const bool is_folded = std::exchange(is_folded_, false);
  lock.unlock();

  const int error = medium_.renew();
  if (error != 0) {
    note(std::string("reading failed: ") + mdb_strerror(error));
    lock.lock();
    is_folded_ = is_folded;
    return;
  }
  while (batches_.size() > 1 && batches_.front()->number <= written) {
    sealed_bytes_ -= batches_.front()->size();
    batches_.pop_front();
  }
  std::erase_if(restamped_, [written](const auto& entry) { return entry.second.batch <= written; });
  std::erase_if(facts_, [written](const auto& entry) { return entry.second.batch <= written; });
  if (is_folded) frozen_.reset();
  make_room();
}

const char* LmdbStore::problem() const {
  const std::lock_guard lock(mutex_);
  if (!flush_problem_.empty()) problem_ = std::exchange(flush_problem_, {});
  return problem_.c_str();
}

}  // namespace grid::storage
