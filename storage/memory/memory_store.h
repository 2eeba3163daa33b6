// SPDX-License-Identifier: Apache-2.0
//
// MemoryStore: the reference Store, and the disk of tests and of the simulator.
//
// Place     Implements storage/store.h in memory. Knows no file, no clock, no thread.
// Promises  Exactly those of store.h, with "the medium" being an image that crash() goes back to.
// Ownership A copy is an image of the store: both go on independently, and either may crash().
// Threads   As store.h says; crash(), fail_next_flush() and copying are for the store's own thread, while no
//           flush() is under way.
#pragma once

#include <atomic>
#include <deque>

#include "storage/memory/memory_image.h"
#include "storage/rewritable_store.h"

namespace grid::storage {

class MemoryStore final : public RewritableStore {
 public:
  struct Options {
    std::size_t value_bytes_max = kValueBytesMax;
    std::size_t batch_bytes_max = std::size_t{64} * 1'048'576;  // Of what is not flushed yet.
  };

  MemoryStore() = default;
  explicit MemoryStore(const Options& options) : options_(options) {}
  MemoryStore(const MemoryStore& other) { *this = other; }
  MemoryStore& operator=(const MemoryStore& other);

  // Loses what was not flushed, as a power cut does, but for the oldest `sealed_kept` of the sealed batches, which
  // happened to reach the medium. The store is then as if reopened.
  void crash(std::size_t sealed_kept = 0);
  // Lets the next flush() do nothing and return `status`.
  void fail_next_flush(Status status) { next_flush_.store(status); }

  Result<Seq> append(const crdt::Op& op) override;
  Status has_room(std::size_t appends, std::size_t bytes) override;
  Status restamp(Seq seq, crdt::Stamp stamp, std::uint64_t expires_ms) override;
  Status rewrite(Seq seq, Bytes value) override;
  Status share(Seq seq) override;
  Status settle(Seq seq) override;
  Seq shared() const override { return now_.shared(); }
  Seq settled() const override { return now_.settled(); }
  Status set_fact(std::string_view name, Bytes bytes) override;
  Result<Bytes> fact(std::string_view name) override;
  Result<Fact> next_fact(std::string_view prefix, std::string_view after) override;
  Result<crdt::Op> find(const crdt::CellName& name) override;
  Result<crdt::Op> next_cell(const crdt::CellName& after) override;
  Result<crdt::Op> next_op(Seq after) override;
  Seq head() const override { return now_.head(); }
  std::uint64_t seal() override;
  Status flush() override;
  void flushed() override { drop_through(durable_); }
  const char* problem() const override { return problem_; }

 private:
  struct Pending {
    std::uint64_t batch;
    Change change;
  };

  Status write(Change change);
  void drop_through(std::uint64_t batch);
  Status fail(Status status, const char* problem);

  Options options_;
  MemoryImage now_;              // With all batches.
  MemoryImage medium_;           // With those that drop_through() has passed.
  std::deque<Pending> journal_;  // What leads from medium_ to now_.
  std::size_t journal_bytes_ = 0;
  std::atomic<std::uint64_t> sealed_ = 0;   // The newest sealed batch.
  std::atomic<std::uint64_t> durable_ = 0;  // The newest that flush() has covered.
  std::atomic<Status> next_flush_ = Status::ok;
  std::atomic<const char*> problem_ = "";
};

}  // namespace grid::storage
