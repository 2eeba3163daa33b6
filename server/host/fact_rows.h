// SPDX-License-Identifier: Apache-2.0
//
// FactRows: rows of an answer about facts, on their way from the thread that found them to whoever sends them.
//
// Place     Below fact_worker.h. Knows values, no index: it has copies.
// Ownership The values of a row are views of these rows.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "crdt/value.h"

namespace grid::server {

class FactRows {
 public:
  bool empty() const { return bytes_.empty(); }
  std::size_t size() const { return bytes_.size(); }  // In bytes.

  void add(bool has_entered, std::span<const crdt::Value> row) {
    put(static_cast<std::uint32_t>(row.size() << 1 | static_cast<std::size_t>(has_entered)));
    for (const crdt::Value& value : row) {
      const Bytes canonical = value.canonical();
      put(static_cast<std::uint32_t>(canonical.size()));
      bytes_.insert(bytes_.end(), canonical.begin(), canonical.end());
    }
  }

  // The row at `at`, which moves on behind it; false: there is none.
  bool next(std::size_t& at, bool& has_entered, std::vector<crdt::Value>& row) const {
    row.clear();
    if (at == bytes_.size()) return false;
    const std::uint32_t head = take(at);
    has_entered = (head & 1) != 0;
    for (std::uint32_t left = head >> 1; left > 0; --left) {
      const std::size_t size = take(at);
      row.emplace_back(Bytes(bytes_).subspan(at, size));
      at += size;
    }
    return true;
  }

 private:
  void put(std::uint32_t number) {
    const auto* const bytes = reinterpret_cast<const std::uint8_t*>(&number);
    bytes_.insert(bytes_.end(), bytes, bytes + sizeof(number));
  }
  std::uint32_t take(std::size_t& at) const {
    std::uint32_t number = 0;
    std::memcpy(&number, bytes_.data() + at, sizeof(number));
    at += sizeof(number);
    return number;
  }

  std::vector<std::uint8_t> bytes_;
};

}  // namespace grid::server
