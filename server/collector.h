// SPDX-License-Identifier: Apache-2.0
//
// Collector: decides which deletions the journal may forget, and raises the floor with them (PROTOCOL P18, P20).
//
// Place     Below coordinator.h, above journal.h and peers.h. Knows no link: who reads over one answers through
// Readers. Promises  SYN-3  A deletion goes in order of arrival: when every enrolled device that holds its scope has
//                  acknowledged it, or after the retention for those that have not; never before the backups that
//                  lack it have expired. An expired cell is a deletion that arrives when it expires.
//           BND-1  One step looks at kLooksMax records and collects kBatchMax of them. Times of arrival are kept for
//                  kMarksMax positions: a deletion between two of them counts from the later one.
// Threads   None: the caller's.
#pragma once

#include <string>
#include <vector>

#include "server/coordinator.h"
#include "server/journal.h"
#include "server/peers.h"

namespace grid::server {

class Collector {
 public:
  // The devices that are connected.
  class Readers {
   public:
    virtual bool is_linked(crdt::NodeId node) const = 0;
    // Whether each of them that wants cells of this name has acknowledged what arrived up to `seq`.
    virtual bool have_seen(const crdt::CellName& name, storage::Seq seq) const = 0;
    // The deletion is gone: those of them that have not are behind the floor now, and must begin anew.
    virtual void passed(const crdt::CellName& name, storage::Seq seq) = 0;

   protected:
    ~Readers() = default;
  };

  Collector(const Keeping& keeping, Journal& journal) : keeping_(keeping), journal_(journal) {}

  Status open();
  // Collects what is due, of what arrived up to `through`. True: the floor has risen.
  Result<bool> advance(std::uint64_t now_ms, std::uint64_t wall_ms, storage::Seq through, Readers& readers);
  std::uint64_t wake_at_ms() const { return next_at_ms_; }

  // Devices that hold something, as of the last pass: those that collection waits for, and those that it does not.
  std::uint32_t enrolled_count() const { return enrolled_count_; }
  std::uint32_t lapsed_count() const { return lapsed_count_; }

 private:
  static constexpr std::uint32_t kLooksMax = 8'192;
  static constexpr std::size_t kBatchMax = 256;
  static constexpr std::size_t kMarksMax = 32;
  static constexpr std::uint64_t kStepMsMin = 100;
  static constexpr std::uint64_t kStepMsMax = 3'600'000;

  // What arrived up to `position` was there at that time.
  struct Mark {
    storage::Seq position;
    std::uint64_t wall_ms;
  };
  struct Due {
    std::string map, key, sub;
    storage::Seq seq;
    crdt::CellName name() const { return {map, key, sub}; }
  };

  std::uint64_t step_ms() const;
  Status mark(std::uint64_t wall_ms);
  std::uint64_t arrived_by(storage::Seq seq) const;
  Status count_devices(std::uint64_t wall_ms, const Readers& readers);
  bool is_due(const crdt::Op& op, std::uint64_t since_ms, std::uint64_t wall_ms, const Readers& readers) const;
  Status gather_removed(std::uint64_t wall_ms, storage::Seq through, const Readers& readers);
  Status gather_expired(std::uint64_t wall_ms, storage::Seq through, const Readers& readers);
  void take(const crdt::Op& op);
  Status collect(Readers& readers);

  const Keeping& keeping_;
  Journal& journal_;
  std::vector<Mark> marks_;
  std::vector<Due> due_;
  Floor next_;               // With what is due.
  storage::Seq looked_ = 0;  // No removal that arrived up to here stands.
  storage::Seq enrolled_through_ = 0;
  std::uint32_t enrolled_count_ = 0;
  std::uint32_t lapsed_count_ = 0;
  std::uint64_t next_at_ms_ = runtime::kNever;
  bool goes_on_ = false;  // The last step had no room for all.
};

}  // namespace grid::server
