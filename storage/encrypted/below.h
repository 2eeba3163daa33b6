// SPDX-License-Identifier: Apache-2.0
//
// Under which names an encrypted store keeps its pieces in the store below, and what each piece is bound to.
//
// Place     Beside sealer.h. docs/STORAGE.md has the tables.
#pragma once

#include <array>

#include "storage/encrypted/sealer.h"
#include "storage/store.h"

namespace grid::storage::encrypted {

// Of all cells below: their own are sealed.
inline constexpr crdt::Stamp kStamp = crdt::Stamp::of(1, 0, 1);
// The fact that says that a store is encrypted, and under what.
inline constexpr std::string_view kLabel = "encryption";

// A cell's name below: map and key `e`, and its number as sub, so that names lie in the order of their birth.
class CellBelow {
 public:
  static constexpr std::size_t kBytes = 10;

  explicit CellBelow(std::uint64_t cell) { store_be(cell, sub_.data()); }
  crdt::CellName view() const { return {"e", "e", as_text(sub_)}; }
  static bool read(const crdt::CellName& name, std::uint64_t& cell) {
    if (name.map != "e" || name.key != "e" || name.sub.size() != 8) return false;
    cell = load_be(as_bytes(name.sub).data());
    return true;
  }

 private:
  std::array<std::uint8_t, 8> sub_;
};

// A fact's name below: `f`, its number, and which part of its piece that is.
class FactBelow {
 public:
  static constexpr std::size_t kBytes = 10;
  static constexpr std::size_t kParts = 2;

  FactBelow(std::uint64_t number, std::size_t part) {
    bytes_[0] = 'f';
    store_be(number, bytes_.data() + 1);
    bytes_[9] = static_cast<std::uint8_t>(part);
  }
  std::string_view name() const { return as_text(bytes_); }
  Bytes place() const { return Bytes(bytes_).first(9); }
  static bool read(std::string_view name, std::uint64_t& number, std::size_t& part) {
    if (name.size() != kBytes || name[0] != 'f' || as_bytes(name)[9] >= kParts) return false;
    number = load_be(as_bytes(name).data() + 1);
    part = as_bytes(name)[9];
    return true;
  }

 private:
  std::array<std::uint8_t, kBytes> bytes_;
};

// What an op's piece is bound to: that it is an op's, its sequence, its cell, and whether it is local.
class OpPlace {
 public:
  OpPlace(Seq seq, std::uint64_t cell, bool local) {
    bytes_[0] = 'o';
    store_be(seq, bytes_.data() + 1);
    store_be(cell, bytes_.data() + 9);
    bytes_[17] = local ? 1 : 0;
  }
  Bytes bytes() const { return bytes_; }

 private:
  std::array<std::uint8_t, 18> bytes_;
};

}  // namespace grid::storage::encrypted
