// SPDX-License-Identifier: Apache-2.0
//
// Epochs: every start of the gateway begins one, and the chain of them tells which cursors still stand (PROTOCOL P12).
//
// Place     Below session.h, above storage/store.h.
#pragma once

#include <vector>

#include "storage/store.h"

namespace grid::server {

// Opaque to devices: epoch, position and scope hash, 8 bytes big-endian each.
struct PullCursor {
  static constexpr std::size_t kBytes = 24;

  std::uint64_t epoch = 0;
  storage::Seq position = 0;
  std::uint64_t scope_hash = 0;

  void write(std::uint8_t* to) const;
  //   corrupt  Not of that size.
  static Result<PullCursor> read(Bytes bytes);
};

class Epochs {
 public:
  // Kept starts; a cursor from before them does not stand.
  static constexpr std::size_t kEpochsMax = 1'000;

  // Ends the last epoch at what the store holds: before anything is appended that did not arrive in it, as when a
  // journal is filled from the database. Cursors would stand for positions that were never theirs otherwise.
  static Status close(storage::Store& store);
  // Does that too, if it was not done, and begins `epoch`, in the open batch.
  Status open(storage::Store& store, std::uint64_t epoch);

  // Whether `cursor` stands in the chain that `store` holds, which no start has gone on with since it was opened.
  //   corrupt, io
  static Result<bool> stands(storage::Store& store, const PullCursor& cursor);

  std::uint64_t current() const { return current_; }
  bool stands(const PullCursor& cursor) const;
  // How much of the journal that is here its holder has seen for certain: of an epoch that is not in the chain,
  // nothing.
  storage::Seq seen(const PullCursor& cursor) const;

 private:
  struct Past {
    std::uint64_t epoch;
    storage::Seq end;
  };

  // Fills past_, which is empty. The last epoch ends at what the store holds, all of which is durable.
  Status read(storage::Store& store);

  std::uint64_t current_ = 0;
  std::uint64_t next_ = 0;  // Index of the next epoch's fact.
  bool is_open_ = false;    // The last one in the store has no end there.
  std::vector<Past> past_;
};

}  // namespace grid::server
