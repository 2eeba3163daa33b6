// SPDX-License-Identifier: Apache-2.0
//
// Entries stand sorted in blocks, so that adding one moves half a block at most.

#include "runtime/query/index.h"

#include <algorithm>

namespace grid::runtime {
namespace {

constexpr std::size_t kSweepsPerEntry = 2;

// Whether the log still has the record `seq`.
bool is_there(crdt::Seq seq, storage::Store& store) {
  const Result<crdt::Op> op = store.next_op(seq - 1);
  return op.ok() ? op->seq == seq : op.status() != Status::not_found;
}

}  // namespace

Index::Index(std::string_view map, std::string_view path_text, Bytes path, IndexKind kind, std::size_t& bytes_left,
             crdt::Seq head)
    : map_(map),
      path_text_(path_text),
      path_(path.begin(), path.end()),
      kind_(kind),
      bytes_left_(bytes_left),
      swept_behind_(head) {}

void Index::note(const crdt::Op& op) {
  position_ = op.seq;
  if (is_over_cap_ || op.cell.name.map != map_ || !op.cell.name.sub.empty() || op.cell.is_tombstone()) return;
  query::Path::Room room;
  const crdt::Value value = path().of({op.cell.name.key, crdt::Value(op.cell.value)}, room);
  if (!is_indexed(value)) return;
  insert({kind_ == IndexKind::hash ? hash_code(value) : order_code(value), op.seq});
  if (op.seq > swept_behind_) unswept_ += kSweepsPerEntry;
}

Index::Spot Index::spot_of(const Entry& entry) const {
  const auto after = std::upper_bound(blocks_.begin(), blocks_.end(), entry,
                                      [](const Entry& one, const Block& block) { return one < block.front(); });
  if (after == blocks_.begin()) return {0, 0};
  const Block& block = *(after - 1);
  const auto at = std::lower_bound(block.begin(), block.end(), entry);
  return {static_cast<std::size_t>(after - blocks_.begin()) - 1, static_cast<std::size_t>(at - block.begin())};
}

void Index::insert(const Entry& entry) {
  if (blocks_.empty()) {
    if (!take_block()) return give_up();
    blocks_.emplace_back().reserve(kBlockEntries);
  }
  Spot spot = spot_of(entry);
  if (blocks_[spot.block].size() == kBlockEntries) {
    if (!take_block()) return give_up();
    split(spot.block);
    spot = spot_of(entry);
  }
  Block& block = blocks_[spot.block];
  block.insert(block.begin() + static_cast<std::ptrdiff_t>(spot.at), entry);
  ++entries_;
}

bool Index::take_block() {
  if (bytes_left_ < kBlockBytes) return false;
  bytes_left_ -= kBlockBytes;
  return true;
}

// What grows at its end, as times do, leaves full blocks behind.
void Index::split(std::size_t block) {
  const bool is_last = block + 1 == blocks_.size();
  const std::size_t kept = is_last ? kBlockEntries - 1 : kBlockEntries / 2;
  Block upper;
  upper.reserve(kBlockEntries);
  Block& lower = blocks_[block];
  upper.assign(lower.begin() + static_cast<std::ptrdiff_t>(kept), lower.end());
  lower.resize(kept);
  blocks_.insert(blocks_.begin() + static_cast<std::ptrdiff_t>(block) + 1, std::move(upper));
}

void Index::sweep(storage::Store& store) {
  for (; unswept_ > 0; --unswept_) sweep_one(store);
}

// Looks at one entry, and lets go of it when its record is gone.
void Index::sweep_one(storage::Store& store) {
  if (blocks_.empty()) return;
  if (sweep_block_ >= blocks_.size()) sweep_block_ = sweep_at_ = 0;
  Block& block = blocks_[sweep_block_];
  if (sweep_at_ >= block.size()) {
    ++sweep_block_;
    sweep_at_ = 0;
    return;
  }
  if (is_there(block[sweep_at_].seq, store)) {
    ++sweep_at_;
    return;
  }
  block.erase(block.begin() + static_cast<std::ptrdiff_t>(sweep_at_));
  --entries_;
  if (!block.empty()) return;
  blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(sweep_block_));
  bytes_left_ += kBlockBytes;
}

void Index::give_up() {
  bytes_left_ += bytes();
  blocks_ = {};
  entries_ = 0;
  is_over_cap_ = true;
}

std::size_t Index::count(const CodeRange& range) const {
  if (blocks_.empty() || range.last < range.first) return 0;
  const Spot first = spot_of({range.first, 0});
  const Spot last = spot_of({range.last, UINT64_MAX});
  std::size_t count = 0;
  for (std::size_t i = first.block; i < last.block; ++i) count += blocks_[i].size();
  return count + last.at - first.at;
}

void Index::collect(const CodeRange& range, std::vector<crdt::Seq>& into) const {
  if (blocks_.empty() || range.last < range.first) return;
  const Spot first = spot_of({range.first, 0});
  const Spot last = spot_of({range.last, UINT64_MAX});
  for (std::size_t i = first.block; i <= last.block; ++i) {
    const std::size_t from = i == first.block ? first.at : 0;
    const std::size_t to = i == last.block ? last.at : blocks_[i].size();
    for (std::size_t at = from; at < to; ++at) into.push_back(blocks_[i][at].seq);
  }
}

}  // namespace grid::runtime
