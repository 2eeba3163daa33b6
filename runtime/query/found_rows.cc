// SPDX-License-Identifier: Apache-2.0

#include "runtime/query/found_rows.h"

#include <algorithm>

namespace grid::runtime {

Status FoundRows::add(const query::Row& row, const crdt::Op& op) {
  const auto is_before_row = [this](const FoundRow& a, const FoundRow& b) { return is_before(a, b); };
  const bool is_enough = limit_ != 0 && rows_.size() == limit_;
  if (is_enough && sort_.compare(sort_.place_of(row), rows_.front().place) >= 0) return Status::ok;
  if (is_enough) {
    std::pop_heap(rows_.begin(), rows_.end(), is_before_row);
    bytes_ -= rows_.back().bytes.size() + sizeof(FoundRow);
    rows_.pop_back();
  }
  FoundRow found;
  found.bytes.reserve(row.key.size() + row.value.canonical().size());
  const Bytes key = as_bytes(row.key);
  found.bytes.insert(found.bytes.end(), key.begin(), key.end());
  found.bytes.insert(found.bytes.end(), row.value.canonical().begin(), row.value.canonical().end());
  found.key_bytes = key.size();
  bytes_ += found.bytes.size() + sizeof(FoundRow);
  if (bytes_ > bytes_max_) return Status::full;
  found.place = sort_.place_of(found.row());
  found.stamp = op.cell.stamp;
  found.local = op.local;
  rows_.push_back(std::move(found));
  if (limit_ != 0) std::push_heap(rows_.begin(), rows_.end(), is_before_row);
  return Status::ok;
}

const std::vector<FoundRow>& FoundRows::sorted() {
  std::sort(rows_.begin(), rows_.end(), [this](const FoundRow& a, const FoundRow& b) { return is_before(a, b); });
  return rows_;
}

}  // namespace grid::runtime
