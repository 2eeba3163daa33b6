// SPDX-License-Identifier: Apache-2.0
//
// Refusals: the judge's account of what did not get through: that each refusal was told, and that its letter stands.
//
// Place     Below judge.h. Reads facts of stores as data.
// Promises  REJ-1. Each method says what is wrong as a format with one %s for the device's name; null: nothing is.
#pragma once

#include <map>
#include <set>
#include <string>

#include "tests/sim/world.h"

namespace grid::sim {

class Refusals {
 public:
  explicit Refusals(const World& world) : world_(world) {}

  void pushed(const Site& device, crdt::Seq seq) { of_[&device].untold.erase(seq); }
  void refused(const Site& device, crdt::Seq seq) { of_[&device].untold.insert(seq); }
  void renamed(const Site& device) { of_[&device].untold.clear(); }
  const char* told(const Site& device, crdt::Seq seq);
  void discarded(const Site& device, crdt::Seq seq) { of_[&device].letters.erase(seq); }
  const char* forgot(const Site& device, Fault why);
  const char* rest(const Site& device);

 private:
  struct Known {
    std::set<crdt::Seq> untold;              // Refused by the gateway, and not sent again since.
    std::map<crdt::Seq, crdt::Seq> letters;  // That must stand, and of the refusal of which op.
    std::uint64_t unkept = 0;                // Letters that are known to have found no room.
  };

  static std::map<crdt::Seq, crdt::Seq> letters_of(const Site& device);
  static std::uint64_t unkept_of(const Site& device);

  const World& world_;
  std::map<const Site*, Known> of_;
};

}  // namespace grid::sim
