// SPDX-License-Identifier: Apache-2.0
//
// Region: memory that grows by chunks, up to a stated limit, and is reused in pieces: for what changes its size while
// it lives, where an Arena does not do.
//
// Place     Beside arena.h. Chunks is what a machine lends: a heap behind it on Linux, one array on a chip.
// Promises  Exhaustion is null, never a throw. What a region has taken is never more than its limit, and all of it goes
//           back to its Chunks with the region.
// Ownership Whoever took a piece gives it back with the size that it was taken with, or leaves it to the region's end.
//           Pieces are not merged again: what was cut up for small ones serves small ones for good.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

#include "crdt/base/bytes.h"
#include "crdt/base/check.h"
#include "crdt/base/status.h"

namespace grid {

class Chunks {
 public:
  // So many bytes, aligned for anything; null when there are none.
  virtual void* take(std::size_t bytes) = 0;
  // `bytes` is what take() was called with.
  virtual void give(void* chunk, std::size_t bytes) = 0;

 protected:
  ~Chunks() = default;
};

// One array, that is lent to one region as one chunk.
class FixedChunk final : public Chunks {
 public:
  explicit FixedChunk(MutBytes memory) : memory_(memory) {}

  void* take(std::size_t bytes) override {
    if (is_lent_ || bytes > memory_.size()) return nullptr;
    is_lent_ = true;
    return memory_.data();
  }
  void give(void*, std::size_t) override { is_lent_ = false; }

 private:
  MutBytes memory_;
  bool is_lent_ = false;
};

class Region {
 public:
  static constexpr std::size_t kChunkBytesMin = 64;

  // Pieces larger than a chunk are chunks of their own.
  Region(Chunks& chunks, std::size_t chunk_bytes, std::size_t limit_bytes)
      : chunks_(chunks), chunk_bytes_(chunk_bytes), limit_(limit_bytes) {
    GRID_CHECK(chunk_bytes >= kChunkBytesMin);
  }
  ~Region() {
    while (first_ != nullptr) give_chunk(first_);
  }
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;

  // Aligned for words of eight bytes. Null when the limit or the machine is exhausted.
  void* take(std::size_t bytes) {
    if (sizeof(bytes) < 8 && bytes > SIZE_MAX / 2) return nullptr;  // No rank has a number for it.
    const std::size_t rank = rank_of(bytes);
    const std::size_t whole = bytes_of(rank);
    if (whole > chunk_bytes_ - sizeof(Chunk)) return take_large(bytes);
    if (void* const piece = pop(rank)) return piece;
    if (whole > space_ && !grow()) return cut(rank);
    void* const piece = tail_;
    tail_ += whole;
    space_ -= whole;
    return piece;
  }
  void give(void* piece, std::size_t bytes) {
    if (piece == nullptr) return;
    const std::size_t rank = rank_of(bytes);
    if (bytes_of(rank) > chunk_bytes_ - sizeof(Chunk)) return give_chunk(static_cast<Chunk*>(piece) - 1);
    push(piece, rank);
  }

  // Room for `count` of T, not initialised.
  template <typename T>
  T* take_many(std::size_t count) {
    static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= 8);
    if (count > limit_ / kBytesOf<T>) return nullptr;
    return static_cast<T*>(take(count * kBytesOf<T>));
  }
  template <typename T>
  void give_many(T* pieces, std::size_t count) {
    give(pieces, count * kBytesOf<T>);
  }

  // A larger piece with what stands in `items`, `size` of `capacity` things of `bytes` each; `items` goes back. Null:
  // there is none, and all is as it was. One function for all kinds of things, where code is scarce.
  [[gnu::noinline]] void* enlarge(void* items, std::size_t size, std::size_t& capacity, std::size_t count,
                                  std::size_t bytes) {
    const std::size_t more = count < 2 * capacity ? 2 * capacity : count < 4 ? 4 : count;
    if (more > limit_ / bytes) return nullptr;
    void* const larger = take(more * bytes);
    if (larger == nullptr) return nullptr;
    if (size > 0) std::memcpy(larger, items, size * bytes);
    give(items, capacity * bytes);
    capacity = more;
    return larger;
  }

  // Of the machine's memory, with what is free in between.
  std::size_t taken() const { return taken_; }
  // The same without what was never cut from the last chunk.
  std::size_t reached() const { return taken_ - space_; }
  std::size_t limit() const { return limit_; }

 private:
  template <typename T>
  struct Slot {
    T item;  // A pointer as well.
  };
  template <typename T>
  static constexpr std::size_t kBytesOf = sizeof(Slot<T>);

  struct Chunk {
    Chunk* before;
    Chunk* behind;
    std::size_t bytes;
    std::size_t unused;  // Keeps what follows aligned.
  };
  static_assert(kChunkBytesMin >= 2 * sizeof(Chunk));
  struct Free {
    Free* next;
  };
  // Sizes that a machine of 32 bits can count, or 2^47 bytes.
  static constexpr std::size_t kRanks = sizeof(std::size_t) < 8 ? 55 : 88;
  static constexpr std::size_t kLeast = 16;

  // Two sizes to each doubling: 16, 24, 32, 48, 64, 96...
  static std::size_t rank_of(std::size_t bytes) {
    if (bytes <= kLeast) return 0;
    const auto power = static_cast<std::size_t>(std::bit_width(bytes - 1)) - 1;  // 2^power < bytes <= 2^(power + 1)
    const std::size_t half = std::size_t{3} << (power - 1);
    return 2 * (power - 4) + (bytes <= half ? 1 : 2);
  }
  static std::size_t bytes_of(std::size_t rank) {
    return rank % 2 == 0 ? kLeast << (rank / 2) : (kLeast + kLeast / 2) << (rank / 2);
  }

  void push(void* piece, std::size_t rank) { free_[rank] = new (piece) Free{free_[rank]}; }
  void* pop(std::size_t rank) {
    Free* const piece = free_[rank];
    if (piece != nullptr) free_[rank] = piece->next;
    return piece;
  }

  // What is left of a larger piece goes to the smaller ones.
  void* cut(std::size_t rank) {
    for (std::size_t larger = rank + 1; larger < kRanks && bytes_of(larger) < chunk_bytes_; ++larger) {
      void* const piece = pop(larger);
      if (piece == nullptr) continue;
      scatter(static_cast<std::uint8_t*>(piece) + bytes_of(rank), bytes_of(larger) - bytes_of(rank));
      return piece;
    }
    return nullptr;
  }
  void scatter(std::uint8_t* from, std::size_t bytes) {
    while (bytes >= kLeast) {
      std::size_t rank = rank_of(bytes);
      if (bytes_of(rank) > bytes) --rank;
      push(from, rank);
      from += bytes_of(rank);
      bytes -= bytes_of(rank);
    }
  }

  bool grow() {
    Chunk* const chunk = take_chunk(chunk_bytes_);
    if (chunk == nullptr) return false;
    scatter(tail_, space_);
    tail_ = reinterpret_cast<std::uint8_t*>(chunk + 1);
    space_ = chunk_bytes_ - sizeof(Chunk);
    return true;
  }
  void* take_large(std::size_t bytes) {
    if (bytes > limit_) return nullptr;
    Chunk* const chunk = take_chunk(bytes + sizeof(Chunk));
    return chunk == nullptr ? nullptr : chunk + 1;
  }
  Chunk* take_chunk(std::size_t bytes) {
    if (bytes > limit_ || taken_ > limit_ - bytes) return nullptr;
    void* const memory = chunks_.take(bytes);
    if (memory == nullptr) return nullptr;
    taken_ += bytes;
    first_ = new (memory) Chunk{nullptr, first_, bytes, 0};
    if (first_->behind != nullptr) first_->behind->before = first_;
    return first_;
  }
  void give_chunk(Chunk* chunk) {
    (chunk->before == nullptr ? first_ : chunk->before->behind) = chunk->behind;
    if (chunk->behind != nullptr) chunk->behind->before = chunk->before;
    taken_ -= chunk->bytes;
    chunks_.give(chunk, chunk->bytes);
  }

  Chunks& chunks_;
  std::size_t chunk_bytes_;
  std::size_t limit_;
  std::size_t taken_ = 0;
  Chunk* first_ = nullptr;
  std::uint8_t* tail_ = nullptr;
  std::size_t space_ = 0;
  Free* free_[kRanks] = {};
};

// A sequence that grows, in memory of a region. Its memory goes back when it ends.
template <typename T>
class Growing {
 public:
  explicit Growing(Region& region) : region_(&region) {}
  // Another one, empty, of the same region.
  static Growing beside(const Growing& other) { return Growing(*other.region_); }
  ~Growing() { forget(); }
  Growing(const Growing&) = delete;
  Growing& operator=(const Growing&) = delete;

  Status push(const T& item) {
    if (size_ == capacity_) GRID_TRY(reserve(size_ + 1));
    items_[size_++] = item;
    return Status::ok;
  }
  // Room for so many in all.
  Status reserve(std::size_t count) {
    if (count <= capacity_) return Status::ok;
    if constexpr (sizeof(void*) < 8) {
      void* const items = region_->enlarge(items_, size_, capacity_, count, sizeof(T));
      if (items == nullptr) return Status::full;
      items_ = static_cast<T*>(items);
      return Status::ok;
    }
    const std::size_t capacity = count < 2 * capacity_ ? 2 * capacity_ : count < 4 ? 4 : count;
    T* const items = region_->take_many<T>(capacity);
    if (items == nullptr) return Status::full;
    std::copy(items_, items_ + size_, items);
    region_->give_many(items_, capacity_);
    items_ = items;
    capacity_ = capacity;
    return Status::ok;
  }
  // What is new is T{}.
  Status resize(std::size_t count) {
    GRID_TRY(reserve(count));
    if (count > size_) std::fill(items_ + size_, items_ + count, T{});
    size_ = count;
    return Status::ok;
  }
  // What is new is not initialised.
  Status extend(std::size_t count) {
    GRID_TRY(reserve(size_ + count));
    size_ += count;
    return Status::ok;
  }
  void truncate(std::size_t count) { size_ = count; }
  void clear() { size_ = 0; }
  void forget() {
    region_->give_many(items_, capacity_);
    items_ = nullptr;
    size_ = capacity_ = 0;
  }
  void swap(Growing& other) {
    std::swap(region_, other.region_);
    std::swap(items_, other.items_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
  }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  T* data() { return items_; }
  const T* data() const { return items_; }
  T& operator[](std::size_t at) { return items_[at]; }
  const T& operator[](std::size_t at) const { return items_[at]; }
  T* begin() { return items_; }
  T* end() { return items_ + size_; }
  const T* begin() const { return items_; }
  const T* end() const { return items_ + size_; }

 private:
  Region* region_;
  T* items_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace grid
