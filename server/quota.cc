// SPDX-License-Identifier: Apache-2.0

#include "server/quota.h"

#include <algorithm>

namespace grid::server {

namespace {

constexpr std::uint64_t kSecondMs = 1'000;

bool exceeds(std::uint64_t held, std::int64_t growth, std::uint64_t limit) {
  if (limit == 0 || growth <= 0) return false;
  return held >= limit || static_cast<std::uint64_t>(growth) > limit - held;
}

std::string sentence_of(const char* what, std::uint64_t held, std::uint64_t limit, const char* key) {
  return "the app is full: it holds " + std::to_string(held) + " of " + std::to_string(limit) + " " + what + " (" +
         key + ")";
}

}  // namespace

void Debts::note(crdt::NodeId node, std::uint64_t time, std::uint64_t op, std::uint64_t paid) {
  const auto known = debts_.find(node);
  if (known == debts_.end() && debts_.size() >= kNodesMax) {
    unkept_ = op;
    return;
  }
  Debt& debt = known == debts_.end() ? debts_[node] : known->second;
  nodes_.erase(debt.rest.op);
  nodes_[op] = node;
  if (time <= debt.rest.time) {
    // Its stamp does not tell it from what came before: all of it is one part.
    debt = {};
  } else if (debt.first.op <= paid) {
    debt.paid_time = debt.first.time;
    debt.first = debt.rest;
  }
  debt.rest = {time, op};
}

std::uint64_t Debts::op_of(crdt::NodeId node, std::uint64_t time) const {
  const auto known = debts_.find(node);
  if (known == debts_.end()) return unkept_;
  const Debt& debt = known->second;
  if (time <= debt.paid_time) return 0;
  return time <= debt.first.time ? debt.first.op : debt.rest.op;
}

void Debts::forget_through(std::uint64_t paid) {
  while (!nodes_.empty() && nodes_.begin()->first <= paid) {
    debts_.erase(nodes_.begin()->second);
    nodes_.erase(nodes_.begin());
  }
}

Status Quota::judge(const Journal::Held& growth, std::string& sentence) const {
  const Journal::Held& held = journal_.held();
  const auto cells = static_cast<std::uint64_t>(held.cells);
  const auto bytes = static_cast<std::uint64_t>(held.bytes);
  if (exceeds(cells, growth.cells, limits_.cells)) {
    sentence = sentence_of("cells", cells, limits_.cells, "quota.cells");
    return Status::full;
  }
  if (exceeds(bytes, growth.bytes, limits_.bytes)) {
    sentence = sentence_of("bytes", bytes, limits_.bytes, "quota.bytes");
    return Status::full;
  }
  return Status::ok;
}

std::uint64_t Quota::take(crdt::NodeId node, std::uint64_t time) {
  const std::uint64_t op = take();
  if (op > paid()) debts_.note(node, time, op, paid());
  return op;
}

void Quota::advance(std::uint64_t now_ms) {
  count_paid(now_ms);
  debts_.forget_through(paid());
}

void Quota::count_paid(std::uint64_t now_ms) {
  const std::uint64_t passed_ms = now_ms - std::min(now_ms, paid_through_ms_);
  paid_through_ms_ = std::max(paid_through_ms_, now_ms);
  const std::uint64_t rate = limits_.ops_per_second;
  if (rate == 0) {
    paid_ = taken_;
    return;
  }
  // More than what was taken and a second's worth is never paid; so long a pause pays for all of it.
  const std::uint64_t most = taken_ + rate;
  const std::uint64_t whole_ms = ((most - std::min(most, paid_)) / rate + 1) * kSecondMs;
  change_ += std::min(passed_ms, whole_ms) * rate;
  paid_ += change_ / kSecondMs;
  change_ %= kSecondMs;
  if (paid_ < most) return;
  paid_ = most;
  change_ = 0;
}

std::uint64_t Quota::paid_at_ms(std::uint64_t op) const {
  if (op <= paid()) return paid_through_ms_;
  const std::uint64_t rate = limits_.ops_per_second;
  const std::uint64_t thousandths = (op - paid_) * kSecondMs - change_;
  return paid_through_ms_ + std::max((thousandths + rate - 1) / rate, kStepMs);
}

}  // namespace grid::server
