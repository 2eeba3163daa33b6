// SPDX-License-Identifier: Apache-2.0
//
// MerkleAnswer: the answering end of comparisons over one link (docs/SESSION.md, "Comparing").
//
// Place     Below session.h, above journal.h. Answers what is asked, in order; never decides what differs.
// Limits    One ask of a device is answered before the next is taken; a frame's worth of it is kept, and each write
//           looks at kLooksMax cells.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "runtime/scan.h"
#include "server/journal.h"
#include "transport/wire.h"

namespace grid::server {

class MerkleAnswer {
 public:
  // Asks that wait at most: a device sends one at a time, and a comparison for each of its subscriptions.
  static constexpr std::size_t kAsksMax = 512;

  explicit MerkleAnswer(Journal& journal) : journal_(journal) {}

  // A comparison begins: the partitions of every map of the scope are due.
  //   full  Too many asks wait.
  Status begin(std::uint32_t id, const runtime::Scope& scope);
  // Takes a digest_ask, have or cells_ask about a subscription of that scope.
  //   corrupt, full
  Status ask(wire::Kind kind, Bytes frame, const runtime::Scope& scope);

  bool has_work() const { return !asks_.empty(); }
  // The next frame of the first answer; empty when this write only looked.
  Result<Bytes> write(MutBytes room);

 private:
  static constexpr std::uint32_t kLooksMax = 16'384;

  struct Listed {
    crdt::Range range;
    std::vector<std::uint64_t> digests;  // Sorted.
    std::vector<bool> seen;
  };
  struct Name {
    std::string key;
    std::string sub;
  };
  struct Ask {
    wire::Kind kind = wire::Kind::digest_reply;  // digest_reply stands for the first digests.
    std::uint32_t id = 0;
    runtime::ScopeKind scope_kind = runtime::ScopeKind::everything;
    std::string map;
    std::string text;
    std::vector<wire::Split> splits;
    std::vector<std::vector<crdt::Digest>> children;
    std::vector<Listed> listed;  // In the order of ranges.
    std::vector<Name> names;
    std::size_t next = 0;  // Of splits, listed or names.
    bool scanned = false;
    runtime::Scan scan;

    runtime::Scope scope() const { return {scope_kind, map, text}; }
  };

  Result<Bytes> write_first(Ask& ask, MutBytes room);
  Result<Bytes> write_splits(Ask& ask, MutBytes room);
  Result<Bytes> write_missing(Ask& ask, MutBytes room);
  Bytes write_lacks(Ask& ask, MutBytes room);
  Result<Bytes> write_cells(Ask& ask, MutBytes room);
  Status count_children(Ask& ask);
  Result<std::string> map_after(const Ask& ask) const;

  Journal& journal_;
  std::deque<Ask> asks_;
};

}  // namespace grid::server
