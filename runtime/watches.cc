// SPDX-License-Identifier: Apache-2.0

#include "runtime/watches.h"

namespace grid::runtime {

Result<std::uint32_t> Watches::add(std::uint32_t pull) {
  GRID_TRY(watches_.push({.id = next_id_, .pull = pull, .born = store_.head()}));
  return next_id_++;
}

Result<std::uint32_t> Watches::remove(std::uint32_t id) {
  for (std::size_t i = 0; i < watches_.size(); ++i) {
    if (watches_[i].id != id) continue;
    const std::uint32_t pull = watches_[i].pull;
    watches_.remove_at(i);
    return pull;
  }
  return Status::not_found;
}

Status Watches::advance(ActionList& actions, std::uint64_t known_ms) {
  std::uint32_t looks = 0;
  for (Watch& watch : watches_) GRID_TRY(advance(watch, actions, known_ms, looks));
  return Status::ok;
}

bool Watches::tell(const crdt::Op& op, std::uint32_t& told, ActionList& actions) {
  for (const Watch& watch : watches_) {  // In the order of their ids.
    if (watch.id <= told) continue;
    const Pull* pull = pulls_.find(watch.pull);
    const bool knows = watch.position >= op.seq && pull != nullptr && pull->scope.get().matches(op.cell.name);
    if (knows && actions.full()) return false;
    if (knows) actions.add({.kind = Action::Kind::changed, .watch = watch.id, .seq = op.seq});
    told = watch.id;
  }
  return true;
}

bool Watches::are_behind() const {
  for (const Watch& watch : watches_) {
    if (watch.position < store_.head()) return true;
  }
  return false;
}

Status Watches::advance(Watch& watch, ActionList& actions, std::uint64_t known_ms, std::uint32_t& looks) {
  const Pull* pull = pulls_.find(watch.pull);
  if (pull == nullptr) {  // It was ended as a subscription: nothing is watched any more.
    watch.position = store_.head();
    return Status::ok;
  }
  const Scope scope = pull->scope.get();
  while (watch.position < store_.head() && !actions.full() && looks < kLooksMax) {
    const Result<crdt::Op> op = store_.next_op(watch.position);
    ++looks;
    if (op.status() == Status::not_found) {
      watch.position = store_.head();
      return Status::ok;
    }
    if (!op.ok()) return op.status();
    watch.position = op->seq;
    if (!scope.matches(op->cell.name)) continue;
    if (op->seq <= watch.born && !op->cell.is_live(known_ms)) continue;
    actions.add({.kind = Action::Kind::changed, .watch = watch.id, .seq = op->seq});
  }
  return Status::ok;
}

}  // namespace grid::runtime
