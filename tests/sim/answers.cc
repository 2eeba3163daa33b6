// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/answers.h"

#include <algorithm>

#include "tests/sim/attributes.h"

namespace grid::sim {

namespace {

std::string text_of(std::span<const crdt::Value> row) {
  std::string text;
  for (const crdt::Value& value : row) {
    text += std::to_string(value.canonical().size()) + ":";
    text += as_text(value.canonical());
  }
  return text;
}

bool holds_all_of(const Site& site, const char* map, const runtime::QueryAttributes& attributes) {
  if (has_whole(site, map)) return true;
  return !attributes.are_all && std::all_of(attributes.names.begin(), attributes.names.end(),
                                            [&](const std::string& name) { return has_attribute(site, map, name); });
}

}  // namespace

Answers::Answers(World& world, Witness& next) : world_(world), next_(next) {
  world.watch_by(*this);
  runtime::Random random(world.options().seed);
  questions_.assign(std::begin(kQuestions), std::end(kQuestions));
  questions_.push_back({kOfWhatExpires});
  for (int i = 0; i < kDrawn; ++i) questions_.push_back(draw_question(random));
}

void Answers::stepped(Site& site, const Event& event, storage::Seq before, std::span<const Action> actions) {
  next_.stepped(site, event, before, actions);
  if (site.replica == nullptr || !site.running || !problem_.empty()) return;
  Asker& asker = asker_of(site);
  if (++asker.steps % kStepsOfALook != 0) return;
  advance(site, asker);
  if (asker.steps % (kStepsOfALook * kLooksOfAQuestion) == 0) compare(site, asker);
}

void Answers::forgot(Site& site, Fault why) {
  site.erasures.heard_by = nullptr;
  askers_.erase(&site);
  next_.forgot(site, why);
}

Answers::Asker& Answers::asker_of(Site& site) {
  const auto found = askers_.find(&site);
  if (found != askers_.end()) return *found->second;
  const Asked& asked = questions_[(world_.options().seed / 64 + site.name.size() + askers_.size()) % questions_.size()];
  auto& asker = askers_[&site] = std::make_unique<Asker>(*site.store, asked);
  site.erasures.heard_by = asker.get();
  return *asker;
}

void Answers::advance(Site& site, Asker& asker) {
  struct Teller {
    Answers* answers;
    Site* site;
    Asker* asker;
  } teller{this, &site, &asker};
  const auto tell = [](void* at, bool has_entered, std::span<const crdt::Value> row) {
    const Teller& to = *static_cast<Teller*>(at);
    const std::string text = text_of(row);
    if (to.asker->told.contains(text) == has_entered) to.answers->fail(*to.site, "a row enters or leaves twice");
    has_entered ? void(to.asker->told.insert(text)) : void(to.asker->told.erase(text));
  };
  asker.engine.observe(site.replica->known_ms(world_.wall_ms(site)));
  if (asker.live.advance({tell, &teller}) != Status::ok) fail(site, "a live question ends");
}

void Answers::compare(Site& site, Asker& asker) {
  const Rows rows = ask(site, asker.engine, "m", *asker.question);
  if (std::set<std::string>(rows.begin(), rows.end()) == asker.told) return;
  fail(site, "what was told is not what is answered: " + asker.question->text());
}

Answers::Rows Answers::ask(const Site& site, runtime::FactEngine& engine, const char* map,
                           const runtime::FactQuestion& question) {
  Rows rows;
  const auto take = [](void* at, std::span<const crdt::Value> row) { static_cast<Rows*>(at)->push_back(text_of(row)); };
  if (engine.ask(map, question, {take, &rows}) != Status::ok) fail(site, engine.problem());
  return rows;
}

void Answers::judge_rest() {
  for (std::size_t i = 0; i < world_.device_count(); ++i) {
    Site& site = world_.device(i);
    advance(site, asker_of(site));
    compare(site, asker_of(site));
  }
  runtime::FactEngine gateway(*world_.gateway().store);
  gateway.observe(world_.true_ms());
  for (const Asked& asked : questions_) {
    const auto question = read(asked);
    for (const char* map : {"m", "n"}) compare_answers(map, *question, gateway);
  }
}

void Answers::compare_answers(const char* map, const runtime::FactQuestion& question, runtime::FactEngine& gateway) {
  const Rows expected = ask(world_.gateway(), gateway, map, question);
  for (std::size_t i = 0; i < world_.device_count(); ++i) {
    Site& site = world_.device(i);
    if (!holds_all_of(site, map, question.attributes())) continue;
    asker_of(site).engine.observe(world_.true_ms());
    const Rows rows = ask(site, asker_of(site).engine, map, question);
    if (rows == expected) continue;
    fail(site, "it answers " + std::to_string(rows.size()) + " rows, and the gateway's store " +
                   std::to_string(expected.size()) + ", of " + map + ": " + question.text());
  }
}

void Answers::fail(const Site& site, const std::string& sentence) {
  if (!problem_.empty()) return;
  problem_ = site.name + ": " + sentence;
  world_.tell("*** %s", problem_.c_str());
}

}  // namespace grid::sim
