// SPDX-License-Identifier: Apache-2.0
//
// Answers: Datalog on the replicas of a simulated world. Each device keeps an index of its facts and a live question
// through all that happens to it: what was told must be what is answered (DLL-1). At rest whoever holds the facts of a
// question is asked, and must answer what the gateway's store does, which is read anew (DLE-1).
//
// Place     Beside judge.h, to which it passes on what it sees. In worlds that write facts.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "runtime/query/live_facts.h"
#include "tests/sim/questions.h"
#include "tests/sim/world.h"

namespace grid::sim {

class Answers final : public Witness {
 public:
  // `next` sees all that this one does.
  Answers(World& world, Witness& next);

  void stepped(Site& site, const Event& event, storage::Seq before, std::span<const Action> actions) override;
  void sent(Site& from, Site& to, Bytes frame) override { next_.sent(from, to, frame); }
  void called(Site& site, const runtime::Call& call) override { next_.called(site, call); }
  void forgot(Site& site, Fault why) override;

  // Once the world has come to rest.
  void judge_rest();

  // The first thing that was wrong; empty: nothing was.
  const std::string& problem() const { return problem_; }

 private:
  static constexpr std::uint64_t kStepsOfALook = 8;
  static constexpr std::uint64_t kLooksOfAQuestion = 8;
  static constexpr int kDrawn = 4;  // Questions beside those that every world asks.

  using Rows = std::vector<std::string>;

  // Of one life of a device.
  struct Asker final : runtime::ErasureListener {
    Asker(storage::Store& store, const Asked& asked)
        : engine(store), live(engine, "m", read(asked), 1u << 20), question(read(asked)) {}
    void erased(const crdt::CellName& name) override { engine.erased(name); }

    runtime::FactEngine engine;
    runtime::LiveFacts live;
    std::unique_ptr<runtime::FactQuestion> question;  // The live one.
    std::set<std::string> told;
    std::uint64_t steps = 0;
  };

  Asker& asker_of(Site& site);
  void advance(Site& site, Asker& asker);
  void compare(Site& site, Asker& asker);
  void compare_answers(const char* map, const runtime::FactQuestion& question, runtime::FactEngine& gateway);
  Rows ask(const Site& site, runtime::FactEngine& engine, const char* map, const runtime::FactQuestion& question);
  void fail(const Site& site, const std::string& sentence);

  World& world_;
  Witness& next_;
  std::map<const Site*, std::unique_ptr<Asker>> askers_;
  std::vector<Asked> questions_;
  std::string problem_;
};

}  // namespace grid::sim
