// SPDX-License-Identifier: Apache-2.0

#include "storage/lmdb/batch.h"

#include <algorithm>

#include "crdt/hash.h"

namespace grid::storage::lmdb {

MutBytes Blocks::take(std::size_t size) {
  used_ += size;
  if (size > room_.size()) {
    const std::size_t block = std::max(size, std::clamp(used_, kBlockBytesMin, kBlockBytesMax));
    blocks_.push_back(std::make_unique_for_overwrite<std::uint8_t[]>(block));
    room_ = {blocks_.back().get(), block};
  }
  const MutBytes taken = room_.first(size);
  room_ = room_.subspan(size);
  return taken;
}

// Counts the bookkeeping too, so that a flood of small things is bounded as well.
std::size_t Batch::size() const {
  return bytes.used() + fact_bytes + records.size() * sizeof(Bytes) + rewrites.size() * sizeof(rewrites[0]) +
         (superseded.size() + kept.size() + released.size()) * sizeof(Seq);
}

NameTable::Slot& NameTable::slot_of(std::string_view name, std::uint64_t hash) {
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  std::size_t at = hash & (slots_.size() - 1);
  while (slots_[at].place != 0 && (slots_[at].tag != tag || names_[slots_[at].place - 1].name != name)) {
    at = (at + 1) & (slots_.size() - 1);
  }
  return slots_[at];
}

void NameTable::set(std::string_view name, Seq seq) {
  const std::uint64_t hash = crdt::hash64(as_bytes(name));
  Slot& slot = slot_of(name, hash);
  if (slot.place != 0) {
    names_[slot.place - 1].seq = seq;
    return;
  }
  const MutBytes kept = bytes_.take(name.size());
  copy(as_bytes(name), kept);
  names_.push_back({as_text(kept), seq});
  slot = {static_cast<std::uint32_t>(hash >> 32), static_cast<std::uint32_t>(names_.size())};
  if (!order_.empty()) order_.emplace(names_.back().name, &names_.back());
  if (2 * names_.size() > slots_.size()) grow();
}

void NameTable::grow() {
  slots_.assign(2 * slots_.size(), {});
  std::uint32_t place = 0;
  for (const Name& each : names_) {
    const std::uint64_t hash = crdt::hash64(as_bytes(each.name));
    slot_of(each.name, hash) = {static_cast<std::uint32_t>(hash >> 32), ++place};
  }
}

const Seq* NameTable::find(std::string_view name) {
  const Slot& slot = slot_of(name, crdt::hash64(as_bytes(name)));
  return slot.place == 0 ? nullptr : &names_[slot.place - 1].seq;
}

const NameTable::Name* NameTable::next(std::string_view name) {
  if (order_.empty()) {
    for (const Name& each : names_) order_.emplace(each.name, &each);
  }
  const auto found = order_.upper_bound(name);
  return found == order_.end() ? nullptr : found->second;
}

}  // namespace grid::storage::lmdb
