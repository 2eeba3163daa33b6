// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/run.h"

#include <algorithm>
#include <memory>

#include "crdt/value.h"
#include "runtime/edits.h"
#include "tests/sim/answers.h"
#include "tests/sim/chatter.h"
#include "tests/sim/facts.h"
#include "tests/sim/judge.h"
#include "tests/sim/rules.h"
#include "tests/sim/values.h"
#include "tests/sim/windows.h"

namespace grid::sim {

namespace {

using runtime::Call;
using runtime::ScopeKind;

constexpr std::uint64_t kRestMs = 300'000;  // Of virtual time: what has not come to rest by then never will.
constexpr int kVerifications = 5;           // Within that.
constexpr const char* kMaps[] = {"m", "n"};
constexpr const char* kPredicates[] = {"level >= 5", "level < 3", "level in (3, 7)",
                                       "$key starts with 'hot/1' and not level = 4", "level = 2 or half > 40"};

// What a gateway's clock may be off by at either end of a span.
constexpr std::uint64_t kClockErrorMs = 5'000;

class Run {
 public:
  Run(const Plan& plan, std::FILE* story)
      : plan_(plan),
        rules_(rules_of(plan.options.ruling)),
        world_(options_of(plan, rules_)),
        judge_(world_),
        values_(world_),
        facts_(world_, plan) {
    world_.tell_to(story);
    if (plan.options.predicates) windows_ = std::make_unique<Windows>(world_, judge_);
    if (plan.options.facts) answers_ = std::make_unique<Answers>(world_, judge_);
    if (world_.options().channels) chatter_ = std::make_unique<Chatter>(world_);
    images_.resize(plan.options.devices + 1);
    edits_ = plan.options.seed % 16 == 4 || (plan.options.predicates && plan.options.seed / 32 % 2 == 0);
  }

  Verdict go() {
    for (std::size_t i = 0; i < world_.device_count(); ++i) join(i);
    for (const Step& step : plan_.steps) {
      if (step.at_ms > world_.now_ms()) world_.run_ms(step.at_ms - world_.now_ms());
      if (found()) return verdict();
      act(step);
    }
    world_.run_ms(1'000);
    calm();
    rest();
    return verdict();
  }

  bool found() const {
    return judge_.found() || (chatter_ && !chatter_->problem().empty()) || (windows_ && !windows_->problem().empty()) ||
           (answers_ && !answers_->problem().empty());
  }

 private:
  // Every eighth seed: its devices talk besides.
  static World::Options options_of(const Plan& plan, server::RowRules& rules) {
    World::Options options = plan.options;
    if (options.ruling != 0) options.server.policy = &rules;
    options.channels = options.seed % 8 == 5;
    options.server.channels.queue_messages_max = 8;
    return options;
  }

  // What each application wants from the beginning: all, a map, or some of its keys.
  void join(std::size_t index) {
    Site& device = world_.device(index);
    const bool watched = index % 3 == 1;
    if (plan_.options.predicates) return join_partly(device, index);
    if (plan_.options.attributes) return facts_.join(device, index);
    switch (plan_.options.seed % 4 == 0 ? index % 4 : 0) {
      case 1:
        world_.subscribe(device, {ScopeKind::map, "m", {}}, watched);
        break;
      case 2:
        world_.subscribe(device, {ScopeKind::prefix, "m", "hot/1"}, watched);
        world_.subscribe(device, {ScopeKind::key, "n", "hot/2"});
        break;
      default:
        world_.subscribe(device, {}, watched);
        break;
    }
    world_.online(device);
  }

  static runtime::Scope where(const char* map, std::uint64_t number) {
    return {ScopeKind::where, map, kPredicates[number % std::size(kPredicates)]};
  }

  void join_partly(Site& device, std::size_t index) {
    switch (index % 4) {
      case 1:
        world_.subscribe(device, where("m", 0), index % 8 == 1);
        break;
      case 2:
        world_.subscribe(device, where("m", 1));
        world_.subscribe(device, where("m", 2));
        world_.subscribe(device, {ScopeKind::key, "n", "hot/2"});
        break;
      case 3:
        world_.subscribe(device, where("m", 3));
        world_.subscribe(device, where("n", 4), true);
        break;
      default:
        world_.subscribe(device);
        break;
    }
    world_.online(device);
  }

  void act(const Step& step) {
    Site& site = world_.site(std::min<std::size_t>(step.site, world_.device_count()));
    if (step.act <= Act::offline) {
      if (!site.running || !site.replica || site.asleep) return;
      use(step, site);
      if (chatter_ && site.running) chatter_->act(site, step.choice >> 20);
    } else {
      harm(step, site);
    }
  }

  std::string key_of(const Step& step) const {
    const std::uint64_t key = step.choice >> 8;
    if (key % 4 == 0) return "own/" + std::to_string(step.site) + "/" + std::to_string(key / 4 % 50);
    return "hot/" + std::to_string(key / 4 % plan_.keys);
  }
  const char* map_of(const Step& step) const { return kMaps[step.choice % 5 == 0 ? 1 : 0]; }

  // What an application makes of such a record, wherever it has travelled.
  void read_back(Site& site) {
    for (Result<crdt::Op> op = site.replica->next({}, {}, world_.true_ms()); op.ok();) {
      const crdt::Value value(op->cell.value);
      const std::int64_t id = value["id"].integer_or(0);
      if (id > 0 && !Values::is_whole(value, id)) problem_ = site.name + " reads a record that nobody wrote so";
      const std::string map(op->cell.name.map), key(op->cell.name.key);
      op = site.replica->next({}, {map, key, {}}, world_.true_ms());
    }
  }
  void put(Site& site, const char* map, const std::string& key, const std::string& value, std::uint64_t ttl_ms) {
    Call put{.verb = Call::Verb::put, .scope = {ScopeKind::key, map, key}, .value = as_bytes(value), .ttl_ms = ttl_ms};
    const Status status = world_.call(site, put);
    world_.tell("%s puts %s/%s #%llu: %s", site.name.c_str(), map, key.c_str(),
                static_cast<unsigned long long>(put.seq), grid::name_of(status));
  }

  // Sets, counters and batches beside rows.
  void edit(const Step& step, Site& site, std::string_view key) {
    const std::string value = step.choice % 7 == 0 ? std::string() : values_.small_number(step.choice % 5);
    std::vector<runtime::RowWrite> rows;
    std::vector<std::string> keys;
    keys.reserve(8);
    rows.reserve(8);
    for (std::uint64_t i = 0; i < 2 + step.choice % 6; ++i) keys.push_back("hot/" + std::to_string(i));
    for (const std::string& row : keys) rows.push_back({map_of(step), row, as_bytes(value), 0});
    Call call{.verb = Call::Verb::edit, .scope = {ScopeKind::key, map_of(step), key}, .value = as_bytes(value)};
    constexpr runtime::Edit kEdits[] = {runtime::add_to_set, runtime::remove_from_set, runtime::add_to_counter};
    call.edit = kEdits[step.choice % 3];
    if (value.empty()) call.edit = runtime::remove_from_set;
    if (step.choice % 11 == 0) {
      call.edit = runtime::write_batch;
      call.rows = rows;
    }
    const Status status = world_.call(site, call);
    world_.tell("%s edits %s/%s #%llu: %s", site.name.c_str(), map_of(step), std::string(key).c_str(),
                static_cast<unsigned long long>(call.seq), grid::name_of(status));
  }

  void use(const Step& step, Site& site) {
    const char* map = map_of(step);
    const std::string key = key_of(step);
    const bool moves = plan_.options.entities && step.act <= Act::remove && step.choice % 13 == 0;
    if (moves) return facts_.move(site, map, step.choice / 195, false);
    const bool is_of_facts = plan_.options.facts && step.act <= Act::remove && step.choice % 3 != 0;
    if (is_of_facts) return facts_.write(step, site, map, key);
    if (edits_ && step.act <= Act::remove && step.choice % 2 == 0) return edit(step, site, key);
    switch (step.act) {
      case Act::put:
        return put(site, map, key, step.choice % 3 == 0 ? values_.record(step.choice) : values_.plain(step.choice), 0);
      case Act::put_expiring:
        return put(site, map, key, values_.plain(step.choice), step.ms);
      case Act::put_large:
        return put(site, map, key, values_.text(1'100 + step.choice % 1'500), 0);
      case Act::put_empty:
        return put(site, map, key, values_.text(0), 0);
      case Act::burst:
        for (std::uint64_t i = 0; i < 5 + step.choice % 60; ++i) {
          const std::uint64_t choice = plan_.options.predicates ? step.choice + 64 * i : step.choice / (i + 1);
          put(site, map, "burst/" + std::to_string((step.choice + i) % 40), values_.plain(choice), 0);
        }
        return;
      case Act::remove: {
        const Status status = world_.remove(site, map, key);
        return world_.tell("%s removes %s/%s: %s", site.name.c_str(), map, key.c_str(), grid::name_of(status));
      }
      default:
        return subscribe(step, site);
    }
  }

  void subscribe(const Step& step, Site& site) {
    switch (step.act) {
      case Act::subscribe:
      case Act::watch: {
        const std::string key = key_of(step);
        const bool is_where = plan_.options.predicates && step.choice / 28 % 2 == 0;
        if (is_where) return world_.subscribe(site, where(map_of(step), step.choice / 56), step.act == Act::watch);
        if (plan_.options.entities && step.choice / 28 % 2 == 0)
          return facts_.move(site, map_of(step), step.choice / 56, step.act == Act::watch);
        if (plan_.options.attributes && step.choice / 28 % 4 != 0)
          return facts_.subscribe(site, map_of(step), step.choice / 112, step.act == Act::watch);
        const ScopeKind kind = static_cast<ScopeKind>(step.choice / 7 % 4);
        const bool whole = kind == ScopeKind::everything;
        const bool all_keys = whole || kind == ScopeKind::map;
        return world_.subscribe(site, {kind, whole ? "" : map_of(step), all_keys ? std::string_view() : key},
                                step.act == Act::watch);
      }
      case Act::unsubscribe:
        if (site.scopes.size() > (plan_.options.entities ? 0 : 1))
          world_.unsubscribe(site, step.choice % site.scopes.size());
        return;
      case Act::verify:
        if (site.letters != nullptr && step.choice % 2 == 0) return discard(site);
        return world_.verify(site);
      default:  // offline
        world_.online(site, false);
        return world_.later(step.ms, [this, &site] {
          site.wants_online = true;
          if (site.running) world_.online(site);
        });
    }
  }

  void discard(Site& site) {
    const Result<runtime::Letter> letter = site.letters->next(0);
    if (!letter.ok()) return;
    const std::string map(letter->cell.name.map), key(letter->cell.name.key);
    Call call{.verb = Call::Verb::edit, .scope = {ScopeKind::key, map, key}};
    call.edit = runtime::discard_letter;
    call.letter = letter->id;
    const Status status = world_.call(site, call);
    world_.tell("%s discards the letter #%llu: %s", site.name.c_str(), static_cast<unsigned long long>(call.letter),
                grid::name_of(status));
  }

  // Whatever it is, it ends after step.ms.
  void harm(const Step& step, Site& site) {
    switch (step.act) {
      case Act::cut:
        world_.cut(site);
        return heal_later(step, site);
      case Act::block_up:
      case Act::block_down:
      case Act::block:
        world_.block(site, step.act != Act::block_down, step.act != Act::block_up);
        return heal_later(step, site);
      case Act::slow:
        world_.tell("%s reads slowly", site.name.c_str());
        world_.count(Fault::slow);
        site.slow = true;
        return world_.later(step.ms, [&site] { site.slow = false; });
      case Act::sleep:
        return world_.sleep(site, step.ms);
      case Act::fill_disk:
        return world_.fill_disk(site, step.ms);
      case Act::fail_disk:
        return world_.fail_disk(site, 1 + step.choice % 20, step.ms);
      case Act::refuse_drains:
        return world_.refuse_drains(1 + static_cast<std::uint32_t>(step.choice % 8));
      case Act::set_clock:
      case Act::lose_clock:
      case Act::drift_clock:
        return set_clock(step, site);
      default:
        return kill(step, site);
    }
  }

  void heal_later(const Step& step, Site& site) {
    world_.later(step.ms, [this, &site] { world_.heal(site); });
  }

  void kill(const Step& step, Site& site) {
    switch (step.act) {
      case Act::crash:
      case Act::crash_torn:
        if (!site.running) return;
        world_.crash(site, step.act == Act::crash_torn ? 1 : 0);
        break;
      case Act::take_image:
        world_.tell("%s is copied", site.name.c_str());
        images_[step.site] = {std::make_unique<storage::MemoryStore>(*site.store), world_.now_ms()};
        return images_[step.site].store->crash();
      case Act::restore_image:
        if (images_[step.site].store == nullptr || !facts_.may_set_back(site)) return;
        world_.restore(site, *images_[step.site].store, has_expired(step.site) ? Fault::restore_late : Fault::restore);
        break;
      case Act::wipe:
        world_.restore(site, fresh_store(), Fault::wipe);
        break;
      case Act::lose_journal:
        if (!plan_.options.server.has_sink || !facts_.may_set_back(site)) return;
        world_.restore(site, fresh_store(), Fault::journal_lost);
        break;
      default:  // old_release
        if (site.old_release) return;
        world_.count(Fault::old_release);
        world_.crash(site);
        site.old_release = true;
        world_.later(step.ms / 2, [this, &site] { start(site); });
        return world_.later(step.ms, [this, &site] { update(site); });
    }
    world_.later(step.ms, [this, &site] { start(site); });
  }

  // By the gateway's own clock, which may have been off at either end.
  bool has_expired(std::size_t site) const {
    const std::uint64_t age_ms = world_.now_ms() - images_[site].taken_ms;
    return site == 0 && age_ms + kClockErrorMs > plan_.options.server.keeping.backup_horizon_ms;
  }

  storage::MemoryStore fresh_store() const {
    return storage::MemoryStore({.batch_bytes_max = plan_.options.batch_bytes_max});
  }

  void start(Site& site) {
    if (!site.running) world_.restart(site);
  }

  void update(Site& site) {
    site.old_release = false;
    if (site.running) world_.crash(site);
    world_.restart(site);
  }

  // Seconds, minutes, a decade; a gateway's clock is off by seconds only, or unknown.
  void set_clock(const Step& step, Site& site) {
    static constexpr std::int64_t kSkews[] = {
        2'000, -2'000, 20'000, -20'000, 180'000, -180'000, 3'650 * 86'400'000LL, -3'650 * 86'400'000LL};
    const Fault fault = step.act == Act::set_clock    ? Fault::clock_set
                        : step.act == Act::lose_clock ? Fault::clock_unknown
                                                      : Fault::clock_drift;
    world_.count(fault);
    if (step.act == Act::set_clock) site.wall_skew_ms = kSkews[step.choice % (site.is_gateway() ? 2 : 8)];
    if (step.act == Act::lose_clock) site.knows_time = false;
    if (step.act == Act::drift_clock) site.drift_ppm = static_cast<std::int64_t>(step.choice % 20'000) - 10'000;
    world_.tell("%s %s (%lld ms off)", site.name.c_str(), name_of(step.act), static_cast<long long>(site.wall_skew_ms));
    world_.later(step.ms, [&site, act = step.act] {
      if (act == Act::set_clock) site.wall_skew_ms = 0;
      if (act == Act::lose_clock) site.knows_time = true;
      if (act == Act::drift_clock) site.drift_ppm = 0;
    });
  }

  // All that went wrong is over.
  void calm() {
    world_.tell("calm");
    world_.weather() = {.database_ms = 5};
    world_.gateway().database_refuses = 0;
    world_.run_ms(70'000);  // Whatever has an end has ended.
    for (std::size_t i = 0; i <= world_.device_count(); ++i) {
      Site& site = world_.site(i);
      start(site);
      site.disk->fail_at(0);
      if (!site.replica) continue;
      world_.heal(site);
      if (!site.wants_online) world_.online(site);
    }
  }

  void rest() {
    if (!judge_.found() && !come_to_rest()) return;
    // What expires has expired; and whose clock was put right without an event looks at it within a minute.
    world_.run_ms(65'000);
    if (!judge_.found() && !come_to_rest()) return;
    judge_.rest();
    if (answers_ && !judge_.found()) answers_->judge_rest();
    if (chatter_) chatter_->judge_rest();
    if (chatter_ && !chatter_->problem().empty()) problem_ = chatter_->problem();
    for (std::size_t i = 0; i < world_.device_count(); ++i) read_back(world_.device(i));
    if (found() || !problem_.empty()) return;
    // Clocks differ by seconds: of a row that expires just now, one counts what another does not.
    for (int i = 0; i < kVerifications; ++i) {
      for (std::size_t j = 0; j < world_.device_count(); ++j) world_.verify(world_.device(j));
      if (world_.run_until([this] { return all_verified(); }, kRestMs / kVerifications)) return;
    }
    problem_ = "equal replicas have unequal digests: " + states();
  }

  bool come_to_rest() {
    const auto drained = [this] {
      const server::CoordinatorStatus status = world_.gateway().coordinator->status();
      return !plan_.options.server.has_sink || (status.drained >= status.durable && status.durable == status.head);
    };
    if (world_.run_until([&] { return (world_.quiet() && drained()) || found(); }, kRestMs)) return true;
    problem_ = "it does not come to rest: " + states();
    world_.tell("*** %s", problem_.c_str());
    return false;
  }

  bool all_verified() {
    for (std::size_t i = 0; i < world_.device_count(); ++i) {
      if (!world_.device(i).replica->status(world_.now_ms()).verified) return false;
    }
    return true;
  }

  std::string states() {
    std::string text = std::string("gateway: ") + world_.gateway().coordinator->problem();
    for (std::size_t i = 0; i < world_.device_count(); ++i) {
      const Site& site = world_.device(i);
      const runtime::ReplicaStatus status = site.replica->status(world_.now_ms());
      if (status.state == SyncState::realtime && status.quiet && status.verified) continue;
      text += "; " + site.name + ": " + grid::name_of(status.state) + ", " + std::to_string(status.ops_pending) +
              " ops pending, " + (status.current ? "" : "not ") + "current, " + (status.quiet ? "" : "not ") +
              "quiet, " + site.replica->problem();
    }
    return text;
  }

  Verdict verdict() {
    Verdict verdict;
    if (problem_.empty() && chatter_) problem_ = chatter_->problem();
    if (problem_.empty() && windows_) problem_ = windows_->problem();
    if (problem_.empty() && answers_) problem_ = answers_->problem();
    verdict.problem = judge_.found() ? judge_.problem() : problem_;
    verdict.kind = judge_.found() ? judge_.kind() : problem_.substr(0, problem_.find(':'));
    verdict.passed = verdict.problem.empty();
    verdict.trace = world_.trace();
    verdict.events = world_.event_count();
    verdict.writes = judge_.writes();
    verdict.virtual_ms = world_.now_ms();
    for (std::size_t i = 0; i < kFaults; ++i) verdict.faults[i] = world_.fault_count(static_cast<Fault>(i));
    return verdict;
  }

  struct Image {
    std::unique_ptr<storage::MemoryStore> store;
    std::uint64_t taken_ms = 0;
  };

  const Plan& plan_;
  server::RowRules rules_;
  World world_;
  Judge judge_;
  std::unique_ptr<Windows> windows_;
  Values values_;
  Facts facts_;
  std::unique_ptr<Answers> answers_;
  std::unique_ptr<Chatter> chatter_;
  bool edits_ = false;  // One seed in sixteen (of a class that found nothing yet, so that no known seed changes), and
                        // half of those with predicates.
  std::vector<Image> images_;
  std::string problem_;
};

}  // namespace

Verdict run_plan(const Plan& plan, std::FILE* story) { return Run(plan, story).go(); }

}  // namespace grid::sim
