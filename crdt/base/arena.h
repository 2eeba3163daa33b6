// SPDX-License-Identifier: Apache-2.0
//
// Arena and Vec: memory that the caller brings, carved at construction and never grown.
//
// Place     Beside bytes.h. All memory of crdt/ and of the client half of runtime/ comes through here.
// Promises  No call allocates. Exhaustion is a null span or Status::full, never a throw.
// Ownership The arena borrows its memory for life; a Vec borrows its slots from an arena. Only trivially
//           destructible types: nothing is ever destroyed, the memory just goes away.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <type_traits>

#include "crdt/base/bytes.h"
#include "crdt/base/check.h"
#include "crdt/base/status.h"

namespace grid {

class Arena {
 public:
  explicit Arena(MutBytes memory) : memory_(memory) {}

  // `count` value-initialised slots of T. Empty when the memory does not suffice.
  template <typename T>
  std::span<T> make(std::size_t count) {
    static_assert(std::is_trivially_destructible_v<T>);
    T* slots = static_cast<T*>(take(sizeof(T), count, alignof(T)));
    if (slots == nullptr) return {};
    for (std::size_t i = 0; i < count; ++i) new (slots + i) T{};
    return {slots, count};
  }

  // Room for `count` things of `bytes` each; null when the memory does not suffice.
  // Not a part of make(), where each T would have a copy of it.
  [[gnu::noinline]] void* take(std::size_t bytes, std::size_t count, std::size_t alignment) {
    void* at = memory_.data() + used_;
    std::size_t space = memory_.size() - used_;
    if (count > space / bytes || std::align(alignment, bytes * count, at, space) == nullptr) return nullptr;
    used_ = memory_.size() - space + bytes * count;
    return at;
  }

  // A copy of `text` that lives as long as the arena's memory does; empty when there is no room.
  std::string_view keep(std::string_view text) {
    std::span<char> room = make<char>(text.size());
    if (room.empty()) return {};
    std::memcpy(room.data(), text.data(), text.size());
    return {room.data(), room.size()};
  }

  // Forgets all that was made: for scratch memory, at the start of each step.
  void reset() { used_ = 0; }
  std::size_t used() const { return used_; }

 private:
  MutBytes memory_;
  std::size_t used_ = 0;
};

// A sequence in slots of fixed number.
template <typename T>
class Vec {
 public:
  Vec() = default;
  explicit Vec(std::span<T> slots) : slots_(slots) {}

  Status push(const T& item) {
    if (size_ == slots_.size()) return Status::full;
    slots_[size_++] = item;
    return Status::ok;
  }
  void remove_at(std::size_t index) {
    GRID_CHECK(index < size_);
    for (std::size_t i = index + 1; i < size_; ++i) slots_[i - 1] = slots_[i];
    --size_;
  }
  void clear() { size_ = 0; }

  std::size_t size() const { return size_; }
  std::size_t capacity() const { return slots_.size(); }
  bool empty() const { return size_ == 0; }
  bool full() const { return size_ == slots_.size(); }
  T& operator[](std::size_t index) { return slots_[index]; }
  const T& operator[](std::size_t index) const { return slots_[index]; }
  T* begin() { return slots_.data(); }
  T* end() { return slots_.data() + size_; }
  const T* begin() const { return slots_.data(); }
  const T* end() const { return slots_.data() + size_; }
  std::span<const T> span() const { return slots_.first(size_); }

 private:
  std::span<T> slots_;
  std::size_t size_ = 0;
};

}  // namespace grid
