// SPDX-License-Identifier: Apache-2.0
//
// Chatter: devices that talk on topics and are in a room while everything goes wrong, and what must be true of it.
//
// Place     Beside run.h, over a world whose devices have channels.
// Promises  Judges CHN-1 (messages of one device arrive in order, none twice) as they come, and CHN-2 (everybody knows
//           who is in the room and how they are) at rest.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/sim/plan.h"
#include "tests/sim/world.h"

namespace grid::sim {

class Chatter {
 public:
  explicit Chatter(World& world);

  void act(Site& site, std::uint64_t choice);
  // Empty while everything is as it must be.
  const std::string& problem() const { return problem_; }
  void judge_rest();
  // How many members the device knows of.
  std::size_t member_count(const Site& site) { return ears_[&site].back()->members.size(); }

 private:
  // One listener of one device.
  struct Ear {
    Chatter* chatter = nullptr;
    const Site* site = nullptr;
    std::string name;
    std::map<std::int64_t, std::int64_t> last;  // The number that it heard last, of each device.
    std::map<crdt::NodeId, std::int64_t> members;
    crdt::Stamp newest;  // Of the room's events, since it began.
    std::uint32_t id = 0;
  };

  void started(Site& site);
  void listen(Site& site, Ear& ear, runtime::ChannelCall::Verb verb);
  Status call(Site& site, runtime::ChannelCall& channel);
  void set_status(Site& site);
  void hear(Ear& ear, const Heard& heard);
  void hear_message(Ear& ear, const Heard& heard);
  void hear_room(Ear& ear, const Heard& heard);
  void fail(const std::string& problem);

  World& world_;
  std::map<const Site*, std::vector<std::unique_ptr<Ear>>> ears_;  // Three of each device; the last one is in the room.
  std::map<const Site*, std::int64_t> statuses_;
  std::int64_t next_ = 0;
  std::string problem_;
};

}  // namespace grid::sim
