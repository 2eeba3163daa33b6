// SPDX-License-Identifier: Apache-2.0
//
// The views of several cells a key, on replicas that write at the same time and fail: sets and counters against a model
// of what each replica had seen. GRID_SIM_SEED replays one run of the property.

#include <cstdlib>
#include <set>

#include "crdt/or_map.h"
#include "crdt/pn_counter.h"
#include "runtime/edits.h"
#include "server/policy.h"
#include "tests/sim/story.h"

namespace grid::sim {

using crdt::CounterPart;
using crdt::OrTag;
using crdt::Value;
using runtime::Call;
using runtime::ScopeKind;
using storage::MemoryStore;

namespace {

Status edit(World& world, Site& site, runtime::Edit edit, std::string_view key, const std::string& value,
            crdt::Seq* seq = nullptr) {
  Call call{.verb = Call::Verb::edit, .scope = {ScopeKind::key, "v", key}, .value = as_bytes(value)};
  call.edit = edit;
  const Status status = world.call(site, call);
  if (seq != nullptr) *seq = call.seq;
  return status;
}

Status add(World& world, Site& site, std::string_view key, std::int64_t value, crdt::Seq* seq = nullptr) {
  return edit(world, site, runtime::add_to_set, key, canonical(value), seq);
}
Status remove(World& world, Site& site, std::string_view key, std::int64_t value) {
  return edit(world, site, runtime::remove_from_set, key, canonical(value));
}
Status count(World& world, Site& site, std::string_view key, std::int64_t by) {
  return edit(world, site, runtime::add_to_counter, key, canonical(by));
}

template <typename Visit>
void each_cell(Site& site, std::string_view key, Visit visit) {
  std::string sub;
  for (;;) {
    const auto op = site.store->next_cell({"v", key, sub});
    if (!op.ok() || op->cell.name.map != "v" || op->cell.name.key != key) return;
    sub = op->cell.name.sub;
    if (!op->cell.is_tombstone()) visit(op->cell);
  }
}

// Refuses the next writes, and these whenever they come.
class RefusesNext final : public server::Policy {
 public:
  std::size_t left = 0;

  bool governs(std::string_view) const override { return true; }
  server::Ruling judge(std::span<const server::Proposal> batch) override {
    const crdt::Stamp stamp = batch[0].stamp;
    if (!refused_.contains(stamp) && left == 0) return {};
    if (refused_.insert(stamp).second) --left;
    return {Status::invalid, "not this one"};
  }

 private:
  std::set<crdt::Stamp> refused_;
};

// The tags under which the site has the value; of any value without one.
std::set<std::string> tags_of(Site& site, std::string_view key, const std::string& value = {}) {
  std::set<std::string> tags;
  each_cell(site, key, [&](const crdt::Cell& cell) {
    if (!OrTag::is(cell.name.sub)) return;
    if (value.empty() || as_text(cell.value) == value) tags.emplace(cell.name.sub);
  });
  return tags;
}

bool has(Site& site, std::string_view key, std::int64_t value) { return !tags_of(site, key, canonical(value)).empty(); }

std::int64_t counted(Site& site, std::string_view key) {
  crdt::CounterSum sum;
  each_cell(site, key, [&](const crdt::Cell& cell) { sum.add(CounterPart::read(Value(cell.value))); });
  return sum.value();
}

std::size_t parts_of(Site& site, std::string_view key) {
  std::size_t parts = 0;
  each_cell(site, key, [&](const crdt::Cell&) { ++parts; });
  return parts;
}

void cut_both(World& world) {
  world.cut(world.device(0));
  world.cut(world.device(1));
  world.run_ms(100);
}

void heal_both(World& world) {
  world.heal(world.device(0));
  world.heal(world.device(1));
  assert_converged(world);
}

}  // namespace

// ---- OR-Map

// ORM-1
static void an_add_that_a_remove_had_not_seen_survives(void**) {
  World world({.seed = 300});
  Site &a = world.device(0), &b = world.device(1);
  join(world);
  assert_ok(add(world, a, "k", 1));
  assert_converged(world);
  cut_both(world);
  assert_ok(remove(world, a, "k", 1));
  assert_ok(add(world, b, "k", 1));
  assert_ok(add(world, b, "k", 2));
  heal_both(world);
  for (Site* site : {&a, &b, &world.gateway()}) {
    assert_true(has(*site, "k", 1) && has(*site, "k", 2));
    assert_int_equal(tags_of(*site, "k").size(), 2);
  }
}

// ORM-1
static void a_remove_takes_every_add_that_it_has_seen(void**) {
  World world({.seed = 301});
  Site &a = world.device(0), &b = world.device(1);
  join(world);
  assert_ok(add(world, a, "k", 1));
  assert_ok(add(world, b, "k", 1));
  assert_ok(add(world, b, "k", 2));
  assert_converged(world);
  assert_ok(remove(world, b, "k", 1));
  assert_converged(world);
  assert_false(has(a, "k", 1));
  assert_true(has(a, "k", 2));
  assert_ok(edit(world, a, runtime::remove_from_set, "k", {}));
  assert_converged(world);
  assert_int_equal(tags_of(world.gateway(), "k").size(), 0);
  assert_status(remove(world, a, "k", 1), Status::not_found);
}

// PROTOCOL P26
static void what_was_added_and_removed_offline_was_never_there(void**) {
  World world({.seed = 302});
  Site& a = world.device(0);
  join(world);
  assert_converged(world);
  world.cut(a);
  world.run_ms(100);
  for (std::int64_t i = 0; i < 50; ++i) {
    assert_ok(add(world, a, "k", i));
    assert_ok(remove(world, a, "k", i));
  }
  assert_int_equal(a.replica->status(0).ops_pending, 0);
  world.heal(a);
  assert_converged(world);
  assert_status(world.gateway().store->next_cell({"v", "k", {}}).status(), Status::not_found);
}

// PROTOCOL P1: the tag of before may be dead elsewhere.
static void an_image_adds_under_new_tags(void**) {
  World world({.seed = 303});
  Site &a = world.device(0), &b = world.device(1);
  join(world);
  assert_converged(world);
  world.cut(a);
  world.run_ms(100);
  assert_ok(add(world, a, "k", 1));
  world.run_ms(100);
  const MemoryStore image(*a.store);
  world.heal(a);
  assert_converged(world);
  assert_ok(add(world, a, "k", 3));
  assert_ok(remove(world, b, "k", 1));
  assert_converged(world);
  set_back(world, a, image);
  assert_ok(add(world, a, "k", 2));
  assert_converged(world);
  assert_false(has(b, "k", 1));
  assert_true(has(b, "k", 2) && has(b, "k", 3));
  for (const std::string& tag : tags_of(b, "k", canonical(2))) assert_true(OrTag::read(tag).node == node_of(a));
}

// ---- PN-Counter

static void counts_of_replicas_that_were_apart_add_up(void**) {
  World world({.seed = 310, .devices = 3});
  Site &a = world.device(0), &b = world.device(1);
  join(world);
  assert_converged(world);
  cut_both(world);
  for (int i = 0; i < 10; ++i) assert_ok(count(world, a, "k", 3));
  assert_int_equal(a.replica->status(0).ops_pending, 1);
  assert_ok(count(world, b, "k", -7));
  assert_ok(count(world, world.device(2), "k", 1));
  heal_both(world);
  for (std::size_t i = 0; i < 4; ++i) assert_int_equal(counted(world.site(i), "k"), 24);
}

static void a_counter_takes_whole_numbers_and_ends_where_int64_does(void**) {
  World world({.seed = 311});
  Site& a = world.device(0);
  assert_ok(count(world, a, "k", INT64_MAX));
  assert_status(count(world, a, "k", 1), Status::invalid);
  assert_ok(count(world, a, "k", -1));
  assert_int_equal(counted(a, "k"), INT64_MAX - 1);
  assert_status(count(world, a, "k", INT64_MIN), Status::invalid);
  assert_status(edit(world, a, runtime::add_to_counter, "k", std::string("\x00", 0)), Status::invalid);
}

// PROTOCOL P1: (6, 0) with a newer stamp must not take the place of (10, 0).
static void an_image_counts_on_under_a_new_name_and_keeps_its_old_part(void**) {
  World world({.seed = 312});
  Site &a = world.device(0), &b = world.device(1);
  join(world);
  assert_ok(count(world, a, "k", 5));
  assert_converged(world);
  world.cut(a);
  world.run_ms(100);
  assert_ok(count(world, a, "k", 1));
  world.run_ms(100);
  const MemoryStore image(*a.store);
  world.heal(a);
  assert_ok(count(world, a, "k", 4));
  assert_converged(world);
  assert_int_equal(counted(b, "k"), 10);
  set_back(world, a, image);
  assert_converged(world);
  assert_int_equal(counted(b, "k"), 10);
  assert_ok(count(world, a, "k", 2));
  assert_converged(world);
  assert_int_equal(counted(b, "k"), 12);
  assert_int_equal(counted(a, "k"), 12);
  assert_int_equal(parts_of(a, "k"), 2);
}

// SYN-2: the cursor that it shows with its hello covers the old part, which the new name has just let go of.
static void an_image_that_counted_before_its_link_keeps_its_old_part(void**) {
  World world({.seed = 318});
  Site &a = world.device(0), &b = world.device(1);
  join(world);
  assert_ok(count(world, a, "k", 5));
  assert_converged(world);
  assert_ok(world.put(b, "m", "x", 1));
  assert_converged(world);
  const MemoryStore image(*a.store);
  for (int i = 0; i < 2; ++i) {  // The gateway tells an image from its store once it is two steps behind.
    assert_ok(count(world, a, "other", 1));
    assert_converged(world);
  }
  world.cut(a);
  set_back(world, a, image);
  assert_ok(count(world, a, "k", 2));
  world.heal(a);
  assert_converged(world);
  assert_int_equal(counted(a, "k"), 7);
  assert_int_equal(counted(b, "k"), 7);
}

// P25: a power cut between a refusal and its acknowledgement brings the refusal again, and it takes nothing back twice.
static void a_count_that_is_refused_twice_is_taken_back_once(void**) {
  for (const std::int64_t later : {0, 4}) {
    RefusesNext policy;
    World::Options options{.seed = 319, .devices = 2};
    options.server.policy = &policy;
    World world(options);
    join(world);
    Site& a = world.device(0);
    assert_ok(count(world, a, "k", 2));
    assert_converged(world);
    world.fill_disk(world.gateway(), 10'000);  // With something to commit, no acknowledgement comes.
    assert_ok(count(world, world.device(1), "other", 1));
    world.run_ms(20);
    policy.left = 1;
    assert_ok(count(world, a, "k", 1));
    world.run_ms(6);  // It is on its way.
    if (later > 0) assert_ok(count(world, a, "k", later));
    assert_true(world.run_until([&] { return rejected_by(world) == 1; }, 5'000));
    world.run_ms(1'000);
    assert_int_equal(counted(a, "k"), 2 + later);
    start_again(world, a);
    assert_converged(world);
    assert_true(rejected_by(world) > 1);
    assert_int_equal(counted(a, "k"), 2 + later);
    assert_int_equal(counted(world.device(1), "k"), 2 + later);
  }
}

static void a_wiped_device_counts_on_and_what_it_had_counted_stays(void**) {
  World world({.seed = 313});
  Site &a = world.device(0), &b = world.device(1);
  join(world);
  assert_ok(count(world, a, "k", 5));
  assert_converged(world);
  set_back(world, a, MemoryStore());
  assert_ok(count(world, a, "k", 2));
  assert_converged(world);
  assert_int_equal(counted(b, "k"), 7);
  assert_int_equal(parts_of(b, "k"), 2);
}

// PROTOCOL P3: refused as ahead and written anew, while more was counted.
static void what_was_counted_by_a_clock_ahead_counts_once(void**) {
  World world({.seed = 314});
  Site& a = world.device(0);
  join(world);
  assert_ok(count(world, a, "k", 1));
  assert_converged(world);
  a.wall_skew_ms = 600'000;
  assert_ok(count(world, a, "k", 2));
  world.run_ms(3);
  assert_ok(count(world, a, "k", 4));
  assert_converged(world);
  assert_true(rejected_by(world) > 0);
  assert_int_equal(counted(world.device(1), "k"), 7);
}

// A node that dropped its part would begin again from nothing, over what it had counted.
static void a_full_log_does_not_drop_what_was_counted(void**) {
  World world({.seed = 315});
  Site& a = world.device(0);
  a.limits.pending_ops_max = 3;
  a.on_full = OnFull::drop_oldest;
  start_again(world, a);
  join(world);
  assert_ok(count(world, a, "k", 5));
  assert_converged(world);
  world.cut(a);
  world.run_ms(100);
  assert_ok(count(world, a, "k", 1));
  for (std::int64_t i = 1; i <= 5; ++i) assert_ok(world.put(a, "m", key_of(static_cast<std::uint64_t>(i)), i));
  assert_ok(count(world, a, "k", 1));
  world.heal(a);
  assert_converged(world);
  assert_int_equal(counted(world.gateway(), "k"), 7);
}

// ---- any interleaving equals the model

namespace {

struct Model {
  std::map<std::string, std::set<std::string>> tags;  // Of each key: those that nobody who saw them removed.
  std::map<std::string, std::int64_t> sums;
};

void act(World& world, runtime::Random& random, Model& model) {
  Site& site = world.device(random.below(world.device_count()));
  const std::string key = key_of(random.below(3));
  const std::int64_t value = static_cast<std::int64_t>(random.below(4));
  switch (random.below(9)) {
    case 0:
    case 1:
    case 2: {
      crdt::Seq seq = 0;
      assert_ok(add(world, site, key, value, &seq));
      std::uint8_t tag[OrTag::kBytes];
      model.tags[key].emplace(OrTag{node_of(site), seq}.write(tag));
      break;
    }
    case 3:
    case 4: {
      const std::string removed = random.below(4) == 0 ? std::string() : canonical(value);
      for (const std::string& tag : tags_of(site, key, removed)) model.tags[key].erase(tag);
      const Status status = edit(world, site, runtime::remove_from_set, key, removed);
      assert_true(status == Status::ok || status == Status::not_found);
      break;
    }
    case 5:
    case 6: {
      const std::int64_t by = static_cast<std::int64_t>(random.below(20)) - 10;
      assert_ok(count(world, site, "sum/" + key, by));
      model.sums["sum/" + key] += by;
      break;
    }
    case 7:
      world.run_ms(20);  // What it was told is on disk.
      if (random.below(2) == 0) start_again(world, site);
      break;
    case 8:
      if (site.reachable) {
        world.cut(site);
      } else {
        world.heal(site);
      }
  }
  world.run_ms(random.below(30));
}

void compare(World& world, const Model& model, std::uint64_t seed) {
  for (std::size_t i = 0; i <= world.device_count(); ++i) {
    for (const auto& [key, tags] : model.tags) {
      if (tags_of(world.site(i), key) == tags) continue;
      fail_msg("seed %llu: %s has other values under %s than the model", static_cast<unsigned long long>(seed),
               world.site(i).name.c_str(), key.c_str());
    }
    for (const auto& [key, sum] : model.sums) {
      if (counted(world.site(i), key) == sum) continue;
      fail_msg("seed %llu: %s counts %lld under %s, not %lld", static_cast<unsigned long long>(seed),
               world.site(i).name.c_str(), static_cast<long long>(counted(world.site(i), key)), key.c_str(),
               static_cast<long long>(sum));
    }
  }
}

void run_interleaving(std::uint64_t seed) {
  World world({.seed = seed, .devices = 3 + seed % 3, .weather = {.jitter_ms = 20, .loss = 20'000, .drop = 10'000}});
  runtime::Random random(seed);
  Model model;
  join(world);
  for (int i = 0; i < 60; ++i) act(world, random, model);
  for (std::size_t i = 0; i < world.device_count(); ++i) world.heal(world.device(i));
  assert_converged(world);
  compare(world, model, seed);
}

}  // namespace

// ORM-1
static void any_interleaving_of_sets_and_counters_equals_the_model(void**) {
  const char* const one = std::getenv("GRID_SIM_SEED");
  if (one != nullptr) return run_interleaving(std::strtoull(one, nullptr, 10));
  for (std::uint64_t seed = 1; seed <= 200; ++seed) run_interleaving(seed);
}

}  // namespace grid::sim

int main() {
  using namespace grid::sim;
  const CMUnitTest tests[] = {
      cmocka_unit_test(an_add_that_a_remove_had_not_seen_survives),
      cmocka_unit_test(a_remove_takes_every_add_that_it_has_seen),
      cmocka_unit_test(what_was_added_and_removed_offline_was_never_there),
      cmocka_unit_test(an_image_adds_under_new_tags),
      cmocka_unit_test(counts_of_replicas_that_were_apart_add_up),
      cmocka_unit_test(a_counter_takes_whole_numbers_and_ends_where_int64_does),
      cmocka_unit_test(an_image_counts_on_under_a_new_name_and_keeps_its_old_part),
      cmocka_unit_test(an_image_that_counted_before_its_link_keeps_its_old_part),
      cmocka_unit_test(a_count_that_is_refused_twice_is_taken_back_once),
      cmocka_unit_test(a_wiped_device_counts_on_and_what_it_had_counted_stays),
      cmocka_unit_test(what_was_counted_by_a_clock_ahead_counts_once),
      cmocka_unit_test(a_full_log_does_not_drop_what_was_counted),
      cmocka_unit_test(any_interleaving_of_sets_and_counters_equals_the_model),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
