// SPDX-License-Identifier: Apache-2.0
//
// The host that chips share, on an emulated flash and against a gateway.

#include <set>

#include "tests/unit/chip/board.h"

namespace {

using namespace grid;
using namespace grid::test;

using Host = ChipHost<kChip>;
constexpr std::uint64_t kLongMs = 60'000;
constexpr std::uint32_t kSectors = 32;

struct World {
  NorEmulator flash{kSectors}, other_flash{kSectors};
  GatewayBench gateway;
  TestBoard board{flash, &gateway}, other_board{other_flash, &gateway};
  std::unique_ptr<Host> host = std::make_unique<Host>(board), other = std::make_unique<Host>(other_board);

  Node* open(Host& on) { return on.open({.app = "farm", .store = "grid", .server = gateway.url}); }
  bool sync(Host& on, Node& node) {
    return on.loop().run_until(
        [&] {
          const runtime::ReplicaStatus status = node.status();
          return status.state == SyncState::realtime && status.quiet;
        },
        kLongMs);
  }
};

int set_up(void** state) {
  *state = new World;
  return 0;
}

int tear_down(void** state) {
  delete static_cast<World*>(*state);
  return 0;
}

World& world_of(void** state) { return *static_cast<World*>(*state); }

// SYN-1
void two_chips_and_a_gateway_hold_the_same_rows(void** state) {
  World& world = world_of(state);
  Node* node = world.open(*world.host);
  Node* other = world.open(*world.other);
  assert_non_null(node);
  assert_non_null(other);
  Map map = node->map("climate"), others = other->map("climate");
  assert_ok(others.subscribe());
  assert_ok(map.subscribe());
  for (int i = 0; i < 40; ++i) assert_ok(map.put("bench/" + std::to_string(i), {{"temp", i}}).status());
  const Write last = others.put("fan/1", {{"on", true}});

  assert_true(world.other->wait(last, Outcome::durable, kLongMs));
  assert_true(world.sync(*world.host, *node));
  assert_true(world.other->loop().run_until([&] { return node->digest() == other->digest(); }, kLongMs));
  assert_int_equal(node->digest().count, 41);
  assert_true(map.get("fan/1")["on"].truth_or(false));
  assert_int_equal(others.get("bench/39")["temp"].integer_or(0), 39);
}

// The gateway runs while the board rests, as the network of some boards does.
void calls_without_any_time_get_on_too(void** state) {
  World& world = world_of(state);
  Node* node = world.host->open({.app = "farm", .store = "grid", .server = world.gateway.url});
  const Write write = node->map("climate").put("bench/3", {{"temp", 21.5}});
  const std::uint64_t until_ms = world.board.monotonic_ms() + kLongMs;
  while (write.outcome() != Outcome::durable && world.board.monotonic_ms() < until_ms) world.host->run_for(0);
  assert_int_equal(write.outcome(), Outcome::durable);
}

void a_chip_that_knows_no_time_learns_it_and_its_writes_get_it(void** state) {
  World& world = world_of(state);
  Node* node = world.host->open({.app = "farm", .store = "grid", .server = world.gateway.url, .offline = true});
  assert_non_null(node);
  Map map = node->map("climate");
  const Write write = map.put("bench/3", {{"temp", 21.5}});
  assert_ok(write.status());
  assert_int_equal(node->status().quality, crdt::ClockQuality::unknown);
  node->online();
  assert_true(world.host->wait(write, Outcome::durable, kLongMs));
  std::uint64_t written_ms = 0;
  assert_ok(map.scan("", [&](const Change& row) { written_ms = row.stamp.wall_ms(); }));
  uv_timeval64_t now;
  uv_gettimeofday(&now);
  const auto now_ms = static_cast<std::uint64_t>(now.tv_sec) * 1'000;
  assert_in_range(written_ms, now_ms - kLongMs, now_ms + kLongMs);
}

// STO-1
void what_put_accepted_is_there_after_a_power_cut(void** state) {
  World& world = world_of(state);
  Node* node = world.host->open({.app = "farm", .store = "grid"});
  assert_non_null(node);
  for (int i = 0; i < 50; ++i) {
    assert_ok(node->map("climate").put("bench/" + std::to_string(i), {{"temp", i}}).status());
  }
  world.host.reset();
  world.host = std::make_unique<Host>(world.board);
  node = world.host->open({.app = "farm", .store = "grid"});
  assert_non_null(node);
  for (int i = 0; i < 50; ++i) {
    assert_int_equal(node->map("climate").get("bench/" + std::to_string(i))["temp"].integer_or(-1), i);
  }
  assert_int_equal(node->status().ops_pending, 50);
}

std::set<std::string> seen;
std::size_t calls = 0;

void callbacks_come_while_the_host_runs_and_miss_no_row(void** state) {
  World& world = world_of(state);
  Node* node = world.host->open({.app = "farm", .store = "grid"});
  Map map = node->map("climate");
  seen.clear();
  calls = 0;
  Watch watch = map.watch("bench/", [](const Change& change) {
    seen.insert(std::string(change.key));
    ++calls;
  });
  assert_ok(watch.status());
  for (int i = 0; i < 300; ++i) assert_ok(map.put("bench/" + std::to_string(i % 100), {{"temp", i}}).status());
  assert_ok(map.put("fan/1", {{"on", true}}).status());
  assert_int_equal(calls, 0);
  world.host->run_for(0);
  for (int i = 0; i < 100 && seen.size() < 100; ++i) world.host->run_for(1);
  assert_int_equal(seen.size(), 100);
  assert_int_equal(calls, 100);
}

Map* map_of_callback = nullptr;
Host* host_of_callback = nullptr;

void a_callback_may_write_and_may_not_wait(void** state) {
  World& world = world_of(state);
  Node* node = world.host->open({.app = "farm", .store = "grid"});
  Map map = node->map("climate");
  map_of_callback = &map;
  host_of_callback = world.host.get();
  calls = 0;
  Watch watch = map.watch("bench/", [](const Change& change) {
    ++calls;
    for (int i = 0; i < 50; ++i) {
      assert_ok(map_of_callback->put("seen/" + std::to_string(i), change.now).status());
    }
    host_of_callback->run_for(1);
  });
  assert_ok(map.put("bench/1", {{"temp", 1}}).status());
  for (int i = 0; i < 10; ++i) world.host->run_for(1);
  assert_int_equal(calls, 1);
  assert_int_equal(map.get("seen/49")["temp"].integer_or(0), 1);
  assert_string_equal(world.host->problem(), "the loop is running already: a callback cannot wait");
}

Node* node_of_callback = nullptr;
std::size_t offline_at = 0;

// A callback runs in the step that encoded a frame, too: then there is no link any more for it to go by.
void a_callback_may_take_the_node_off_the_net_whatever_is_on_its_way(void** state) {
  World& world = world_of(state);
  Node* node = world.open(*world.host);
  node_of_callback = node;
  Map map = node->map("climate");
  for (offline_at = 1; offline_at <= 40; ++offline_at) {
    node->online();
    assert_true(world.sync(*world.host, *node));
    calls = 0;
    Watch watch = map.watch("bench/", [](const Change&) {
      if (++calls == offline_at) node_of_callback->offline();
    });
    for (int i = 0; i < 40; ++i) assert_ok(map.put("bench/" + std::to_string(i), {{"temp", i}}).status());
    assert_true(world.host->loop().run_until([] { return calls >= offline_at; }, kLongMs));
    world.host->run_for(0);
    assert_int_equal(node->status().state, SyncState::disconnected);
  }
}

void a_callback_that_waits_or_closes_leaves_everything_as_it_is(void** state) {
  World& world = world_of(state);
  Node* node = world.open(*world.host);
  assert_true(world.sync(*world.host, *node));
  Map map = node->map("climate");
  host_of_callback = world.host.get();
  calls = 0;
  Watch watch = map.watch("bench/", [](const Change&) {
    ++calls;
    assert_false(host_of_callback->sync_once(1));
    host_of_callback->close();
    assert_string_equal(host_of_callback->problem(), "the loop is running already: a callback cannot wait");
  });
  const Write write = map.put("bench/1", {{"temp", 1}});
  assert_true(world.host->wait(write, Outcome::durable, kLongMs));
  assert_int_equal(calls, 1);
  assert_true(world.sync(*world.host, *node));
}

void a_node_that_is_closed_answers_io_with_a_sentence(void** state) {
  World& world = world_of(state);
  Node* node = world.host->open({.app = "farm", .store = "grid"});
  Map map = node->map("climate");
  Watch watch = map.watch("bench/", [](const Change&) {});
  const Write write = map.put("bench/1", {{"temp", 1}});
  assert_ok(write.status());
  world.host->close();
  assert_status(map.put("bench/1", {{"temp", 2}}).status(), Status::io);
  assert_string_equal(world.host->problem(), "the node is closed: open() comes first");
  assert_status(map.remove("bench/1").status(), Status::io);
  assert_status(map.subscribe(), Status::io);
  assert_status(map.scan("", [](const Change&) { fail_msg("a row"); }), Status::io);
  assert_true(map.get("bench/1").kind() == ValueKind::absent);
  assert_int_equal(write.outcome(), Outcome::pending);
  assert_int_equal(node->status().state, SyncState::disconnected);
  assert_int_equal(node->digest().count, 0);
  node->online();
  watch.end();
  assert_false(world.host->sync_once(1));
  node = world.host->open({.app = "farm", .store = "grid"});
  assert_non_null(node);
  assert_int_equal(node->map("climate").get("bench/1")["temp"].integer_or(0), 1);
}

void sync_once_sends_fetches_and_goes_off_the_net(void** state) {
  World& world = world_of(state);
  Node* other = world.open(*world.other);
  assert_true(world.other->wait(other->map("climate").put("fan/1", {{"on", true}}), Outcome::durable, kLongMs));

  Node* node = world.host->open({.app = "farm", .store = "grid", .server = world.gateway.url, .offline = true});
  Map map = node->map("climate");
  assert_ok(map.subscribe());
  const Write write = map.put("bench/3", {{"temp", 21.5}});
  assert_true(world.host->sync_once(kLongMs));
  assert_int_equal(write.outcome(), Outcome::durable);
  assert_true(map.get("fan/1")["on"].truth_or(false));
  assert_int_equal(node->status().state, SyncState::disconnected);
  assert_int_equal(world.host->loop().buffered_bytes(), 0);
}

void sync_once_gives_up_at_its_deadline_and_keeps_what_it_could_not_send(void** state) {
  World& world = world_of(state);
  world.gateway.close();
  Node* node = world.host->open({.app = "farm", .store = "grid", .server = world.gateway.url, .offline = true});
  const Write write = node->map("climate").put("bench/3", {{"temp", 21.5}});
  const std::uint64_t begin_ms = world.board.monotonic_ms();
  assert_false(world.host->sync_once(300));
  assert_in_range(world.board.monotonic_ms() - begin_ms, 300, kLongMs);
  assert_int_equal(write.outcome(), Outcome::pending);
  assert_true(world.board.connects > 0);

  world.gateway.open();
  assert_true(world.host->sync_once(kLongMs));
  assert_int_equal(write.outcome(), Outcome::durable);
}

// BND-1
void a_thousand_links_leave_nothing_behind(void** state) {
  World& world = world_of(state);
  Node* node = world.open(*world.host);
  Map map = node->map("climate");
  assert_ok(map.subscribe());
  for (int i = 0; i < 1'000; ++i) {
    assert_ok(map.put("bench/3", {{"temp", i}}).status());
    assert_true(world.host->sync_once(kLongMs));
    assert_int_equal(world.host->loop().buffered_bytes(), 0);
  }
  assert_int_equal(map.get("bench/3")["temp"].integer_or(0), 999);
}

// ACK-1
void a_link_that_breaks_behind_any_number_of_bytes_loses_nothing(void** state) {
  World& world = world_of(state);
  Node* node = world.host->open({.app = "farm",
                                 .store = "grid",
                                 .server = world.gateway.url,
                                 .offline = true,
                                 .backoff_ms_min = 1,
                                 .backoff_ms_max = 2});
  Map map = node->map("climate");
  assert_ok(map.subscribe());
  int written = 0, broken = 0;
  for (std::size_t bytes = 1; bytes < 2'000; bytes += 23) {
    world.board.link().cut_after = bytes;
    assert_ok(map.put("bench/" + std::to_string(written++), {{"temp", 21.5}}).status());
    node->online();
    const int before = world.board.connects;
    const auto is_broken = [&] { return world.board.connects > before + 1; };
    assert_true(world.host->loop().run_until([&] { return is_broken() || node->status().quiet; }, kLongMs));
    broken += is_broken() ? 1 : 0;
    node->offline();
  }
  assert_true(broken > 20);
  node->online();
  world.board.link().cut_after = SIZE_MAX;
  assert_true(world.sync(*world.host, *node));

  Node* other = world.open(*world.other);
  assert_ok(other->map("climate").subscribe());
  assert_true(world.other->loop().run_until([&] { return other->digest() == node->digest(); }, kLongMs));
  assert_int_equal(other->digest().count, written);
}

// A put is an op and its commit: whichever the flash fails at, the write is not accepted.
void a_flash_that_fails_is_told_by_the_write(void** state) {
  World& world = world_of(state);
  for (std::uint64_t call = 0; call < 4; ++call) {
    Node* node = world.host->open({.app = "farm", .store = "grid"});
    assert_non_null(node);
    const std::string key = "bench/" + std::to_string(call);
    world.flash.cut_at(call, NorEmulator::Tear::before, call);
    Status status = Status::ok;
    for (int i = 0; i < 4 && status == Status::ok; ++i) {
      status = node->map("climate").put(key, {{"temp", i}}).status();
    }
    assert_status(status, Status::io);
    assert_true(std::strlen(world.host->problem()) > 0);
    assert_status(node->map("climate").put(key, {{"temp", 9}}).status(), Status::io);
    world.flash.power_on();
    world.host = std::make_unique<Host>(world.board);
  }
}

void a_failed_commit_stops_the_node(void** state) {
  World& world = world_of(state);
  Node* node = world.host->open({.app = "farm", .store = "grid"});
  assert_ok(node->map("climate").put("bench/1", {{"temp", 1}}).status());
  world.flash.cut_at(1, NorEmulator::Tear::before, 1);
  assert_status(node->map("climate").put("bench/1", {{"temp", 2}}).status(), Status::io);
  world.host->run_for(0);
  assert_int_equal(node->status().state, SyncState::error);
  assert_non_null(std::strstr(world.host->problem(), "the node has stopped: "));
}

// Of what was to be done at once, nothing is done any more.
void a_node_that_has_stopped_lets_the_machine_rest(void** state) {
  World& world = world_of(state);
  Node* node = world.host->open({.app = "farm", .store = "grid"});
  Map map = node->map("climate");
  for (int i = 0; i < 60; ++i) assert_ok(map.put("bench/" + std::to_string(i), {{"temp", i}}).status());
  Watch watch = map.watch("bench/", [](const Change&) {});
  world.flash.cut_at(1, NorEmulator::Tear::before, 1);
  assert_status(map.put("bench/1", {{"temp", 2}}).status(), Status::io);
  world.host->run_for(0);
  assert_int_equal(node->status().state, SyncState::error);
  const int rests = world.board.rests;
  world.host->run_for(5);
  assert_true(world.board.rests > rests);
}

void what_cannot_be_opened_is_named(void** state) {
  World& world = world_of(state);
  assert_null(world.host->open({.app = "farm", .store = "nvs"}));
  assert_status(world.host->status(), Status::not_found);
  assert_string_equal(world.host->problem(), "this board has no partition of the name nvs");
  assert_null(world.host->open({.app = "farm", .store = "grid", .server = "http://gateway"}));
  assert_string_equal(world.host->problem(), "the server's address is not ws://HOST:PORT: http://gateway");
  assert_null(world.host->open({.app = "", .store = "grid"}));
  assert_status(world.host->status(), Status::invalid);
  assert_non_null(world.host->open({.app = "farm", .store = "grid"}));
  world.host->close();
  assert_null(world.host->open({.app = "mill", .store = "grid"}));
  assert_status(world.host->status(), Status::denied);
  assert_string_equal(world.host->problem(), "this store belongs to the app farm, not to mill");
}

void a_flash_full_of_noise_is_refused_and_left_alone(void** state) {
  World& world = world_of(state);
  std::mt19937 dice(7);
  for (std::uint8_t& byte : world.flash.bytes()) byte = static_cast<std::uint8_t>(dice());
  const std::vector<std::uint8_t> before = world.flash.bytes();
  assert_null(world.host->open({.app = "farm", .store = "grid"}));
  assert_status(world.host->status(), Status::corrupt);
  assert_true(world.flash.bytes() == before);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(two_chips_and_a_gateway_hold_the_same_rows, set_up, tear_down),
      cmocka_unit_test_setup_teardown(calls_without_any_time_get_on_too, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_chip_that_knows_no_time_learns_it_and_its_writes_get_it, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_put_accepted_is_there_after_a_power_cut, set_up, tear_down),
      cmocka_unit_test_setup_teardown(callbacks_come_while_the_host_runs_and_miss_no_row, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_callback_may_write_and_may_not_wait, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_callback_may_take_the_node_off_the_net_whatever_is_on_its_way, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(a_callback_that_waits_or_closes_leaves_everything_as_it_is, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_node_that_is_closed_answers_io_with_a_sentence, set_up, tear_down),
      cmocka_unit_test_setup_teardown(sync_once_sends_fetches_and_goes_off_the_net, set_up, tear_down),
      cmocka_unit_test_setup_teardown(sync_once_gives_up_at_its_deadline_and_keeps_what_it_could_not_send, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(a_thousand_links_leave_nothing_behind, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_link_that_breaks_behind_any_number_of_bytes_loses_nothing, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_flash_that_fails_is_told_by_the_write, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_failed_commit_stops_the_node, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_node_that_has_stopped_lets_the_machine_rest, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_cannot_be_opened_is_named, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_flash_full_of_noise_is_refused_and_left_alone, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
