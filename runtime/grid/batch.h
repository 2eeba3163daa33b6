// SPDX-License-Identifier: Apache-2.0
//
// Batch: rows that are written all at once or not at all.
//
// Place     Above grid.h. An application that includes nothing of it links nothing of it.
// Promises  After a power cut either all rows of a batch are here or none. Those that share a partition, which is a
//           hash of map and key, are taken or refused by a gateway as one, too.
// Ownership A batch lives on your stack, with room for its values; names are kept by reference.
#pragma once

#include <span>

#include "runtime/edit.h"
#include "runtime/grid/grid.h"

namespace grid {

// The rows; BatchOf<> has the room for them.
class Batch {
 public:
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  // What is wrong with it comes out of commit().
  void put(std::string_view map, std::string_view key, std::initializer_list<Field> record, std::uint64_t ttl_ms = 0);
  void put(std::string_view map, std::string_view key, const Value& value, std::uint64_t ttl_ms = 0);
  void remove(std::string_view map, std::string_view key);
  std::size_t count() const { return count_; }
  void clear();

  // Writes all of it. The outcome is that of the last row: what a gateway refuses before it is told as any refusal.
  //   invalid    A row breaks a rule, or two are of one key.
  //   too_large  More rows or bytes than the batch has room for, or than one frame holds of one partition.
  //   full       The log or the store has no room for all of it.
  Write commit(Node& node);

 protected:
  Batch(MutBytes values, std::span<runtime::RowWrite> rows) : values_(values), rows_(rows) {}
  ~Batch() = default;

 private:
  void add(std::string_view map, std::string_view key, Bytes value, std::uint64_t ttl_ms);

  MutBytes values_;
  std::span<runtime::RowWrite> rows_;
  std::size_t used_ = 0;
  std::size_t count_ = 0;
  Status status_ = Status::ok;
};

// With room for so many bytes of values and so many rows (64 at most in one batch).
template <std::size_t kValueBytes = 1'024, std::size_t kRows = 16>
class BatchOf final : public Batch {
  static_assert(kRows <= runtime::kBatchRowsMax);

 public:
  BatchOf() : Batch(values_room_, rows_room_) {}

 private:
  std::uint8_t values_room_[kValueBytes];
  runtime::RowWrite rows_room_[kRows];
};

}  // namespace grid
