// SPDX-License-Identifier: Apache-2.0
//
// Facts: what the devices of a simulated world do with facts: which they write, and which they want to hold.
//
// Place     Beside values.h, used by run.cc. Judges nothing.
#pragma once

#include <string>

#include "tests/sim/plan.h"
#include "tests/sim/values.h"

namespace grid::sim {

class Facts {
 public:
  // Where deletions are collected ids are drawn, as docs/views.md has it: a key that comes again would be a new entity.
  Facts(World& world, const Plan& plan)
      : world_(world), plan_(plan), draws_ids_(plan.options.server.keeping.retention_ms < kDayMs) {}

  // Of an entity whose deletion was collected, a gateway that was set back can't tell from a device what it has lost.
  bool may_set_back(const Site& site) const { return !draws_ids_ || !plan_.options.facts || !site.is_gateway(); }
  // A few predicates of a few entities; and now and then the end of one.
  void write(const Step& step, Site& site, const char* map, std::string_view named);
  // What an application wants from the beginning.
  void join(Site& device, std::size_t index);
  // Subscribes to what some question looks at.
  void subscribe(Site& device, const char* map, std::uint64_t number, bool watched);
  // Some entities in place of those that it has, or beside them: what answers of theirs stand on is another now.
  void move(Site& device, const char* map, std::uint64_t number, bool watched);

 private:
  static constexpr std::uint64_t kDayMs = 86'400'000;

  void join_entities(Site& device, std::size_t index);
  std::string any_entity(std::uint64_t number) const;
  std::string entity_of(Site& site, const char* map, std::uint64_t number);

  World& world_;
  const Plan& plan_;
  const bool draws_ids_;
  std::uint64_t drawn_ = 0;
};

}  // namespace grid::sim
