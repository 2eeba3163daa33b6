// SPDX-License-Identifier: Apache-2.0

#include "crdt/datalog/symbols.h"

#include "crdt/hash.h"

namespace grid::datalog {
namespace {

std::uint32_t hash_of(Bytes content) {
  const std::uint64_t hash = crdt::hash64(content);
  return static_cast<std::uint32_t>(hash ^ (hash >> 32));
}

}  // namespace

std::size_t Symbols::slot_of(std::uint32_t hash, Bytes content) const {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
    if (slots_[at] == 0) return at;
    const std::uint32_t symbol = slots_[at] - 1;
    if (entry(symbol).hash == hash && equal(bytes_of(symbol), content)) return at;
  }
}

std::uint32_t Symbols::find(Bytes content) const {
  if (slots_.empty()) return kNoSymbol;
  const std::uint32_t found = slots_[slot_of(hash_of(content), content)];
  return found == 0 ? kNoSymbol : found - 1;
}

Result<std::uint32_t> Symbols::intern(Bytes content) {
  if (content.size() > UINT32_MAX) return Status::full;
  // Full to three quarters at most.
  if ((count_ + 1) * 4 > slots_.size() * 3) GRID_TRY(widen());
  const std::uint32_t hash = hash_of(content);
  const std::size_t slot = slot_of(hash, content);
  if (slots_[slot] != 0) return slots_[slot] - 1;
  std::uint8_t* bytes = nullptr;
  if (content.size() > sizeof(Entry::own)) {
    bytes = region_.take_many<std::uint8_t>(content.size());
    if (bytes == nullptr) return Status::full;
    copy(content, {bytes, content.size()});
  }
  const Result<std::uint32_t> number = new_number();
  if (!number.ok()) {
    region_.give(bytes, content.size());
    return number.status();
  }
  Entry& at = entry(*number);
  at = {};
  if (bytes != nullptr) at.bytes = bytes;
  if (bytes == nullptr) copy(content, at.own);
  at.size = static_cast<std::uint32_t>(content.size());
  at.hash = hash;
  slots_[slot] = *number + 1;
  ++count_;
  return number;
}

void Symbols::release(std::uint32_t symbol) {
  Entry& at = entry(symbol);
  GRID_CHECK(at.holders > 0);
  if (--at.holders == 0) forget(symbol);
}

Status Symbols::widen() {
  Growing<std::uint32_t> wider(region_);
  GRID_TRY(wider.resize(slots_.empty() ? 16 : 2 * slots_.size()));
  const std::size_t mask = wider.size() - 1;
  for (const std::uint32_t held : slots_) {
    if (held == 0) continue;
    std::size_t at = entry(held - 1).hash & mask;
    while (wider[at] != 0) at = (at + 1) & mask;
    wider[at] = held;
  }
  slots_.swap(wider);
  return Status::ok;
}

Result<std::uint32_t> Symbols::new_number() {
  if (free_ != kNoSymbol) {
    const std::uint32_t number = free_;
    free_ = entry(number).next_free;
    return number;
  }
  if (used_ == UINT32_MAX / 2) return Status::full;
  if (used_ % kBlock == 0) {
    auto* const block = region_.take_many<Entry>(kBlock);
    if (block == nullptr) return Status::full;
    if (const Status status = blocks_.push(block); status != Status::ok) {
      region_.give_many(block, kBlock);
      return status;
    }
  }
  return used_++;
}

void Symbols::forget(std::uint32_t symbol) {
  Entry& at = entry(symbol);
  empty_slot(slot_of(at.hash, bytes_of(symbol)));
  if (at.size > sizeof(at.own)) region_.give(at.bytes, at.size);
  at.next_free = free_;
  at.holders = kForgotten;
  free_ = symbol;
  --count_;
}

// What stands behind moves up, so that whatever is sought is found before an empty slot.
void Symbols::empty_slot(std::size_t slot) {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t next = (slot + 1) & mask; slots_[next] != 0; next = (next + 1) & mask) {
    const std::size_t home = entry(slots_[next] - 1).hash & mask;
    if (((next - home) & mask) < ((next - slot) & mask)) continue;
    slots_[slot] = slots_[next];
    slot = next;
  }
  slots_[slot] = 0;
}

}  // namespace grid::datalog
