// SPDX-License-Identifier: Apache-2.0
//
// Judge: an independent, naive account of a World: plain maps of who wrote what, what was seen, and what was promised.
//
// Place     Beside world.h, as its witness. Knows frames and stores as data; never asks a machine for its opinion of
//           what is right: no Merkle tree, no log, no cursor.
// Promises  Whatever breaks an invariant is said once, in the words of the first one that broke.
#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "tests/sim/refusals.h"
#include "tests/sim/world.h"

namespace grid::sim {

class Judge final : public Witness {
 public:
  explicit Judge(World& world) : world_(world), refusals_(world) { world.watch_by(*this); }

  void stepped(Site& site, const Event& event, storage::Seq before, std::span<const Action> actions) override;
  void sent(Site& from, Site& to, Bytes frame) override;
  void called(Site& site, const runtime::Call& call) override;
  void forgot(Site& site, Fault why) override;

  // Once the faults have stopped and the world has come to rest.
  void rest();

  bool found() const { return !problem_.empty(); }
  const std::string& problem() const { return problem_; }
  const char* kind() const { return kind_; }
  std::uint64_t writes() const { return writes_; }

 private:
  using Name = Database::Name;
  // What a cell holds, for comparing by the rule of the merge.
  struct Holding {
    crdt::Stamp stamp;
    std::uint64_t expires_ms = 0;
    std::string value;
    bool operator==(const Holding&) const = default;
  };
  struct Write {
    Name name;
    std::string value;
  };
  struct Sent {
    Name name;
    Holding holding;
    std::uint64_t rollbacks = 0;  // Of the gateway, when it was sent.
  };
  // What is known of one device.
  struct Device {
    void note_standing(const crdt::Op& op);

    std::map<Name, Holding> standing;  // In its store, as the application could see it;
    std::set<Name> own;                // of these, what it wrote itself.
    std::map<crdt::Seq, Write> open;   // Its writes whose outcome it has not been told.
    std::map<crdt::Seq, Sent> pushed;  // What it sent of them, last.
    struct Told {
      crdt::Seq seq = 0;
      bool live = false;  // By the time that the device knew.
    };
    std::map<std::uint32_t, std::map<Name, Told>> told;  // By its watches.
    std::map<std::uint32_t, crdt::Seq> born;             // The head when a watch began.
    std::int64_t offset_ms = 0;
    crdt::ClockQuality quality = crdt::ClockQuality::unknown;
    crdt::NodeId node = 0;
    std::uint64_t rejected = 0;
    std::uint64_t restamps = 0;
    crdt::Stamp collected;                                // What it was told of, as one from behind the floor.
    bool excused = false;                                 // Something happened in this step that may take a cell back.
    std::set<std::pair<std::string, std::string>> named;  // Keys that it was ever sent, wrote itself, or was to have.
    // A scope of the map has ended, and the device has yet to look through what it has of it.
    std::set<std::string> loose;
    // Subscriptions whose answer it awaits; of those to attributes or an entity, with their map.
    std::map<std::uint32_t, std::string> asked;
    std::set<Name> strays;  // What it wrote since it last let go of what none of its scopes has.
  };

  static Name name_of(const crdt::CellName& name);
  static Holding holding_of(const crdt::Cell& cell);
  static crdt::Cell cell_of(const Name& name, const Holding& holding);
  static bool beats(const Name& name, const Holding& a, const Holding& b);

  void check_drains(Site& gateway, std::span<const Action> actions);
  void look_at_records(Site& site, storage::Seq before);
  void see(Site& site, Device& device, const crdt::Op& op);
  void see_arrival(const crdt::Op& op);
  void note_edit(Site& site, const runtime::Call& call, storage::Seq before);
  void see_collection(Site& gateway);
  void look_at_gateway(Site& gateway);
  void check_origin(const Site& site, const crdt::Op& op);
  void note_outcome(Site& site, Device& device, const Action& action);
  void see_in_database(const Site& site, const Sent& sent);
  void check_refusal(Site& site, const Write& write, Status status);
  void check_ruling(const Name& name, const Holding& next);
  void blame(Site& site, const char* complaint);
  void note_change(Site& site, Device& device, const Action& action);
  void forget_standing(Site& site, Device& device);
  bool is_excused(Site& site, Device& device);
  void forget_lost_stamps();
  void check_floors(const char* when);
  void rest_device(Site& site);
  void rest_rules();
  void rest_scopes(Site& site);
  // ---- judge_partial.cc
  using Cells = std::set<std::pair<Name, crdt::Stamp>>;
  Cells cells_of(Site& site, const runtime::Scope& scope) const;
  void leave_out_own_parts(const Site& site, Cells& here, Cells& there) const;
  void note_entitled(const Site& site, const crdt::Cell& row);
  void check_word(const Site& to, Device& device, const crdt::Op& op);
  void note_letting_go(Site& site, Device& device, const Event& event, storage::Seq before);
  void note_end(Site& site, Device& device);
  static bool is_renamed(const Site& site, const Name& name, const Holding& standing);
  void rest_partial(Site& site);
  void rest_watches(Site& site, Device& device);
  // ---- judge_facts.cc
  bool is_of_deleted(const Name& name) const;
  void check_burial(const Site& site, const crdt::Op& op);
  void note_swept(Site& site, Device& device, const std::string& map);
  void rest_entities(Site& site);
  void rest_buried(Site& site);
  void rest_attributes(Site& site);
  void rest_database();
  [[gnu::format(printf, 2, 3)]] void fail(const char* format, ...);

  World& world_;
  Refusals refusals_;
  std::map<const Site*, Device> devices_;
  std::map<Name, std::set<std::string>> written_;  // Every value that somebody put; empty for a removal.
  std::map<crdt::Stamp, Sent> stamps_;             // Every stamp that the gateway took, with what it stood on.
  std::set<Name> passing_;                         // What somebody removed, or put for a while.
  std::set<crdt::Stamp> lost_stamps_;              // Which it lost again.
  std::map<Name, Holding> arrived_;                // What stood last at the gateway, under each name.
  std::set<std::pair<Name, crdt::Stamp>> buried_;  // What arrived there once, and was collected with its deletion.
  std::map<Name, Holding> gone_;                   // Those deletions.
  std::set<std::pair<std::string, std::string>> deleted_;  // Entities that somebody deleted: map and key.
  std::string floor_fact_;
  bool device_set_back_ = false;
  std::map<Name, Holding> floor_;  // What was acknowledged as durable: no cell falls below it.
  bool outlived_ = false;          // A backup came back after the deletions that it lacks were collected.
  std::uint64_t rollbacks_ = 0;    // How often the gateway was set back.
  bool gateway_forgot_ = false;    // Anything: what devices give back then stands, whatever the rules.
  std::uint64_t writes_ = 0;
  std::string problem_;
  const char* kind_ = "";
};

}  // namespace grid::sim
