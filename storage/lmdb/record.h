// SPDX-License-Identifier: Apache-2.0
//
// The bytes of lmdb/: an op record, a cell's name as a key, a sequence as a key, the marks.
//
// Place     Lowest of storage/lmdb. Knows no database. docs/STORAGE.md has the tables.
// Promises  NameKey sorts as CellName does. A record that was torn, rotten or put under another sequence does not
//           decode.
// Ownership A decoded Op is a view of the record's bytes.
#pragma once

#include <array>

#include "crdt/cell.h"
#include "storage/op_bytes.h"
#include "storage/rewritable_store.h"

namespace grid::storage::lmdb {

using crdt::Seq;

// A cell's name as map NUL key NUL sub: no map or key has a NUL in it, so this sorts as its parts do. A part that is
// too long for any cell is cut to one byte more than the limit, where it still sorts behind all that it begins with.
class NameKey {
 public:
  explicit NameKey(const crdt::CellName& name);
  std::string_view text() const { return {bytes_.data(), size_}; }

 private:
  void add(std::string_view part, std::size_t bytes_max);

  std::array<char, kNameBytesMax + 5> bytes_;
  std::size_t size_ = 0;
};

struct SeqKey {
  explicit SeqKey(Seq seq) { store_be(seq, bytes); }
  static Seq read(const void* from) { return load_be(static_cast<const std::uint8_t*>(from)); }
  std::uint8_t bytes[8];
};

inline constexpr std::size_t kSealBytes = 5;                                  // Checksum and version, before the op.
inline constexpr std::size_t kRecordBytesAside = kSealBytes + kOpBytesAside;  // Of a name and a value, at most.
inline constexpr std::size_t kRecordBytesMax = kRecordBytesAside + kNameBytesMax + kValueBytesMax + kDecorationBytesMax;

std::size_t record_size(const crdt::Op& op);
// Fills `to`, which is record_size(op) long. The sequence is not in the record, but its checksum covers it.
void write_record(Seq seq, const crdt::Op& op, MutBytes to);
// Whether it was ours and whole; then `out` is a view of `record`.
bool read_record(Seq seq, Bytes record, crdt::Op& out);

// What the store knows of its log, kept in one record of the main database.
struct Marks {
  static constexpr std::uint32_t kFormat = 1;
  static constexpr std::size_t kBytes = 48;

  Seq head = 0;
  Seq shared = 0;
  Seq settled = 0;
  Seq folded = 0;  // The index has everything up to this.

  void write(std::uint8_t* to) const;
  //   newer    Of a format above kFormat; `format` says which.
  //   corrupt  No marks at all.
  static Status read(Bytes from, Marks& out, std::uint32_t& format);
};

}  // namespace grid::storage::lmdb
