// SPDX-License-Identifier: Apache-2.0
//
// Ledger: every write that the devices' replicas accepted, to be held against what all replicas hold in the end.
//
// Place     Lowest of the demo. Knows rows, stamps and hashes as text, no grid.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace demo {

class Ledger {
 public:
  // Of one row, the write with the greatest stamp is what has to stand. `writer` is one bit of its own.
  void note(const std::string& row, const std::string& stamp, const std::string& hash, unsigned writer) {
    ++writes_;
    Entry& entry = rows_[row];
    entry.writers |= writer;
    if (stamp <= entry.stamp) return;
    entry.stamp = stamp;
    entry.hash = hash;
  }

  // A round of checks: begin, check every row that there is, then lost() and wrong().
  void begin() { ++round_, checked_ = wrong_ = 0; }
  // Rows that the devices did not write, or that somebody else wrote later, are none of the ledger's business.
  void check(const std::string& row, const std::string& stamp, const std::string& hash) {
    const auto found = rows_.find(row);
    if (found == rows_.end() || found->second.round == round_) return;
    Entry& entry = found->second;
    const bool stands = stamp == entry.stamp ? hash == entry.hash : stamp > entry.stamp;
    if (!stands) ++wrong_;
    entry.round = round_;
    ++checked_;
  }
  std::size_t lost() const { return rows_.size() - checked_; }
  std::size_t wrong() const { return wrong_; }

  std::size_t rows() const { return rows_.size(); }
  std::uint64_t writes() const { return writes_; }
  // Rows that more than one has written.
  std::size_t contested() const {
    std::size_t count = 0;
    for (const auto& [row, entry] : rows_) count += (entry.writers & (entry.writers - 1)) != 0 ? 1 : 0;
    return count;
  }

 private:
  struct Entry {
    std::string stamp;
    std::string hash;
    unsigned writers = 0;
    std::uint64_t round = 0;
  };
  std::map<std::string, Entry> rows_;
  std::uint64_t round_ = 0;
  std::uint64_t writes_ = 0;
  std::size_t checked_ = 0;
  std::size_t wrong_ = 0;
};

}  // namespace demo
