// SPDX-License-Identifier: Apache-2.0
//
// Windows: a live query on each device of a simulated world, and a naive account of it: after every step that it looks
// behind, what was told must be what the question answers when it is asked anew.
//
// Place     Beside judge.h, to which it passes on what it sees. In worlds whose rows have levels.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "runtime/query/live_query.h"
#include "tests/sim/world.h"

namespace grid::sim {

class Windows final : public Witness {
 public:
  // `next` sees all that this one does.
  Windows(World& world, Witness& next) : world_(world), next_(next) { world.watch_by(*this); }

  void stepped(Site& site, const Event& event, storage::Seq before, std::span<const Action> actions) override;
  void sent(Site& from, Site& to, Bytes frame) override { next_.sent(from, to, frame); }
  void called(Site& site, const runtime::Call& call) override { next_.called(site, call); }
  void forgot(Site& site, Fault why) override;

  // The first thing that was wrong; empty: nothing was.
  const std::string& problem() const { return problem_; }

 private:
  static constexpr std::uint64_t kStepsOfALook = 16;

  // Of one life of a device.
  struct Window final : runtime::ErasureListener {
    explicit Window(storage::Store& store) : engine(store), live(store, engine, 1u << 20) {}
    void erased(const crdt::CellName& name) override { live.erased(name); }

    runtime::QueryEngine engine;
    runtime::LiveQuery live;
    std::map<std::string, std::string> told;  // Keys and values: a corrected clock moves stamps without a word.
    std::uint64_t steps = 0;
  };

  void open(Site& site);
  void advance(Site& site, Window& window);
  void compare(Site& site, Window& window, std::uint64_t known_ms);
  void fail(const Site& site, const std::string& sentence);

  World& world_;
  Witness& next_;
  std::map<const Site*, std::unique_ptr<Window>> windows_;
  std::string problem_;
};

}  // namespace grid::sim
