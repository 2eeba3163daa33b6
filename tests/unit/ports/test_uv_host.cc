// SPDX-License-Identifier: Apache-2.0
//
// The host's side of the seam, with a machine that writes what it is told and notes what it hears.

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "crdt/lww_map.h"
#include "ports/linux/uv_host.h"
#include "ports/port.h"
#include "storage/memory/memory_store.h"
#include "tests/check.h"

namespace {

using namespace grid;
using port::UvHost;
using runtime::Action;
using runtime::Event;

// Answers each event with the actions that the test has laid out for it, and with a commit when it was told to write.
class Script final : public runtime::Machine {
 public:
  explicit Script(storage::Store& store) : store_(store) {}

  std::span<const Action> step(const Event& event) override {
    heard += std::string(heard.empty() ? "" : " ") + name_of(event);
    if (event.kind == Event::Kind::durable) durable.push_back(event.batch);
    actions_.clear();
    if (event.kind == Event::Kind::wake && wake_ms <= event.now_ms) wake_ms = runtime::kNever;
    if (writes > 0 && event.kind != Event::Kind::durable) --writes, write();
    if (event.kind == Event::Kind::stop) write();
    while (!next.empty()) {
      actions_.push_back(next.front());
      next.pop_front();
    }
    return actions_;
  }
  std::uint64_t wake_at_ms() const override { return wake_ms; }

  static std::string name_of(const Event& event) {
    switch (event.kind) {
      case Event::Kind::start:
        return "start";
      case Event::Kind::wake:
        return "wake";
      case Event::Kind::writable:
        return "writable";
      case Event::Kind::durable:
        return "durable";
      case Event::Kind::stop:
        return "stop";
      default:
        return "other";
    }
  }

  std::string heard;
  std::vector<std::uint64_t> durable;
  std::deque<Action> next;
  int writes = 0;
  std::uint64_t wake_ms = runtime::kNever;

 private:
  void write() {
    crdt::Op op;
    op.cell = crdt::lww_map::put("map", "key", crdt::Stamp{++stamp_, 1}, as_bytes("\x08\x01"));
    assert_ok(store_.append(op).status());
    actions_.push_back({.kind = Action::Kind::commit, .batch = store_.seal()});
  }

  storage::Store& store_;
  std::vector<Action> actions_;
  std::uint64_t stamp_ = 0;
};

class Owner final : public UvHost::Owner {
 public:
  void carry_out(const Action& action) override { asked.push_back(action.kind); }
  void flush_trouble(Status status, const char*) override { troubles.push_back(status); }
  void turn_ended() override { ++turns; }

  std::vector<Action::Kind> asked;
  std::vector<Status> troubles;
  int turns = 0;
};

struct Bench {
  explicit Bench(UvHost::Flush flush) : script(store) {
    uv_loop_init(&loop);
    host = std::make_unique<UvHost>(&loop, script, store, owner, flush);
  }
  ~Bench() { delete_host(); }

  void delete_host() {
    if (host == nullptr) return;
    host.reset();
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
  }

  // Runs turns of the loop until `done` says so, a minute at most.
  template <typename Done>
  void run_until(Done done) {
    const std::uint64_t deadline_ms = port::monotonic_ms() + 60'000;
    while (!done()) {
      uv_run(&loop, UV_RUN_NOWAIT);
      assert_true(port::monotonic_ms() < deadline_ms);
    }
  }

  uv_loop_t loop{};
  storage::MemoryStore store;
  Script script;
  Owner owner;
  std::unique_ptr<UvHost> host;
};

template <UvHost::Flush kFlush>
int set_up(void** state) {
  *state = new Bench(kFlush);
  return 0;
}

int tear_down(void** state) {
  delete static_cast<Bench*>(*state);
  return 0;
}

Bench& bench_of(void** state) { return *static_cast<Bench*>(*state); }

void what_only_the_owner_can_do_reaches_it_in_order(void** state) {
  Bench& bench = bench_of(state);
  bench.script.next = {
      {.kind = Action::Kind::connect}, {.kind = Action::Kind::want_write}, {.kind = Action::Kind::say}};
  bench.host->step(Event::Kind::start);

  assert_int_equal(bench.owner.asked.size(), 3);
  assert_true(bench.owner.asked[0] == Action::Kind::connect);
  assert_true(bench.owner.asked[2] == Action::Kind::say);
}

void a_writable_link_gets_the_frame_of_its_own_step_only(void** state) {
  Bench& bench = bench_of(state);
  std::uint8_t room[64];
  bench.script.next = {{.kind = Action::Kind::frame, .link = 1, .size = 17}};
  assert_int_equal(bench.host->writable(1, room).value_or(0), 17);
  assert_false(bench.host->writable(1, room).has_value());
}

void durable_comes_after_the_flush_and_not_from_within_the_step(void** state) {
  Bench& bench = bench_of(state);
  bench.script.writes = 1;
  bench.host->step(Event::Kind::start);
  assert_string_equal(bench.script.heard.c_str(), "start");

  bench.run_until([&] { return !bench.script.durable.empty(); });

  bench.store.crash();  // Loses what is not durable.
  assert_int_equal(bench.store.head(), 1);
  assert_int_equal(bench.script.durable[0], 1);
}

void commits_of_one_turn_share_a_flush_and_a_durable_event(void** state) {
  Bench& bench = bench_of(state);
  bench.script.writes = 5;
  for (int i = 0; i < 5; ++i) bench.host->step(Event::Kind::wake);

  bench.run_until([&] { return !bench.script.durable.empty(); });
  for (int i = 0; i < 10; ++i) uv_run(&bench.loop, UV_RUN_NOWAIT);

  assert_int_equal(bench.script.durable.size(), 1);
  assert_int_equal(bench.script.durable[0], 5);
}

void commits_that_come_during_a_flush_get_the_next_one(void** state) {
  Bench& bench = bench_of(state);
  for (std::uint64_t batch = 1; batch <= 50; ++batch) {
    bench.script.writes = 1;
    bench.host->step(Event::Kind::wake);
    uv_run(&bench.loop, UV_RUN_NOWAIT);
  }
  bench.run_until([&] { return !bench.script.durable.empty() && bench.script.durable.back() == 50; });

  for (std::size_t i = 1; i < bench.script.durable.size(); ++i) {
    assert_true(bench.script.durable[i] > bench.script.durable[i - 1]);
  }
  bench.store.crash();
  assert_int_equal(bench.store.head(), 50);
}

void more_steps_again_without_waiting_for_the_world(void** state) {
  Bench& bench = bench_of(state);
  bench.script.next = {{.kind = Action::Kind::more}};
  bench.host->step(Event::Kind::start);
  bench.run_until([&] { return bench.script.heard == "start wake"; });
  for (int i = 0; i < 10; ++i) uv_run(&bench.loop, UV_RUN_NOWAIT);
  assert_string_equal(bench.script.heard.c_str(), "start wake");
}

void the_alarm_wakes_the_machine_not_before_its_time(void** state) {
  Bench& bench = bench_of(state);
  const std::uint64_t at_ms = port::monotonic_ms() + 20;
  bench.script.wake_ms = at_ms;
  bench.host->step(Event::Kind::start);

  bench.run_until([&] { return bench.script.heard != "start"; });

  assert_string_equal(bench.script.heard.c_str(), "start wake");
  assert_true(port::monotonic_ms() >= at_ms);
}

// STO-1: a store that is full loses nothing.
void a_full_store_is_tried_again_until_it_has_room(void** state) {
  Bench& bench = bench_of(state);
  bench.store.fail_next_flush(Status::full);
  bench.script.writes = 1;
  bench.host->step(Event::Kind::start);

  bench.run_until([&] { return !bench.script.durable.empty(); });

  assert_int_equal(bench.owner.troubles.size(), 2);
  assert_status(bench.owner.troubles[0], Status::full);
  assert_ok(bench.owner.troubles[1]);
  assert_false(bench.host->has_failed());
}

void a_store_that_fails_stops_the_machine_for_good(void** state) {
  Bench& bench = bench_of(state);
  bench.store.fail_next_flush(Status::io);
  bench.script.writes = 1;
  bench.host->step(Event::Kind::start);

  bench.run_until([&] { return bench.host->has_failed(); });
  bench.host->step(Event::Kind::wake);

  assert_string_equal(bench.script.heard.c_str(), "start");
  assert_status(bench.owner.troubles[0], Status::io);
  assert_status(bench.host->flush(), Status::io);
}

void flush_blocks_until_all_is_durable(void** state) {
  Bench& bench = bench_of(state);
  bench.script.writes = 2;
  bench.host->step(Event::Kind::wake);
  uv_run(&bench.loop, UV_RUN_NOWAIT);  // On the pool, the first flush may be under way now.
  bench.host->step(Event::Kind::wake);
  assert_ok(bench.host->flush());

  assert_int_equal(bench.script.durable.back(), 2);
  bench.store.crash();
  assert_int_equal(bench.store.head(), 2);
}

void stop_is_the_last_step_and_its_batch_is_durable(void** state) {
  Bench& bench = bench_of(state);
  bench.host->step(Event::Kind::start);
  assert_ok(bench.host->stop());
  assert_string_equal(bench.script.heard.c_str(), "start stop durable");
  bench.store.crash();
  assert_int_equal(bench.store.head(), 1);
}

void a_host_goes_while_a_flush_is_under_way(void** state) {
  Bench& bench = bench_of(state);
  bench.script.writes = 1;
  bench.host->step(Event::Kind::start);
  uv_run(&bench.loop, UV_RUN_NOWAIT);
  bench.delete_host();
}

void the_owner_hears_of_turns_that_it_asked_for(void** state) {
  Bench& bench = bench_of(state);
  uv_run(&bench.loop, UV_RUN_NOWAIT);
  assert_int_equal(bench.owner.turns, 0);
  bench.host->want_turn();
  uv_run(&bench.loop, UV_RUN_NOWAIT);
  assert_int_equal(bench.owner.turns, 1);
}

}  // namespace

int main() {
#define ON_BOTH(name)                                                                    \
  {#name " (on the loop)", name, set_up<UvHost::Flush::on_loop>, tear_down, nullptr}, {  \
#name " (on the pool)", name, set_up < UvHost::Flush::on_thread>, tear_down, nullptr \
  }
  const CMUnitTest tests[] = {ON_BOTH(what_only_the_owner_can_do_reaches_it_in_order),
                              ON_BOTH(a_writable_link_gets_the_frame_of_its_own_step_only),
                              ON_BOTH(durable_comes_after_the_flush_and_not_from_within_the_step),
                              ON_BOTH(commits_of_one_turn_share_a_flush_and_a_durable_event),
                              ON_BOTH(commits_that_come_during_a_flush_get_the_next_one),
                              ON_BOTH(more_steps_again_without_waiting_for_the_world),
                              ON_BOTH(the_alarm_wakes_the_machine_not_before_its_time),
                              ON_BOTH(a_full_store_is_tried_again_until_it_has_room),
                              ON_BOTH(a_store_that_fails_stops_the_machine_for_good),
                              ON_BOTH(flush_blocks_until_all_is_durable),
                              ON_BOTH(stop_is_the_last_step_and_its_batch_is_durable),
                              ON_BOTH(a_host_goes_while_a_flush_is_under_way),
                              ON_BOTH(the_owner_hears_of_turns_that_it_asked_for)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
