// SPDX-License-Identifier: Apache-2.0
//
// Disk: a store whose n-th write fails, as a worn card's does. From then on nothing is written any more.
//
// Place     Between a machine and its MemoryStore. Knows nothing of either's meaning.
#pragma once

#include <algorithm>
#include <string>
#include <utility>

#include "storage/memory/memory_store.h"

namespace grid::sim {

class Disk final : public storage::Store {
 public:
  explicit Disk(storage::MemoryStore& store) : store_(store) {}

  // The n-th write from now on fails with io, and all behind it; 0: none does.
  void fail_at(std::uint64_t nth) { countdown_ = nth, failed_ = false; }
  bool failed() const { return failed_; }
  std::uint64_t restamps() const { return restamps_; }

  Result<storage::Seq> append(const crdt::Op& op) override {
    return writes() ? store_.append(op) : Result<storage::Seq>(Status::io);
  }
  Status has_room(std::size_t appends, std::size_t bytes) override { return store_.has_room(appends, bytes); }
  Status restamp(storage::Seq seq, crdt::Stamp stamp, std::uint64_t expires_ms) override {
    ++restamps_;
    return writes() ? store_.restamp(seq, stamp, expires_ms) : Status::io;
  }
  Status share(storage::Seq seq) override { return writes() ? store_.share(seq) : Status::io; }
  Status settle(storage::Seq seq) override { return writes() ? store_.settle(seq) : Status::io; }
  Status set_fact(std::string_view name, Bytes bytes) override {
    return writes() ? store_.set_fact(name, bytes) : Status::io;
  }
  Status flush() override {
    if (writes()) return store_.flush();
    return Status::io;
  }
  storage::Seq shared() const override { return store_.shared(); }
  storage::Seq settled() const override { return store_.settled(); }
  Result<Bytes> fact(std::string_view name) override { return store_.fact(name); }
  Result<Fact> next_fact(std::string_view prefix, std::string_view after) override {
    return store_.next_fact(prefix, after);
  }
  Result<crdt::Op> find(const crdt::CellName& name) override { return lent(store_.find(name)); }
  Result<crdt::Op> next_cell(const crdt::CellName& after) override { return lent(store_.next_cell(after)); }
  Result<crdt::Op> next_op(storage::Seq after) override { return lent(store_.next_op(after)); }
  storage::Seq head() const override { return store_.head(); }
  // A batch that lacks what could not be written never reaches the medium: its machine stops.
  std::uint64_t seal() override { return failed_ ? 0 : store_.seal(); }
  void flushed() override { store_.flushed(); }
  const char* problem() const override { return failed_ ? "the disk failed" : store_.problem(); }

 private:
  // What is handed out stands until the next call and no longer (storage/store.h), as with a store that reads a record
  // into memory.
  Result<crdt::Op> lent(Result<crdt::Op> op) {
    if (!op.ok()) return op;
    crdt::Cell& cell = op->cell;
    std::string copy = std::string(cell.name.map) + std::string(cell.name.key) + std::string(cell.name.sub);
    copy += as_text(cell.value);
    std::fill(read_.begin(), read_.end(), '?');
    read_.resize(std::max(read_.size(), copy.size()));
    std::copy(copy.begin(), copy.end(), read_.begin());
    const char* at = read_.data();
    const auto place = [&at](std::size_t size) { return std::string_view(std::exchange(at, at + size), size); };
    const std::size_t value_bytes = cell.value.size();
    cell.name = {place(cell.name.map.size()), place(cell.name.key.size()), place(cell.name.sub.size())};
    cell.value = value_bytes == 0 ? Bytes{} : as_bytes(place(value_bytes));
    return op;
  }

  bool writes() {
    if (countdown_ > 0 && --countdown_ == 0) failed_ = true;
    return !failed_;
  }

  storage::MemoryStore& store_;
  std::string read_;
  std::uint64_t countdown_ = 0;
  std::uint64_t restamps_ = 0;
  bool failed_ = false;
};

}  // namespace grid::sim
