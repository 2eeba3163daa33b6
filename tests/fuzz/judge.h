// SPDX-License-Identifier: Apache-2.0
//
// Judge: what a machine must keep to, whatever frames and faults it is fed.
//
// Place     Beside stage.h, which tells it what went in and what came out. Panics when a promise is broken.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "runtime/replica.h"
#include "server/coordinator.h"
#include "storage/memory/memory_store.h"
#include "tests/fuzz/forge.h"

namespace grid::test {

// The index is what a scan finds, every cell stands in the log, and the log has nothing else but local ops in flight.
void check_store(storage::Store& store);
// A frame that a machine has written: within its room, decodable, of the right direction, every op legal.
void check_frame(Bytes frame, std::size_t room_bytes, bool from_device);

struct KeptName {
  explicit KeptName(const crdt::CellName& name) : map(name.map), key(name.key), sub(name.sub) {}
  crdt::CellName view() const { return {map, key, sub}; }
  std::string map, key, sub;
};

class DeviceJudge {
 public:
  void wrote(crdt::Seq seq, const crdt::CellName& name) { own_.emplace(seq, KeptName(name)); }
  void heard(Bytes frame);
  void sent(Bytes frame, const runtime::Replica& replica);
  // What is behind `head` is gone with the power.
  void crashed(crdt::Seq head) { own_.erase(own_.upper_bound(head), own_.end()); }
  // LOG-1, and the count of pending ops.
  void check(const runtime::Replica& replica, storage::Store& store);

 private:
  // Under another node id pending ops are others.
  void named(crdt::NodeId node);

  crdt::NodeId node_ = 0;
  std::map<crdt::Seq, KeptName> own_;
  std::map<crdt::Stamp, std::uint64_t> pushed_;  // CLK-1: one stamp, one cell.
  std::map<crdt::Seq, crdt::Stamp> stamp_of_pushed_;
};

class GatewayJudge {
 public:
  void started() { *this = {}; }
  void heard(std::uint32_t link, Bytes frame);
  // P5 and ACK-1: what an ack calls durable was rejected before, or stands after a power cut at this moment.
  void sent(std::uint32_t link, Bytes frame, const storage::MemoryStore& store);
  void parted(std::uint32_t link) { taken_.erase(link); }
  // The gateway has been told the time, or that there is none any more: then the last goes on.
  void passed(std::uint64_t now_ms, std::uint64_t wall_ms) {
    if (wall_ms == 0 && wall_ms_ != 0) wall_ms = wall_ms_ + (now_ms - now_ms_);
    now_ms_ = now_ms;
    wall_ms_ = wall_ms;
    expired_through_ms_ = std::max(expired_through_ms_, wall_ms);
  }
  // MRK-1: digests are those that a scan finds.
  void check(server::Coordinator& coordinator, storage::Store& store);

 private:
  struct Taken {
    std::optional<KeptName> name;  // None: the op broke a rule.
    crdt::Stamp stamp;
  };
  std::map<std::uint32_t, std::map<crdt::Seq, Taken>> taken_;
  std::uint64_t expired_through_ms_ = 0;
  std::uint64_t wall_ms_ = 0;
  std::uint64_t now_ms_ = 0;
};

}  // namespace grid::test
