// SPDX-License-Identifier: Apache-2.0

#include "runtime/query/fact_expiries.h"

#include <algorithm>

#include "runtime/machine.h"

namespace grid::runtime {

namespace {

constexpr std::size_t kNodesBytes = 128;  // Of both maps, beside what they hold.

}  // namespace

std::size_t FactExpiries::bytes_of(const Name& name) {
  return kNodesBytes + sizeof(name) + name.first.size() + name.second.size();
}

FactExpiries::ByName::iterator FactExpiries::erase(ByName::iterator at) {
  bytes_ -= bytes_of(at->first);
  by_time_.erase(at->second);
  return by_name_.erase(at);
}

void FactExpiries::note(std::string_view key, std::string_view sub, std::uint64_t expires_ms) {
  if (expires_ms == 0 && by_name_.empty()) return;
  Name name(key, sub);
  if (const auto known = by_name_.find(name); known != by_name_.end()) {
    if (known->second->first == expires_ms) return;
    erase(known);
  }
  if (expires_ms == 0) return;
  bytes_ += bytes_of(name);
  const auto at = by_name_.emplace(std::move(name), by_time_.end()).first;
  at->second = by_time_.emplace(expires_ms, &at->first);
}

void FactExpiries::forget(std::string_view key) {
  if (by_name_.empty()) return;
  for (auto at = by_name_.lower_bound({std::string(key), {}}); at != by_name_.end() && at->first.first == key;) {
    at = erase(at);
  }
}

void FactExpiries::clear() {
  by_name_.clear();
  by_time_.clear();
  bytes_ = 0;
}

// A cell lives until the moment that it names, and not in it.
void FactExpiries::pass_to(std::uint64_t known_ms, Names& touched) {
  const std::uint64_t from_ms = std::min(known_ms_, known_ms), to_ms = std::max(known_ms_, known_ms);
  known_ms_ = known_ms;
  for (auto at = by_time_.upper_bound(from_ms); at != by_time_.end() && at->first <= to_ms; ++at) {
    touched.insert(*at->second);
  }
}

std::uint64_t FactExpiries::next_ms() const {
  if (known_ms_ == 0) return kNever;
  const auto next = by_time_.upper_bound(known_ms_);
  return next == by_time_.end() ? kNever : next->first;
}

}  // namespace grid::runtime
