// SPDX-License-Identifier: Apache-2.0
//
// Rows, RowSet, RowIndex: tuples of atoms, each once, and found by some of their columns.
//
// Place     Below evaluate.h. Knows memory and words only.
// Promises  Rows are only added, and keep their numbers.
#pragma once

#include <algorithm>

#include "crdt/base/region.h"
#include "crdt/datalog/symbols.h"

namespace grid::datalog {

using Column = std::uint16_t;
inline constexpr Column kNoColumn = UINT16_MAX;
inline constexpr std::uint32_t kNoRow = UINT32_MAX;
// Of a rule, of an `or`, of a function. They lie on the stack.
inline constexpr std::size_t kArgumentsMax = kIsSmallMachine ? 16 : 64;

class Rows {
 public:
  Rows(Region& region, std::size_t width) : atoms_(region), width_(width) {}

  std::size_t width() const { return width_; }
  std::uint32_t count() const { return count_; }
  bool empty() const { return count_ == 0; }
  const Atom* operator[](std::size_t row) const { return atoms_.data() + row * width_; }
  Atom* operator[](std::size_t row) { return atoms_.data() + row * width_; }

  // `row` may be of these rows only where there is room already.
  Status push(const Atom* row) {
    Atom* to = nullptr;
    GRID_TRY(append(to));
    std::copy(row, row + width_, to);
    return Status::ok;
  }
  // A row to be filled in.
  Status append(Atom*& to) {
    if (count_ == kNoRow - 1) return Status::full;
    GRID_TRY(atoms_.extend(width_));
    to = atoms_.end() - width_;
    ++count_;
    return Status::ok;
  }
  void pop() {
    --count_;
    atoms_.truncate(atoms_.size() - width_);
  }
  void forget() {
    atoms_.forget();
    count_ = 0;
  }
  void swap(Rows& other) {
    atoms_.swap(other.atoms_);
    std::swap(width_, other.width_);
    std::swap(count_, other.count_);
  }

 private:
  Growing<Atom> atoms_;
  std::size_t width_;
  std::uint32_t count_ = 0;
};

inline std::size_t hash_of(const Atom* row, std::size_t width) {
  std::uint64_t hash = 0;
  for (std::size_t i = 0; i < width; ++i) hash = mix(hash ^ row[i].word) + i;
  return static_cast<std::size_t>(hash);
}

class RowSet {
 public:
  RowSet(Region& region, std::size_t width) : rows_(region, width), slots_(region) {}

  const Rows& rows() const { return rows_; }
  std::uint32_t count() const { return rows_.count(); }

  Status add(const Atom* row, bool& is_new) {
    const std::uint32_t before = rows_.count();
    std::uint32_t at = 0;
    GRID_TRY(add(row, at));
    is_new = rows_.count() > before;
    return Status::ok;
  }
  // `at` is where it stands.
  Status add(const Atom* row, std::uint32_t& at) {
    if ((rows_.count() + std::size_t{1}) * 3 > slots_.size() * 2) GRID_TRY(widen());
    const std::size_t slot = slot_of(row);
    if (slots_[slot] == 0) {
      GRID_TRY(rows_.push(row));
      slots_[slot] = rows_.count();
    }
    at = slots_[slot] - 1;
    return Status::ok;
  }
  bool has(const Atom* row) const { return !slots_.empty() && slots_[slot_of(row)] != 0; }
  void forget() {
    rows_.forget();
    slots_.forget();
  }
  void swap_rows(Rows& rows) { rows_.swap(rows); }

 private:
  std::size_t slot_of(const Atom* row) const {
    const std::size_t mask = slots_.size() - 1;
    std::size_t at = hash_of(row, rows_.width()) & mask;
    while (slots_[at] != 0 && !std::equal(row, row + rows_.width(), rows_[slots_[at] - 1])) at = (at + 1) & mask;
    return at;
  }
  Status widen() {
    Growing<std::uint32_t> wider = Growing<std::uint32_t>::beside(slots_);
    GRID_TRY(wider.resize(slots_.empty() ? 8 : 4 * slots_.size()));
    const std::size_t mask = wider.size() - 1;
    for (std::uint32_t row = 0; row < rows_.count(); ++row) {
      std::size_t at = hash_of(rows_[row], rows_.width()) & mask;
      while (wider[at] != 0) at = (at + 1) & mask;
      wider[at] = row + 1;
    }
    slots_.swap(wider);
    return Status::ok;
  }

  Rows rows_;
  Growing<std::uint32_t> slots_;  // Number + 1, or 0. A power of two.
};

// Which of some rows have given atoms in given columns.
class RowIndex {
 public:
  // `columns` are no more than kColumnsMax.
  RowIndex(Region& region, std::span<const Column> columns) : heads_(region), nexts_(region), columns_(columns) {}

  static constexpr std::size_t kColumnsMax = kArgumentsMax;

  // Takes in what was added since the last time.
  Status catch_up(const Rows& rows) {
    if (rows.count() > heads_.size()) GRID_TRY(widen(rows));
    GRID_TRY(nexts_.reserve(rows.count()));
    while (nexts_.size() < rows.count()) GRID_TRY(link(rows, static_cast<std::uint32_t>(nexts_.size())));
    return Status::ok;
  }
  // The newest row that has `key` in the columns, and the one before it.
  std::uint32_t first(const Rows& rows, const Atom* key) const {
    if (heads_.empty()) return kNoRow;
    return settle(rows, key, heads_[hash_of(key, columns_.size()) & (heads_.size() - 1)]);
  }
  std::uint32_t next(const Rows& rows, const Atom* key, std::uint32_t row) const {
    return settle(rows, key, nexts_[row]);
  }
  std::span<const Column> columns() const { return columns_; }

 private:
  std::uint32_t settle(const Rows& rows, const Atom* key, std::uint32_t row) const {
    while (row != 0 && !has(rows[row - 1], key)) row = nexts_[row - 1];
    return row == 0 ? kNoRow : row - 1;
  }
  bool has(const Atom* row, const Atom* key) const {
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (row[columns_[i]] != key[i]) return false;
    }
    return true;
  }
  Status link(const Rows& rows, std::uint32_t row) {
    Atom key[kColumnsMax];
    for (std::size_t i = 0; i < columns_.size(); ++i) key[i] = rows[row][columns_[i]];
    std::uint32_t& head = heads_[hash_of(key, columns_.size()) & (heads_.size() - 1)];
    GRID_TRY(nexts_.push(head));
    head = row + 1;
    return Status::ok;
  }
  Status widen(const Rows& rows) {
    std::size_t size = heads_.empty() ? 4 : heads_.size();
    while (size < rows.count()) size *= 2;
    heads_.clear();
    nexts_.clear();
    return heads_.resize(size);
  }

  Growing<std::uint32_t> heads_;  // Number + 1, or 0. A power of two.
  Growing<std::uint32_t> nexts_;
  std::span<const Column> columns_;
};

}  // namespace grid::datalog
