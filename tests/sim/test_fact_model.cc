// SPDX-License-Identifier: Apache-2.0
//
// Facts and deletions on replicas that write at the same time and fail, against a model. GRID_SIM_SEED replays one run.

#include <cstdlib>
#include <set>

#include "tests/sim/fact_story.h"

namespace grid::sim {

namespace {

struct Model {
  struct Written {
    crdt::Stamp stamp;
    std::string value;
  };
  std::set<std::string> deleted;
  std::map<std::string, std::map<std::string, Written>> facts;  // By entity and sub.
};

// What stands at the site after a write of its own is what it wrote.
void note(Site& site, const std::string& entity, const std::string& sub, Model& model) {
  const auto op = site.store->find({"f", entity, sub});
  assert_ok(op.status());
  Model::Written& written = model.facts[entity][sub];
  if (op->cell.stamp > written.stamp) written = {op->cell.stamp, std::string(as_text(op->cell.value))};
}

void act_on(World& world, runtime::Random& random, Site& site, Model& model) {
  const std::string entity = "e" + std::to_string(random.below(6));
  const std::string predicate = random.below(2) == 0 ? "one" : "many";
  const std::int64_t value = static_cast<std::int64_t>(random.below(4));
  const Verb verb = predicate == "one" ? Verb::set : random.below(3) == 0 ? Verb::remove : Verb::add;
  if (random.below(12) == 0) {
    assert_ok(bury(world, site, entity));
    model.deleted.insert(entity);
    return;
  }
  const Status status = write(world, site, verb, entity, predicate, value);
  if (is_buried(site, entity)) {
    assert_status(status, Status::invalid);
  } else if (status != Status::not_found) {
    assert_ok(status);
    note(site, entity, sub_of(predicate, verb != Verb::set, value), model);
  }
}

void act(World& world, runtime::Random& random, Model& model) {
  Site& site = world.device(random.below(world.device_count()));
  switch (random.below(8)) {
    case 6:
      world.run_ms(20);  // What it was told is on disk.
      if (random.below(3) == 0) start_again(world, world.gateway());
      if (random.below(2) == 0) start_again(world, site);
      break;
    case 7:
      site.reachable ? world.cut(site) : world.heal(site);
      break;
    default:
      act_on(world, random, site, model);
  }
  world.run_ms(random.below(30));
}

void compare(World& world, const Model& model, std::uint64_t seed) {
  const auto number = static_cast<unsigned long long>(seed);
  for (std::size_t i = 0; i <= world.device_count(); ++i) {
    Site& site = world.site(i);
    for (const std::string& entity : model.deleted) {
      if (cells_of(site, entity) > 0)
        fail_msg("seed %llu: %s has facts of %s", number, site.name.c_str(), entity.c_str());
    }
    for (const auto& [entity, facts] : model.facts) {
      if (model.deleted.contains(entity)) continue;
      for (const auto& [sub, written] : facts) {
        const auto op = site.store->find({"f", entity, sub});
        const std::string value = op.ok() ? std::string(as_text(op->cell.value)) : std::string();
        if (value != written.value) fail_msg("seed %llu: %s differs in %s", number, site.name.c_str(), entity.c_str());
      }
    }
  }
}

void run_interleaving(std::uint64_t seed) {
  World world({.seed = seed, .devices = 3 + seed % 3, .weather = {.jitter_ms = 20, .loss = 20'000, .drop = 10'000}});
  runtime::Random random(seed);
  Model model;
  join(world);
  for (int i = 0; i < 80; ++i) act(world, random, model);
  for (std::size_t i = 0; i < world.device_count(); ++i) world.heal(world.device(i));
  assert_converged(world);
  compare(world, model, seed);
  verify_all(world);
}

}  // namespace

// TRI-1
static void any_interleaving_of_facts_and_deletions_equals_the_model(void**) {
  const char* const one = std::getenv("GRID_SIM_SEED");
  if (one != nullptr) return run_interleaving(std::strtoull(one, nullptr, 10));
  for (std::uint64_t seed = 1; seed <= 200; ++seed) run_interleaving(seed);
}

}  // namespace grid::sim

int main() {
  using namespace grid::sim;
  const CMUnitTest tests[] = {cmocka_unit_test(any_interleaving_of_facts_and_deletions_equals_the_model)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
