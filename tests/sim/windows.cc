// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/windows.h"

namespace grid::sim {

using runtime::LiveDelta;
using runtime::LiveKind;

namespace {

constexpr runtime::Question kQuestion{.map = "m", .where = "level >= 2", .order = "level desc", .limit = 4};

}  // namespace

void Windows::stepped(Site& site, const Event& event, storage::Seq before, std::span<const Action> actions) {
  next_.stepped(site, event, before, actions);
  if (site.replica == nullptr || !site.running || !problem_.empty()) return;
  if (!windows_.contains(&site)) open(site);
  if (const auto found = windows_.find(&site); found != windows_.end()) advance(site, *found->second);
}

void Windows::forgot(Site& site, Fault why) {
  site.erasures.heard_by = nullptr;
  windows_.erase(&site);
  next_.forgot(site, why);
}

// Half of the devices have an index, which must make no difference.
void Windows::open(Site& site) {
  auto window = std::make_unique<Window>(*site.store);
  const bool is_indexed = windows_.size() % 2 == 1;
  if (is_indexed && window->engine.declare("m", "level", runtime::IndexKind::ordered) != Status::ok)
    return fail(site, "an index is refused");
  runtime::Question question = kQuestion;
  question.known_ms = site.replica->known_ms(world_.wall_ms(site));
  if (window->live.open(question) != Status::ok) return fail(site, window->live.problem());
  site.erasures.heard_by = window.get();
  windows_[&site] = std::move(window);
}

void Windows::advance(Site& site, Window& window) {
  struct Teller {
    Windows* windows;
    Site* site;
    Window* window;
  } teller{this, &site, &window};
  const auto tell = [](void* at, const LiveDelta& delta) {
    const Teller& to = *static_cast<Teller*>(at);
    const std::string key(delta.key);
    const bool was_in = to.window->told.contains(key);
    if (was_in == (delta.kind == LiveKind::enter)) to.windows->fail(*to.site, key + " enters or leaves twice");
    if (delta.kind == LiveKind::leave) {
      to.window->told.erase(key);
    } else {
      to.window->told[key] = as_text(delta.now.canonical());
    }
  };
  const std::uint64_t known_ms = site.replica->known_ms(world_.wall_ms(site));
  if (window.live.advance(known_ms, {tell, &teller}) != Status::ok) return fail(site, "a live query ends");
  if (++window.steps % kStepsOfALook == 0) compare(site, window, known_ms);
}

void Windows::compare(Site& site, Window& window, std::uint64_t known_ms) {
  std::map<std::string, std::string> asked;
  runtime::Question question = kQuestion;
  question.known_ms = known_ms;
  const auto take = [](void* at, const query::Row& row, const crdt::Op&) {
    static_cast<std::map<std::string, std::string>*>(at)->emplace(row.key, as_text(row.value.canonical()));
  };
  if (window.engine.ask(question, {take, &asked}) != Status::ok) return fail(site, window.engine.problem());
  if (asked == window.told) return;
  std::string keys;
  for (const auto& [key, value] : window.told) keys += asked.contains(key) ? "" : " -" + key;
  for (const auto& [key, value] : asked) keys += window.told.contains(key) ? "" : " +" + key;
  fail(site, "a live window is not what its question answers:" + keys);
}

void Windows::fail(const Site& site, const std::string& sentence) {
  if (!problem_.empty()) return;
  problem_ = site.name + ": " + sentence;
  world_.tell("*** %s", problem_.c_str());
}

}  // namespace grid::sim
