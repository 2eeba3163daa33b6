// SPDX-License-Identifier: Apache-2.0

#include "server/leaps.h"

#include <algorithm>

namespace grid::server {

using storage::Seq;

void Leaps::begin(const RowFinder& finder, std::string_view map, const query::Predicate& where) {
  finder_ = &finder;
  through_ = 0;
  if (find(map, where)) end_ = indexed_;
}

bool Leaps::find(std::string_view map, const query::Predicate& where) {
  const std::optional<RowFinder::Found> found = finder_->find(map, where, through_, kRecordsMax);
  if (!found) return end(), false;
  through_ = found->through;
  indexed_ = found->indexed;
  found_.assign(found->seqs.begin(), found->seqs.end());
  return true;
}

void Leaps::note(Seq seq) {
  if (seq > end_) return;
  if (noted_.size() == kRecordsMax) return end();
  noted_.insert(seq);
}

Seq Leaps::leap(Seq position, std::string_view map, const query::Predicate& where) {
  while (is_on()) {
    while (!found_.empty() && found_.front() <= position) found_.pop_front();
    noted_.erase(noted_.begin(), noted_.upper_bound(position));
    if (found_.empty() && through_ < end_) {
      find(map, where);
      continue;
    }
    Seq next = found_.empty() ? UINT64_MAX : found_.front();
    if (!noted_.empty()) next = std::min(next, *noted_.begin());
    if (next <= end_) return next - 1;
    position = std::max(position, end_);
    end();
  }
  return position;
}

}  // namespace grid::server
