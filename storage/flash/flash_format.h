// SPDX-License-Identifier: Apache-2.0
//
// The bytes of flash/: a sector's label and opening, and the records behind them.
//
// Place     Lowest of storage/flash. Knows no device. docs/STORAGE.md has the tables.
// Promises  What was torn, rotten, or lies where it was not written does not decode.
// Ownership Everything read is copied, or a view of the bytes given.
#pragma once

#include "crdt/cell.h"
#include "storage/flash/nor_device.h"

namespace grid::storage::flash {

using crdt::Seq;

inline constexpr std::uint32_t kUnitBytes = NorDevice::kUnitBytes;
inline constexpr std::uint32_t kUnitsMax = 65'535;  // Of one record.

// Where a record lies: its offset in the partition, in units.
using Address = std::uint32_t;

// What is known of a sector as long as it lives: programmed at once after an erase, and so the proof that it ended.
struct Label {
  static constexpr std::uint32_t kBytes = 32;
  static constexpr std::uint32_t kFormat = 1;

  std::uint32_t format = kFormat;
  std::uint32_t sector_bytes = 0;
  std::uint32_t sector_count = 0;
  std::uint32_t erase_count = 0;

  void write(std::uint8_t* to) const;
  // False: not a label. One of another format is read up to its format only.
  static bool read(const std::uint8_t* from, Label& out);
};

// Programmed when the log goes on in a sector: the link back to where it comes from.
struct Opening {
  static constexpr std::uint32_t kAt = Label::kBytes;
  static constexpr std::uint32_t kBytes = 16;

  std::uint32_t generation = 0;           // Rises with every opening; 0 is none.
  std::uint32_t previous_generation = 0;  // Of the sector before it in the log.
  std::uint32_t previous_end = 0;         // In units: what lies behind it in that sector is void.

  void write(std::uint8_t* to) const;
  static bool read(const std::uint8_t* from, Opening& out);
};

inline constexpr std::uint32_t kRecordsAt = Opening::kAt + Opening::kBytes;

enum class Kind : std::uint8_t {
  op = 1,
  superseded = 2,  // An op in flight that stands in no index any more; the bytes are an op's.
  erasure = 3,
  fact = 4,
  commit = 5,
  retired = 6,  // A sector that is not to be used again.
};

// All of a record but its names and values.
struct Head {
  static constexpr std::uint32_t kOpBytes = 40;
  static constexpr std::uint32_t kFactBytes = 16;
  static constexpr std::uint32_t kCommitBytes = 32;
  static constexpr std::uint32_t kRetiredBytes = 16;
  static constexpr std::uint32_t kBytesMax = kOpBytes;

  static constexpr std::uint8_t kLocal = 1;
  static constexpr std::uint8_t kWasApplied = 2;
  static constexpr std::uint8_t kHasBase = 4;
  static constexpr std::uint8_t kHasExpiry = 8;
  static constexpr std::uint8_t kQualityShift = 4;
  static constexpr std::uint8_t kHasUnit = 128;
  static constexpr std::uint8_t kKeeps = 64;  // What this superseded stays in the log: it is in flight.

  Kind kind = Kind::op;
  std::uint8_t flags = 0;
  std::uint32_t units = 0;
  Seq seq = 0;               // op, superseded, erasure; head of a commit
  Seq shared = 0;            // commit
  Seq settled = 0;           // commit
  std::uint32_t number = 0;  // tail of a commit; sector of a retired
  crdt::Stamp stamp;         // op, superseded
  std::uint32_t map_bytes = 0;
  std::uint32_t key_bytes = 0;  // Of a fact: its name.
  std::uint32_t sub_bytes = 0;
  std::uint32_t value_bytes = 0;

  bool is_local() const { return (flags & kLocal) != 0; }
  bool is_op() const { return kind == Kind::op || kind == Kind::superseded; }
  bool has_name() const { return is_op() || kind == Kind::erasure; }
  std::uint32_t bytes() const;  // Of the head itself.
  std::uint32_t optional_bytes() const;
  std::uint32_t name_bytes() const { return map_bytes + key_bytes + sub_bytes; }
  std::uint32_t record_bytes() const { return bytes() + name_bytes() + optional_bytes() + value_bytes; }

  // All but the checksum, which stays zero. Sets `units`.
  void write(std::uint8_t* to);
  // False: no record begins like this. `from` has kBytesMax bytes, of which those behind a short head don't matter.
  static bool read(const std::uint8_t* from, Head& out);
};

Head head_of(const crdt::Op& op);
// base and expiry, as far as the op has them; returns how many bytes.
std::uint32_t write_optional(const crdt::Op& op, std::uint8_t* to);
// `record` is all of it. The sequence is the record's.
crdt::Op view_of(const Head& head, Bytes record);

// A checksum is the hash of what follows the kind, xor this: so a record is worth nothing in another's place, and can
// be moved, or become superseded, without a look at what it holds.
std::uint32_t salt_of(Kind kind, std::uint32_t generation, Address address);
inline constexpr std::uint32_t kHashedFrom = 5;

}  // namespace grid::storage::flash
