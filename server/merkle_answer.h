// SPDX-License-Identifier: Apache-2.0
//
// MerkleAnswer: the answering end of comparisons over one link (docs/SESSION.md, "Comparing").
//
// Place     Below session.h, above journal.h. Answers what is asked, in order; never decides what differs.
// Limits    One ask of a device is answered before the next is taken. kAsksMax asks of kAskBytesMax in all wait, each
//           for at most kChildrenMax digests; a write of cells looks at kLooksMax.
#pragma once

#include <string>
#include <vector>

#include "runtime/scan.h"
#include "server/journal.h"
#include "server/queue.h"
#include "server/wanted.h"
#include "transport/wire.h"

namespace grid::server {

class Subscription;

class MerkleAnswer {
 public:
  // Asks that wait at most: a device sends one at a time, and a comparison for each of its subscriptions.
  static constexpr std::size_t kAsksMax = 512;
  static constexpr std::size_t kAskBytesMax = std::size_t{4} * 1'048'576;
  // A device keeps the answer to an ask in memory, so it asks for less than this.
  static constexpr std::size_t kChildrenMax = 262'144;

  explicit MerkleAnswer(Journal& journal) : journal_(journal) {}
  // The device takes no larger values than that.
  void limit_values(std::uint32_t bytes) { value_bytes_max_ = bytes; }

  // A comparison begins: the partitions of every map of the scope are due.
  //   full  Too many asks wait.
  Status begin(std::uint32_t id, const runtime::Scope& scope);
  // Takes a digest_ask, have or cells_ask about the subscription.
  //   corrupt    It is no such frame, or asks for what is not in the scope.
  //   too_large  It asks for more than one answer may hold.
  //   full       Too many asks wait.
  Status ask(wire::Kind kind, Bytes frame, const Subscription& subscription);

  bool has_work() const { return !asks_.empty(); }
  // Asks about it are answered no more.
  void forget(std::uint32_t id);
  // The next frame of the first answer; empty when this write only looked.
  Result<Bytes> write(MutBytes room, const Wanted& wanted);

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
    std::size_t bytes = 0;  // Of its frame.
    runtime::ScopeKind scope_kind = runtime::ScopeKind::everything;
    std::string map;
    std::string text;
    const runtime::RowTest* rows = nullptr;     // Of the subscription, which forgets its asks when it ends.
    const runtime::RowTest* granted = nullptr;  // Likewise: what the device may see.
    bool sees_nothing = false;
    std::vector<wire::Split> splits;
    std::vector<std::vector<crdt::Digest>> children;
    std::vector<Listed> listed;  // In the order of ranges.
    std::vector<Name> names;
    std::size_t next = 0;  // Of splits, listed or names.
    bool may_heal = false;
    std::uint16_t part = 0;  // Of the first digests of a map that take several frames: the next partition.
    bool scanned = false;
    runtime::Scan scan;

    runtime::Scope scope() const { return {scope_kind, map, text, rows}; }
  };

  static Status read_names(Bytes frame, const runtime::Scope& scope, Ask& ask);
  static Status read_groups(wire::Kind kind, Bytes frame, Ask& ask);
  Result<Bytes> write_first(Ask& ask, MutBytes room);
  Result<Bytes> write_splits(Ask& ask, MutBytes room);
  Result<Bytes> write_missing(Ask& ask, MutBytes room);
  Result<Bytes> write_lacks(Ask& ask, MutBytes room);
  Result<Bytes> write_cells(Ask& ask, MutBytes room, const Wanted& wanted);
  Result<bool> is_unseen(const Ask& ask, const crdt::CellName& name) const;
  Result<bool> is_evicted(const Ask& ask, const crdt::CellName& name, const Wanted& wanted) const;
  Result<crdt::Op> answer_to(const Ask& ask, const crdt::CellName& name, const Wanted& wanted) const;
  Status count_first(Ask& ask, const std::string& map);
  Status count_children(Ask& ask);
  Result<std::string> map_after(const Ask& ask) const;

  Journal& journal_;
  std::uint32_t value_bytes_max_ = 0;
  Queue<Ask> asks_;
  std::size_t ask_bytes_ = 0;  // Of the frames of those that wait.
};

}  // namespace grid::server
