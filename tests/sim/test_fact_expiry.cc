// SPDX-License-Identifier: Apache-2.0
//
// Facts that expire, told: by the corrected time, on every replica, for who asks anew and for who was told before.

#include "runtime/query/live_facts.h"
#include "tests/sim/fact_story.h"
#include "tests/sim/questions.h"

namespace grid::sim {

namespace {

constexpr const char* kHere = "[:find ?e ?v :where [?e :here ?v]]";
constexpr std::uint64_t kMinuteMs = 60'000;

// A screen on a replica: a live question, and the same asked anew.
class Screen final : public runtime::ErasureListener {
 public:
  Screen(World& world, Site& site)
      : world_(world), site_(site), engine_(*site.store), live_(engine_, "f", read({kHere}), 1u << 20) {
    site.erasures.heard_by = this;
  }
  ~Screen() { site_.erasures.heard_by = nullptr; }
  void erased(const crdt::CellName& name) override { engine_.erased(name); }

  // How many rows it shows, and they are those of the answer.
  std::size_t shown() {
    engine_.observe(site_.replica->known_ms(world_.wall_ms(site_)));
    const auto tell = [](void* at, bool has_entered, std::span<const crdt::Value>) {
      *static_cast<std::int64_t*>(at) += has_entered ? 1 : -1;
    };
    assert_ok(live_.advance({tell, &rows_}));
    std::size_t answered = 0;
    const auto count = [](void* at, std::span<const crdt::Value>) { ++*static_cast<std::size_t*>(at); };
    assert_ok(engine_.answer("f", *read({kHere}), {count, &answered}));
    assert_int_equal(rows_, answered);
    return answered;
  }

 private:
  World& world_;
  Site& site_;
  runtime::FactEngine engine_;
  runtime::LiveFacts live_;
  std::int64_t rows_ = 0;
};

Status set_for(World& world, Site& site, std::string_view entity, std::uint64_t ttl_ms) {
  const std::string object = canonical(1);
  return transact(world, site, {{entity, Verb::set, "here", as_bytes(object), ttl_ms}});
}

}  // namespace

// DLE-2
static void a_fact_that_expires_leaves_every_answer_with_its_moment(void**) {
  World world({.seed = 870});
  Site &a = world.device(0), &b = world.device(1);
  join(world);
  Screen of_a(world, a), of_b(world, b);
  assert_ok(set_for(world, a, "ann", kMinuteMs));
  assert_ok(set_for(world, a, "bob", 2 * kMinuteMs));
  assert_ok(set_for(world, a, "eve", 0));
  assert_true(world.settle());
  for (Screen* screen : {&of_a, &of_b}) assert_int_equal(screen->shown(), 3);
  world.run_ms(kMinuteMs);
  for (Screen* screen : {&of_a, &of_b}) assert_int_equal(screen->shown(), 2);
  assert_ok(set_for(world, b, "bob", 10 * kMinuteMs));
  world.run_ms(2 * kMinuteMs);
  for (Screen* screen : {&of_a, &of_b}) assert_int_equal(screen->shown(), 2);
  world.run_ms(10 * kMinuteMs);
  for (Screen* screen : {&of_a, &of_b}) assert_int_equal(screen->shown(), 1);
}

// DLE-2
static void who_does_not_know_the_time_answers_from_all_and_from_what_lives_once_it_does(void**) {
  World world({.seed = 871});
  Site &a = world.device(0), &b = world.device(1);
  join(world);
  assert_ok(set_for(world, a, "ann", kMinuteMs));
  assert_true(world.settle());
  world.cut(b);
  lose_time(world, b);
  world.run_ms(2 * kMinuteMs);
  Screen of_b(world, b);
  assert_int_equal(of_b.shown(), 1);
  world.heal(b);
  assert_true(world.settle());
  assert_int_equal(of_b.shown(), 0);
}

// DLE-2, PROTOCOL P4: the moment moves with the clock that it was counted by.
static void what_a_wrong_clock_wrote_expires_by_the_right_one(void**) {
  World world({.seed = 872});
  Site &a = world.device(0), &b = world.device(1);
  a.wall_skew_ms = 10 * 365 * static_cast<std::int64_t>(kDay);
  start_again(world, a);
  Screen of_a(world, a), of_b(world, b);
  assert_ok(set_for(world, a, "ann", kHourMs));
  assert_int_equal(of_a.shown(), 1);
  join(world);
  assert_converged(world);
  for (Screen* screen : {&of_a, &of_b}) assert_int_equal(screen->shown(), 1);
  world.run_ms(kHourMs);
  for (Screen* screen : {&of_a, &of_b}) assert_int_equal(screen->shown(), 0);
}

}  // namespace grid::sim

int main() {
  using namespace grid::sim;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_fact_that_expires_leaves_every_answer_with_its_moment),
      cmocka_unit_test(who_does_not_know_the_time_answers_from_all_and_from_what_lives_once_it_does),
      cmocka_unit_test(what_a_wrong_clock_wrote_expires_by_the_right_one),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
