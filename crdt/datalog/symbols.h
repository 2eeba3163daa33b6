// SPDX-License-Identifier: Apache-2.0
//
// Symbols: a dictionary of byte strings, each under a number of 32 bits.
//
// Place     Above region.h. Knows bytes, not what they mean.
// Promises  Equal bytes have one number. A symbol that nobody holds is forgotten when it is released for the last time,
//           and its number and its memory are used again: what the dictionary takes is bounded by what is held at once.
// Ownership The bytes of a symbol stay where they are as long as somebody holds it.
#pragma once

#include "crdt/base/region.h"
#include "crdt/datalog/atom.h"

namespace grid::datalog {

inline constexpr std::uint32_t kNoSymbol = UINT32_MAX;
// Where memory is counted in KiB, what is taken at once is small.
inline constexpr bool kIsSmallMachine = sizeof(void*) < 8;

// Who gives numbers to bytes.
class Interner {
 public:
  virtual Result<std::uint32_t> intern(Bytes content) = 0;

 protected:
  ~Interner() = default;
};

class Symbols final : public Symbolic, public Interner {
 public:
  // Numbers are below 2^31.
  explicit Symbols(Region& region) : region_(region), blocks_(region), slots_(region) {}

  std::uint32_t find(Bytes content) const;
  // New ones are held by nobody, and stay until they are held and released.
  //   full  No memory.
  Result<std::uint32_t> intern(Bytes content) override;
  void hold(std::uint32_t symbol) { ++entry(symbol).holders; }
  void release(std::uint32_t symbol);
  // Forgets a symbol that nobody has held; one that is forgotten already is left alone.
  void forget_unheld(std::uint32_t symbol) {
    if (entry(symbol).holders == 0) forget(symbol);
  }

  Bytes bytes_of(std::uint32_t symbol) const override {
    const Entry& at = entry(symbol);
    return {at.size <= sizeof(at.own) ? at.own : at.bytes, at.size};
  }
  // A number that the owner of the dictionary keeps with a symbol; 0 of a new one.
  std::uint32_t note(std::uint32_t symbol) const { return entry(symbol).note; }
  void set_note(std::uint32_t symbol, std::uint32_t note) { entry(symbol).note = note; }

  std::size_t size() const { return count_; }

 private:
  struct Entry {
    union {
      std::uint8_t* bytes;
      std::uint8_t own[8];  // Of short ones.
      std::uint32_t next_free;
    };
    std::uint32_t size;
    std::uint32_t holders;
    std::uint32_t hash;
    std::uint32_t note;
  };
  static constexpr std::uint32_t kBlock = kIsSmallMachine ? 16 : 256;
  static constexpr std::uint32_t kForgotten = UINT32_MAX;  // As `holders`.

  Entry& entry(std::uint32_t symbol) { return blocks_[symbol / kBlock][symbol % kBlock]; }
  const Entry& entry(std::uint32_t symbol) const { return blocks_[symbol / kBlock][symbol % kBlock]; }
  std::size_t slot_of(std::uint32_t hash, Bytes content) const;
  Status widen();
  Result<std::uint32_t> new_number();
  void forget(std::uint32_t symbol);
  void empty_slot(std::size_t slot);

  Region& region_;
  Growing<Entry*> blocks_;
  Growing<std::uint32_t> slots_;  // Number + 1, or 0. A power of two.
  std::uint32_t used_ = 0;        // Numbers that were ever given.
  std::uint32_t free_ = kNoSymbol;
  std::size_t count_ = 0;
};

}  // namespace grid::datalog
