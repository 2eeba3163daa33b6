// SPDX-License-Identifier: Apache-2.0
//
// Ledger: every write that the devices' replicas accepted, to be held against what all replicas hold in the end.
#pragma once

#include <cstdint>
#include <map>
#include <string>

namespace demo {

class Ledger {
 public:
  // Of one row, the write with the greatest stamp is what has to stand.
  void note(const std::string& row, const std::string& stamp, const std::string& hash) {
    ++writes_;
    Entry& entry = rows_[row];
    if (stamp > entry.stamp) entry = {stamp, hash};
  }
  // Ticks a row off; false when it is not what the ledger says.
  bool check(const std::string& row, const std::string& stamp, const std::string& hash) {
    const auto found = rows_.find(row);
    if (found == rows_.end() || found->second.stamp != stamp || found->second.hash != hash) return false;
    ++checked_;
    return true;
  }
  std::size_t rows() const { return rows_.size(); }
  std::size_t checked() const { return checked_; }
  std::uint64_t writes() const { return writes_; }

 private:
  struct Entry {
    std::string stamp;
    std::string hash;
  };
  std::map<std::string, Entry> rows_;
  std::size_t checked_ = 0;
  std::uint64_t writes_ = 0;
};

}  // namespace demo
