// SPDX-License-Identifier: Apache-2.0
//
// EntityAsks: on which entities which answers stand, for the devices that want to know: what the links of one app ask,
// and what they are yet to be told.
//
// Place     Beside searches.h, below coordinator.h. Knows no facts: the host is told of questions that begin and end,
//           and brings frames that answer them.
// Promises  Each ask is answered; again whenever the host says so, where the newer answer takes the place of one that
//           the link had no room for.
//           BND-1  A link has asks_max, and of each ask one answer waits.
// Threads   None: the caller's.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/action_list.h"
#include "transport/wire_entities.h"

namespace grid::server {

// For the host: a question begins, or, with no map, one has ended.
struct EntityWork {
  std::uint64_t serial = 0;  // Names the question between the two.
  std::uint32_t id = 0;      // Of the ask, for its answers.
  std::string map{};
  std::string question{};
  std::vector<std::uint8_t> inputs{};  // A canonical list; empty: none.
  std::uint32_t limit = 0;
};

// What EntityAsks knows of one link; whoever has the link keeps it.
class EntityLink {
 public:
  bool wants_write() const { return replies_due_ > 0; }

 private:
  friend class EntityAsks;
  struct Ask {
    std::uint32_t id;
    std::uint64_t serial;
    bool is_over = false;               // Its reply is the last.
    std::vector<std::uint8_t> reply{};  // That is yet to be sent; empty: none.
  };

  runtime::LinkId id_ = 0;
  std::vector<Ask> asks_;
  std::size_t replies_due_ = 0;
};

class EntityAsks {
 public:
  // 0: there is nobody to answer them.
  explicit EntityAsks(std::uint32_t asks_max) : asks_max_(asks_max) {}

  bool is_on() const { return asks_max_ > 0; }
  // `link` stays where it is until link_down().
  void link_up(EntityLink& link, runtime::LinkId id) { link.id_ = id; }
  void link_down(EntityLink& link);
  // Where `denied` is not empty, that is all the answer.
  void receive(EntityLink& link, const wire::EntitiesAsk& ask, std::string_view denied = {});
  // The next answer; empty: there is none after all.
  Bytes write(EntityLink& link, MutBytes room);

  bool has_work() const { return !work_.empty(); }
  EntityWork take_work();
  // An entities_reply to that question; one that is not ok ends it. Returns the link that is to be told; 0: nobody.
  runtime::LinkId answered(std::uint64_t serial, Bytes frame);

 private:
  void add(EntityLink& link, EntityLink::Ask&& ask);
  void erase(EntityLink& link, std::uint32_t id);
  void refuse(EntityLink& link, std::uint32_t id, Status status, std::string_view reason);
  void set_reply(EntityLink& link, EntityLink::Ask& ask, Bytes frame);

  const std::uint32_t asks_max_;
  std::map<std::uint64_t, EntityLink*> links_;  // Of the questions that the host answers, by their serials.
  std::deque<EntityWork> work_;                 // Bounded by the asks there are, and those that have ended.
  std::uint64_t last_serial_ = 0;
};

}  // namespace grid::server
