// SPDX-License-Identifier: Apache-2.0
//
// Partial replicas: devices that hold the rows of predicates and no others, told and at random. GRID_SIM_SEED replays
// one run of the property.

#include <cstdlib>

#include "crdt/or_map.h"
#include "crdt/pn_counter.h"
#include "runtime/edits.h"
#include "tests/sim/story.h"

namespace grid::sim {

using runtime::Call;
using runtime::Scope;
using runtime::ScopeKind;

namespace {

Scope where(std::string_view text, std::string_view map = "m") { return {ScopeKind::where, map, text}; }

std::string canonical(std::int64_t number) {
  std::uint8_t room[16];
  crdt::ValueWriter writer(room);
  writer.integer(number);
  return std::string(as_text(*writer.finish()));
}

Status edit(World& world, Site& site, runtime::Edit edit, std::string_view key, std::int64_t number) {
  const std::string value = canonical(number);
  Call call{.verb = Call::Verb::edit, .scope = {ScopeKind::key, "m", key}, .value = as_bytes(value)};
  call.edit = edit;
  return world.call(site, call);
}

bool holds(Site& site, std::string_view key) { return site.store->find({"m", key, {}}).ok(); }

std::size_t cells_of(Site& site, std::string_view key) {
  std::size_t count = 0;
  for (runtime::Scan scan({ScopeKind::key, "m", key}); scan.next(*site.store).ok();) ++count;
  return count;
}

// Device 0 holds everything; device 1 what the predicate accepts.
void join_with(World& world, std::string_view predicate) {
  world.subscribe(world.device(0));
  world.subscribe(world.device(1), where(predicate));
  world.online(world.device(0));
  world.online(world.device(1));
}

// What the gateway has of rows that one of the predicates accepts, and nothing else of their map.
void assert_holds_exactly(World& world, Site& device, const std::vector<std::string>& predicates) {
  std::string expected;
  std::map<std::string, std::unique_ptr<runtime::CompiledRowTest>> tests;
  query::Trouble trouble;
  for (const std::string& text : predicates) tests[text] = runtime::CompiledRowTest::compile(text, trouble);
  class Any final : public runtime::RowTest {
   public:
    explicit Any(const decltype(tests)& all) : all_(all) {}
    using RowTest::accepts;
    bool accepts(std::string_view key, Bytes value) const override {
      for (const auto& [text, test] : all_) {
        if (test->accepts(key, value)) return true;
      }
      return false;
    }

   private:
    const decltype(tests)& all_;
  } const any(tests);
  const Scope scope{ScopeKind::where, "m", "any", &any};
  const std::string at_gateway = world.live_cells(world.gateway(), scope);
  const std::string at_device = world.live_cells(device, {ScopeKind::map, "m", {}});
  if (at_gateway != at_device) {
    print_error("gateway:\n%s%s:\n%s", at_gateway.c_str(), device.name.c_str(), at_device.c_str());
  }
  assert_string_equal(at_device.c_str(), at_gateway.c_str());
}

}  // namespace

// PROTOCOL P13: the name arrives at 5, the age at 90.
static void a_row_that_enters_comes_with_what_it_held_before(void**) {
  World world({.seed = 401});
  join_with(world, "$value > 18");
  Site &a = world.device(0), &b = world.device(1);
  assert_ok(edit(world, a, runtime::add_to_set, "ann", 5));
  assert_ok(world.put(a, "m", "ann", 17));
  assert_true(world.settle());
  for (std::int64_t i = 0; i < 80; ++i) assert_ok(world.put(a, "m", key_of(static_cast<std::uint64_t>(i)), 100 + i));
  assert_true(world.settle());
  assert_int_equal(cells_of(b, "ann"), 0);
  assert_ok(world.put(a, "m", "ann", 19));
  assert_true(world.settle());
  assert_int_equal(cells_of(b, "ann"), 2);
  assert_holds_exactly(world, b, {"$value > 18"});
}

// A comparison counts nothing under a row that has expired: when it is written again, it goes with what it holds.
static void a_row_that_had_expired_in_a_comparison_comes_whole_when_it_is_written_again(void**) {
  for (const bool is_own : {false, true}) {
    World world({.seed = 410});
    join_with(world, "$value > 18");
    Site &a = world.device(0), &b = world.device(1);
    assert_ok(world.put(a, "m", "ann", 19));
    assert_ok(world.put(a, "m", "bob", 19));
    assert_true(world.settle());
    world.cut(b);
    assert_ok(edit(world, a, runtime::add_to_set, "ann", 5));
    assert_ok(world.put(is_own ? b : a, "m", "ann", 20, 1'000));
    world.run_ms(5'000);
    world.crash(b);
    lose_cursors(b);
    world.restart(b);
    world.heal(b);
    assert_true(world.settle());
    assert_ok(world.put(a, "m", "ann", 21));
    assert_true(world.settle());
    assert_int_equal(cells_of(b, "ann"), 2);
    assert_holds_exactly(world, b, {"$value > 18"});
  }
}

// PROTOCOL P22
static void a_row_that_leaves_is_evicted_and_stays_everywhere_else(void**) {
  World world({.seed = 402});
  join_with(world, "$value > 18");
  Site &a = world.device(0), &b = world.device(1);
  assert_ok(world.put(a, "m", "ann", 19));
  assert_ok(edit(world, a, runtime::add_to_set, "ann", 5));
  assert_true(world.settle());
  assert_int_equal(cells_of(b, "ann"), 2);
  assert_ok(world.put(a, "m", "ann", 3));
  assert_true(world.settle());
  assert_int_equal(cells_of(b, "ann"), 0);
  start_again(world, b);
  assert_true(world.settle());
  assert_int_equal(cells_of(b, "ann"), 0);
  assert_int_equal(world.get(a, "m", "ann", 0), 3);
  assert_int_equal(world.get(world.gateway(), "m", "ann", 0), 3);
}

static void a_row_that_is_removed_is_removed_in_its_scopes_too(void**) {
  World world({.seed = 403});
  join_with(world, "$value > 18");
  Site &a = world.device(0), &b = world.device(1);
  assert_ok(world.put(a, "m", "ann", 19));
  assert_true(world.settle());
  assert_ok(world.remove(a, "m", "ann"));
  assert_true(world.settle());
  assert_true(b.store->find({"m", "ann", {}})->cell.is_tombstone());
}

// SYN-2, PROTOCOL P13
static void a_partial_replica_goes_on_when_both_ends_have_restarted(void**) {
  World world({.seed = 404});
  join_with(world, "$value > 18");
  Site &a = world.device(0), &b = world.device(1);
  for (std::uint64_t i = 0; i < 40; ++i) assert_ok(world.put(a, "m", key_of(i), static_cast<std::int64_t>(i)));
  assert_true(world.settle());
  world.cut(b);
  for (std::uint64_t i = 0; i < 40; i += 3) assert_ok(world.put(a, "m", key_of(i), 39 - static_cast<std::int64_t>(i)));
  assert_ok(world.remove(a, "m", key_of(37)));
  world.run_ms(2'000);
  start_again(world, b);
  start_again(world, world.gateway());
  world.heal(b);
  assert_true(world.settle());
  assert_holds_exactly(world, b, {"$value > 18"});
  const std::uint64_t bytes = b.frame_bytes_in;
  start_again(world, b);
  start_again(world, world.gateway());
  assert_true(world.settle());
  assert_true(b.frame_bytes_in - bytes < 500);  // Nothing had changed: no row was sent again.
}

static void a_row_goes_with_the_last_scope_that_wants_it(void**) {
  World world({.seed = 405});
  join_with(world, "$value > 18");
  Site &a = world.device(0), &b = world.device(1);
  world.subscribe(b, where("$value < 30"));
  assert_ok(world.put(a, "m", "x", 20));
  assert_true(world.settle());
  assert_ok(world.put(a, "m", "x", 40));
  assert_true(world.settle());
  assert_int_equal(world.get(b, "m", "x", 0), 40);
  assert_ok(world.put(a, "m", "x", 10));
  assert_true(world.settle());
  assert_int_equal(world.get(b, "m", "x", 0), 10);
  world.unsubscribe(b, 1);
  assert_true(world.settle());
  assert_ok(world.put(a, "m", "x", 11));
  assert_true(world.settle());
  world.subscribe(b, {ScopeKind::key, "m", "y"});
  assert_ok(world.put(a, "m", "y", 20));
  assert_true(world.settle());
  assert_ok(world.put(a, "m", "y", 1));
  assert_true(world.settle());
  assert_int_equal(world.get(b, "m", "y", 0), 1);
}

// PROTOCOL P22: also what it wrote itself, whenever the gateway judged that.
static void what_only_a_scope_that_is_left_had_goes_with_it(void**) {
  for (std::uint64_t ms = 1; ms < 40; ++ms) {
    World world({.seed = 411});
    join_with(world, "$value > 18");
    Site &a = world.device(0), &b = world.device(1);
    world.subscribe(b, {ScopeKind::prefix, "m", "x"});
    assert_ok(world.put(a, "m", "x/theirs", 5));
    assert_ok(world.put(a, "m", "x/both", 20));
    assert_true(world.settle());
    assert_ok(world.put(b, "m", "x/own", 6));
    world.run_ms(ms);
    world.unsubscribe(b, 1);
    assert_true(world.settle());
    assert_false(holds(b, "x/theirs"));
    assert_false(holds(b, "x/own"));
    assert_int_equal(world.get(world.gateway(), "m", "x/own", 0), 6);
    assert_holds_exactly(world, b, {"$value > 18"});
  }
}

// A cursor covers rows that were there when it was given.
static void a_scope_that_comes_back_gets_what_was_evicted_meanwhile(void**) {
  World world({.seed = 406});
  join_with(world, "$value > 18");
  Site &a = world.device(0), &b = world.device(1);
  world.subscribe(b, where("$value < 30"));
  assert_ok(world.put(a, "m", "x", 20));
  assert_ok(world.put(a, "m", "z", 21));
  assert_true(world.settle());
  world.unsubscribe(b, 1);
  assert_true(world.settle());
  assert_ok(world.put(a, "m", "x", 10));
  assert_ok(world.put(b, "m", "z", 11));  // Its own: no gateway sends it back by itself.
  assert_true(world.settle());
  assert_false(holds(b, "x") || holds(b, "z"));
  world.subscribe(b, where("$value < 30"));
  assert_true(world.settle());
  assert_holds_exactly(world, b, {"$value > 18", "$value < 30"});
  assert_int_equal(world.get(b, "m", "x", 0), 10);
  assert_int_equal(world.get(b, "m", "z", 0), 11);
}

// PROTOCOL P22: not before it has settled.
static void an_own_row_outside_of_the_scope_goes_once_it_has_settled(void**) {
  World world({.seed = 407});
  join_with(world, "$value > 18");
  Site &a = world.device(0), &b = world.device(1);
  assert_ok(world.put(a, "m", "x", 20));
  assert_true(world.settle());
  world.cut(b);
  assert_ok(world.put(b, "m", "x", 7));
  assert_ok(world.put(b, "m", "y", 8));
  world.run_ms(1'000);
  assert_int_equal(world.get(b, "m", "x", 0), 7);
  assert_ok(world.put(a, "m", "x", 6));
  world.run_ms(1'000);
  world.heal(b);
  assert_true(world.settle());
  assert_false(holds(b, "x"));
  assert_false(holds(b, "y"));
  assert_int_equal(world.get(a, "m", "x", 0), 6);
  assert_int_equal(world.get(a, "m", "y", 0), 8);
}

// PROTOCOL P22, CTR: what it has counted a node must remember.
static void an_evicted_row_keeps_the_part_that_this_node_counted(void**) {
  World world({.seed = 408});
  join_with(world, "$value > 18");
  Site &a = world.device(0), &b = world.device(1);
  assert_ok(world.put(a, "m", "x", 20));
  assert_ok(edit(world, a, runtime::add_to_counter, "x", 2));
  assert_true(world.settle());
  assert_ok(edit(world, b, runtime::add_to_counter, "x", 5));
  assert_true(world.settle());
  assert_int_equal(cells_of(b, "x"), 3);
  assert_ok(world.put(a, "m", "x", 1));
  assert_true(world.settle());
  assert_int_equal(cells_of(b, "x"), 1);
  assert_ok(edit(world, b, runtime::add_to_counter, "x", 1));
  assert_ok(world.put(a, "m", "x", 30));
  assert_true(world.settle());
  crdt::CounterSum sum;
  for (runtime::Scan scan({ScopeKind::key, "m", "x"});;) {
    const auto op = scan.next(*a.store);
    if (!op.ok()) break;
    if (crdt::CounterPart::is(op->cell.name.sub)) sum.add(crdt::CounterPart::read(crdt::Value(op->cell.value)));
  }
  assert_int_equal(sum.value(), 8);
}

// PROTOCOL P13: the cursor names the scope that it was given for.
static void another_predicate_does_not_go_on_from_the_cursor_of_the_first(void**) {
  World world({.seed = 409});
  join_with(world, "$value > 18");
  Site &a = world.device(0), &b = world.device(1);
  for (std::uint64_t i = 0; i < 40; ++i) assert_ok(world.put(a, "m", key_of(i), static_cast<std::int64_t>(i)));
  assert_true(world.settle());
  world.cut(b);
  const Scope first = where("$value > 18"), second = where("$value > 9");
  char from[32], to[32];
  std::snprintf(from, sizeof(from), "cursor/%016llx", static_cast<unsigned long long>(first.hash()));
  std::snprintf(to, sizeof(to), "cursor/%016llx", static_cast<unsigned long long>(second.hash()));
  const auto cursor = b.store->fact(from);
  assert_ok(cursor.status());
  const std::vector<std::uint8_t> bytes(cursor->begin(), cursor->end());
  assert_ok(b.store->set_fact(to, bytes));
  assert_ok(b.store->commit());
  b.scopes[0].text = "$value > 9";
  start_again(world, b);
  world.heal(b);
  assert_true(world.settle());
  assert_holds_exactly(world, b, {"$value > 9"});
}

static void a_device_with_little_memory_holds_exactly_its_scope(void**) {
  World world({.seed = 410});
  world.device(1).limits = kChip;
  start_again(world, world.device(1));
  join_with(world, "$value > 18");
  Site &a = world.device(0), &b = world.device(1);
  for (std::uint64_t i = 0; i < 200; ++i) assert_ok(world.put(a, "m", key_of(i), static_cast<std::int64_t>(i % 40)));
  assert_true(world.settle());
  world.cut(b);
  for (std::uint64_t i = 0; i < 200; i += 2) assert_ok(world.put(a, "m", key_of(i), static_cast<std::int64_t>(i % 23)));
  world.heal(b);
  assert_true(world.settle());
  assert_holds_exactly(world, b, {"$value > 18"});
}

// Writes, cuts and power cuts in any order; then each device holds exactly what its scopes have.
static void run_at_random(std::uint64_t seed) {
  print_message("partial replicas, seed %llu\n", static_cast<unsigned long long>(seed));
  World world({.seed = seed, .devices = 4});
  runtime::Random random(seed * 31 + 7);
  const std::vector<std::vector<std::string>> scopes = {
      {}, {"$value >= 10"}, {"$value < 5", "$value in (7, 3, 11)"}, {"not $value = 6", "$key starts with 'key/1'"}};
  for (std::size_t i = 0; i < scopes.size(); ++i) {
    if (scopes[i].empty()) world.subscribe(world.device(i));
    for (const std::string& text : scopes[i]) world.subscribe(world.device(i), where(text));
    world.online(world.device(i));
  }
  for (int step = 0; step < 300; ++step) {
    Site& device = world.device(random.below(4));
    const std::string key = key_of(random.below(16));
    const std::uint64_t what = random.below(100);
    if (!device.running) continue;
    if (what < 60) [[maybe_unused]]
      const Status put = world.put(device, "m", key, static_cast<std::int64_t>(random.below(15)));
    if (what >= 60 && what < 68) [[maybe_unused]]
      const Status removed = world.remove(device, "m", key);
    if (what >= 68 && what < 76) [[maybe_unused]]
      const Status added = edit(world, device, runtime::add_to_set, key, 1);
    if (what >= 76 && what < 80) [[maybe_unused]]
      const Status counted = edit(world, device, runtime::add_to_counter, key, 1);
    if (what >= 80 && what < 84) world.cut(device);
    if (what >= 84 && what < 92) world.heal(device);
    if (what == 92) start_again(world, device);
    if (what == 93) start_again(world, world.gateway());
    world.run_ms(random.below(60));
  }
  for (std::size_t i = 0; i < 4; ++i) world.heal(world.device(i));
  assert_true(world.settle());
  for (std::size_t i = 1; i < scopes.size(); ++i) {
    // A counter's own part stays, and a set without a value is in no scope: of the rows, then, and what lies under
    // them.
    Site& device = world.device(i);
    for (const std::string& text : scopes[i]) {
      query::Trouble trouble;
      const auto test = runtime::CompiledRowTest::compile(text, trouble);
      const Scope scope{ScopeKind::where, "m", text, test.get()};
      const std::string here = world.live_cells(device, scope), there = world.live_cells(world.gateway(), scope);
      std::size_t same = 0;
      while (same < here.size() && same < there.size() && here[same] == there[same]) ++same;
      const std::size_t line = here.rfind('\n', same) + 1;
      if (here != there) {
        print_error("%s, %s: %s\n", device.name.c_str(), text.c_str(), here.substr(line, 200).c_str());
        print_error("gateway: %s\n", there.substr(line, 200).c_str());
      }
      assert_true(here == there);
    }
    for (runtime::Scan scan({ScopeKind::map, "m", {}});;) {
      const auto op = scan.next(*device.store);
      if (!op.ok()) break;
      if (!op->cell.name.sub.empty() || op->cell.is_tombstone()) continue;
      query::Trouble trouble;
      bool is_wanted = false;
      for (const std::string& text : scopes[i]) {
        is_wanted = is_wanted || runtime::CompiledRowTest::compile(text, trouble)->runtime::RowTest::accepts(op->cell);
      }
      if (!is_wanted) print_error("%s holds %s\n", device.name.c_str(), std::string(op->cell.name.key).c_str());
      assert_true(is_wanted);
    }
  }
}

static void partial_replicas_hold_exactly_their_scopes_whatever_happens(void**) {
  const char* const one = std::getenv("GRID_SIM_SEED");
  if (one != nullptr) return run_at_random(std::strtoull(one, nullptr, 10));
  for (std::uint64_t seed = 1; seed <= 50; ++seed) run_at_random(seed);
}

}  // namespace grid::sim

int main() {
  using namespace grid::sim;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_row_that_enters_comes_with_what_it_held_before),
      cmocka_unit_test(a_row_that_had_expired_in_a_comparison_comes_whole_when_it_is_written_again),
      cmocka_unit_test(a_row_that_leaves_is_evicted_and_stays_everywhere_else),
      cmocka_unit_test(a_row_that_is_removed_is_removed_in_its_scopes_too),
      cmocka_unit_test(a_partial_replica_goes_on_when_both_ends_have_restarted),
      cmocka_unit_test(a_row_goes_with_the_last_scope_that_wants_it),
      cmocka_unit_test(what_only_a_scope_that_is_left_had_goes_with_it),
      cmocka_unit_test(a_scope_that_comes_back_gets_what_was_evicted_meanwhile),
      cmocka_unit_test(an_own_row_outside_of_the_scope_goes_once_it_has_settled),
      cmocka_unit_test(an_evicted_row_keeps_the_part_that_this_node_counted),
      cmocka_unit_test(another_predicate_does_not_go_on_from_the_cursor_of_the_first),
      cmocka_unit_test(a_device_with_little_memory_holds_exactly_its_scope),
      cmocka_unit_test(partial_replicas_hold_exactly_their_scopes_whatever_happens),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
