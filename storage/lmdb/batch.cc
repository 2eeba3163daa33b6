// SPDX-License-Identifier: Apache-2.0

#include "storage/lmdb/batch.h"

namespace grid::storage::lmdb {

MutBytes Blocks::take(std::size_t size) {
  used_ += size;
  if (size > kBlockBytes / 4) {
    blocks_.push_back(std::make_unique<std::uint8_t[]>(size));
    return {blocks_.back().get(), size};
  }
  if (size > room_.size()) {
    blocks_.push_back(std::make_unique<std::uint8_t[]>(kBlockBytes));
    room_ = {blocks_.back().get(), kBlockBytes};
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

void NameTable::set(std::string_view name, Seq seq) {
  const auto found = names_.find(name);
  if (found != names_.end()) {
    found->second = seq;
    return;
  }
  const MutBytes kept = bytes_.take(name.size());
  copy(as_bytes(name), kept);
  names_.emplace(as_text(kept), seq);
}

const Seq* NameTable::find(std::string_view name) const {
  const auto found = names_.find(name);
  return found == names_.end() ? nullptr : &found->second;
}

const NameTable::Names::value_type* NameTable::next(std::string_view name) const {
  const auto found = names_.upper_bound(name);
  return found == names_.end() ? nullptr : &*found;
}

}  // namespace grid::storage::lmdb
