// SPDX-License-Identifier: Apache-2.0
//
// A whole device on the fake of ESP-IDF, with a real gateway on this machine: first sync, networks that come and go, a
// cable that breaks in the middle of frames, other tasks, and every reason not to open.

#include <cstring>
#include <memory>
#include <string>
#include <thread>

#include "ports/esp32/grid/esp32.h"
#include "ports/port.h"
#include "tests/check.h"
#include "tests/unit/esp32/fake_idf.h"
#include "tests/unit/esp32/gateway_thread.h"

namespace grid::test {
namespace {

constexpr std::uint64_t kLongMs = 60'000;

using Host = Esp32Host<kChip>;

struct World {
  GatewayThread gateway;
  std::unique_ptr<Host> host = std::make_unique<Host>();

  Node* open(const std::string& server, bool offline = false) {
    return host->open({.app = "farm", .server = server, .offline = offline, .backoff_ms_max = 300});
  }
  // A power cut: what is in memory is gone, what is on the flash is not.
  void restart() {
    host.reset();
    host = std::make_unique<Host>();
  }
};

std::unique_ptr<World> world;

int set_up(void**) {
  reset_idf();
  idf().make_partition("grid", 0x47, 0x01, 64);
  idf().has_event_loop = true;
  idf().network_up();
  world = std::make_unique<World>();
  return 0;
}

int tear_down(void**) {
  world.reset();
  return idf().connections;
}

void assert_says(const char* words) {
  if (std::strstr(world->host->problem(), words) == nullptr) {
    fail_msg("\"%s\" does not say \"%s\"", world->host->problem(), words);
  }
}

Write put(Node* node, const char* key, double temp) { return node->map("climate").put(key, {{"temp", temp}}); }

void run_until_state(Node* node, SyncState state) {
  for (std::uint64_t ran_ms = 0; node->status().state != state; ran_ms += 10) {
    if (ran_ms > kLongMs) fail_msg("still %s: %s", name_of(node->status().state), world->host->problem());
    world->host->run_for(10);
  }
}

// ---- what it is for

void a_write_reaches_the_gateway_and_survives_a_power_cut(void**) {
  Node* node = world->open(world->gateway.url);
  assert_non_null(node);
  const Write write = put(node, "bench/3", 21.5);
  assert_ok(write.status());
  assert_true(world->host->wait(write, Outcome::durable, kLongMs));
  assert_string_equal(idf().flash->violation().c_str(), "");
  world->restart();
  node = world->open("");
  assert_non_null(node);
  assert_true(node->map("climate").get("bench/3")["temp"].number_or(0) == 21.5);
  assert_int_equal(idf().bytes_without_noise, 0);
}

void a_second_device_sees_what_the_first_wrote(void**) {
  Node* node = world->open(world->gateway.url);
  assert_true(world->host->wait(put(node, "bench/3", 21.5), Outcome::durable, kLongMs));
  world->host->close();
  idf().make_partition("grid", 0x47, 0x01, 64);  // Another chip.
  world->restart();
  node = world->open(world->gateway.url);
  assert_ok(node->map("climate").subscribe());
  for (int i = 0; i < 1'000 && !node->status().current; ++i) world->host->run_for(10);
  assert_true(node->map("climate").get("bench/3")["temp"].number_or(0) == 21.5);
}

// P4
void writes_of_a_device_that_does_not_know_the_time_get_it_from_the_gateway(void**) {
  idf().knows_time = false;
  Node* node = world->open(world->gateway.url, true);
  const Write write = put(node, "bench/3", 1);
  assert_ok(write.status());
  assert_int_equal(node->status().quality, crdt::ClockQuality::unknown);
  node->online();
  assert_true(world->host->wait(write, Outcome::durable, kLongMs));
  std::uint64_t written_ms = 0;
  assert_ok(node->map("climate").scan("", [&](const Change& row) { written_ms = row.stamp.wall_ms(); }));
  idf().knows_time = true;
  const std::uint64_t now_ms = port::wall_ms();
  assert_in_range(written_ms, now_ms - kLongMs, now_ms + kLongMs);
}

void sync_once_leaves_nothing_behind_and_goes_off_the_net(void**) {
  Node* node = world->open(world->gateway.url, true);
  const Write write = put(node, "bench/3", 1);
  assert_true(world->host->sync_once(kLongMs));
  assert_int_equal(write.outcome(), Outcome::durable);
  assert_int_equal(node->status().state, SyncState::disconnected);
}

// ---- the network

void a_lost_access_point_takes_the_node_off_the_net_and_a_found_one_brings_it_back(void**) {
  Node* node = world->open(world->gateway.url);
  assert_true(world->host->wait(put(node, "bench/3", 1), Outcome::durable, kLongMs));
  idf().network_down();
  world->host->run_for(0);
  assert_int_equal(node->status().state, SyncState::disconnected);
  const Write write = put(node, "bench/3", 2);
  assert_ok(write.status());
  idf().network_up();
  assert_true(world->host->wait(write, Outcome::durable, kLongMs));
}

void a_device_that_starts_without_a_network_syncs_when_there_is_one(void**) {
  idf().network_down();
  Node* node = world->open(world->gateway.url);
  assert_non_null(node);
  const Write write = put(node, "bench/3", 1);
  world->host->run_for(20);
  assert_int_equal(node->status().state, SyncState::disconnected);
  assert_int_equal(write.outcome(), Outcome::pending);
  idf().network_up();
  assert_true(world->host->wait(write, Outcome::durable, kLongMs));
}

void a_node_that_its_application_took_off_the_net_stays_there(void**) {
  Node* node = world->open(world->gateway.url, true);
  idf().network_down();
  world->host->run_for(0);
  idf().network_up();
  world->host->run_for(20);
  assert_int_equal(node->status().state, SyncState::disconnected);
  node->online();
  run_until_state(node, SyncState::realtime);
  idf().network_down();
  world->host->run_for(0);
  node->offline();
  assert_int_equal(node->status().state, SyncState::disconnected);
}

void what_the_application_asks_for_while_there_is_no_network_stands(void**) {
  Node* node = world->open(world->gateway.url);
  run_until_state(node, SyncState::realtime);
  idf().network_down();
  world->host->run_for(0);
  node->offline();
  idf().network_up();
  world->host->run_for(20);
  assert_int_equal(node->status().state, SyncState::disconnected);

  node->online();
  run_until_state(node, SyncState::realtime);
  idf().network_down();
  world->host->run_for(0);
  idf().is_up = true;  // The event is still on its way.
  node->online();
  run_until_state(node, SyncState::realtime);
  const std::uint64_t reconnects = node->status().figures.reconnects;
  idf().network_up();
  world->host->run_for(0);
  assert_int_equal(node->status().state, SyncState::realtime);
  assert_int_equal(node->status().figures.reconnects, reconnects);
}

void asking_for_the_net_while_there_is_none_says_so(void**) {
  idf().network_down();
  Node* node = world->open(world->gateway.url, true);
  node->online();
  run_until_state(node, SyncState::backoff);
  assert_says("the network is down");
}

void a_network_that_comes_ends_a_backoff(void**) {
  idf().network_down();
  Node* node = world->host->open({.app = "farm",
                                  .server = world->gateway.url,
                                  .offline = true,
                                  .backoff_ms_min = 3'600'000,
                                  .backoff_ms_max = 3'600'000});
  node->online();
  run_until_state(node, SyncState::backoff);
  idf().network_up();
  run_until_state(node, SyncState::realtime);
}

void a_node_that_slept_through_a_failed_sync_is_not_brought_back_by_the_network(void**) {
  Node* node = world->open(world->gateway.url, true);
  idf().network_down();
  assert_false(world->host->sync_once(20));
  idf().network_up();
  world->host->run_for(20);
  assert_int_equal(node->status().state, SyncState::disconnected);
  assert_true(world->host->sync_once(kLongMs));
}

// SYN-1, LOG-1
void a_cable_that_breaks_in_the_middle_of_frames_costs_time_and_no_rows(void**) {
  BreakingCable cable(world->gateway.port(), 40, 61);
  Node* node = world->open(cable.url);
  assert_non_null(node);
  assert_ok(node->map("climate").subscribe());
  for (int i = 0; i < 60; ++i) assert_ok(put(node, ("bench/" + std::to_string(i)).c_str(), i).status());
  for (int i = 0; i < 6'000 && node->status().ops_pending > 0; ++i) world->host->run_for(10);
  assert_int_equal(node->status().ops_pending, 0);
  assert_true(cable.connections > 5);
  for (int i = 0; i < 60; ++i) {
    assert_true(node->map("climate").get("bench/" + std::to_string(i))["temp"].number_or(-1) == i);
  }
}

void a_gateway_that_goes_and_comes_again_is_found(void**) {
  Node* node = world->open(world->gateway.url);
  run_until_state(node, SyncState::realtime);
  world->gateway.stop();
  run_until_state(node, SyncState::backoff);
  const Write write = put(node, "bench/3", 1);
  world->gateway.start();
  assert_true(world->host->wait(write, Outcome::durable, kLongMs));
}

void a_connection_that_fails_says_why(void**) {
  world->gateway.stop();
  Node* node = world->open(world->gateway.url);
  run_until_state(node, SyncState::backoff);
  assert_says("127.0.0.1: Connection refused");
}

// ---- other tasks

void what_another_task_posts_runs_on_the_nodes_own(void**) {
  static Node* node;
  static std::thread::id ran_on;
  static std::atomic<bool> has_run;
  has_run = false;
  node = world->open("");
  std::thread other([] {
    assert_true(world->host->post(
        [](void*) {
          ran_on = std::this_thread::get_id();
          assert_ok(put(node, "asked/for", 1).status());
          has_run = true;
        },
        nullptr));
  });
  for (int i = 0; i < 1'000 && !has_run; ++i) world->host->run_for(1'000);  // It is woken long before that.
  other.join();
  assert_true(ran_on == std::this_thread::get_id());
  assert_true(node->map("climate").get("asked/for")["temp"].number_or(0) == 1);
}

void a_full_mailbox_is_said_to_whoever_posts(void**) {
  assert_false(world->host->post([](void*) {}, nullptr));
  assert_non_null(world->open(""));
  static int ran = 0;
  for (std::uint32_t i = 0; i < port::Mailbox::kLetters; ++i) {
    assert_true(world->host->post([](void*) { ++ran; }, nullptr));
  }
  assert_false(world->host->post([](void*) {}, nullptr));
  world->host->run_for(0);
  assert_int_equal(ran, port::Mailbox::kLetters);
}

void work_that_was_posted_cannot_close_the_host_that_runs_it(void**) {
  static bool has_run;
  has_run = false;
  Node* node = world->open("");
  assert_true(world->host->post(
      [](void*) {
        // The first time, before the loop, nothing runs yet; the second time it is the loop's.
        assert_true(world->host->post(
            [](void*) {
              has_run = true;
              world->host->close();
              assert_false(world->host->sync_once(1));
            },
            nullptr));
      },
      nullptr));
  for (int i = 0; i < 100 && !has_run; ++i) world->host->run_for(10);
  assert_true(has_run);
  assert_says("a callback cannot wait");
  assert_ok(put(node, "bench/3", 1).status());
}

void work_that_runs_behind_a_close_is_told_so(void**) {
  static Node* node;
  node = world->open("");
  static Status status;
  status = Status::busy;
  assert_true(world->host->post([](void*) { status = put(node, "bench/3", 1).status(); }, nullptr));
  world->host->close();
  world->host->run_for(0);
  if (status == Status::ok) return;  // It ran while the host was closing, and not behind that.
  assert_status(status, Status::io);
  assert_says("the node is closed");
}

// ---- reasons not to open: each a status, and none of them a restart

void assert_refused(Status status, const char* words) {
  assert_null(world->open(world->gateway.url));
  assert_status(world->host->status(), status);
  assert_says(words);
}

void a_partition_that_will_not_do_is_refused(void**) {
  idf().make_partition("other", 0x47, 0x01, 64);
  assert_refused(Status::not_found, "no grid");
  idf().make_partition("grid", 0x01, 0x82, 64);
  assert_refused(Status::invalid, "type 1, subtype 130");
  idf().make_partition("grid", 0x47, 0x01, 4);
  assert_refused(Status::invalid, "sectors");
  idf().make_partition("grid", 0x47, 0x01, 64);
  assert_non_null(world->open(""));  // It may be tried again.
}

void a_second_open_is_refused_before_it_touches_the_first(void**) {
  Node* node = world->open("");
  assert_ok(put(node, "bench/3", 1).status());
  assert_null(world->host->open({.app = "farm", .store = "none"}));
  assert_says("has a node already");
  assert_status(world->host->status(), Status::ok);
  assert_ok(put(node, "bench/3", 2).status());
  world->host->close();
  assert_non_null(world->open(""));
}

void a_partition_full_of_noise_is_refused_and_left_as_it_is(void**) {
  std::vector<std::uint8_t>& bytes = idf().flash->bytes();
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 2'654'435'761U >> 13);
  const std::vector<std::uint8_t> before = bytes;
  assert_refused(Status::corrupt, "");
  assert_true(bytes == before);
}

void a_flash_that_fails_stops_the_node_and_not_the_machine(void**) {
  Node* node = world->open("");
  assert_ok(put(node, "bench/1", 1).status());
  idf().flash->cut_at(0, NorEmulator::Tear::within, 7);
  assert_true(put(node, "bench/2", 2).status() != Status::ok);
  world->host->run_for(0);
  idf().flash->power_on();
  world->restart();
  node = world->open("");
  assert_non_null(node);
  assert_true(node->map("climate").get("bench/1")["temp"].number_or(0) == 1);
}

void a_machine_that_is_not_ready_is_told_what_is_missing(void**) {
  idf().has_event_loop = false;
  assert_refused(Status::busy, "esp_event_loop_create_default");
  idf().has_event_loop = true;
  assert_null(world->host->open({.app = "farm", .server = "http://10.0.0.1"}));
  assert_status(world->host->status(), Status::invalid);
  assert_null(world->host->open({.app = "a farm"}));
  assert_status(world->host->status(), Status::invalid);
  assert_non_null(world->open(""));
}

void a_machine_without_event_files_is_told_so(void**) {
  idf().has_event_files = false;
  assert_refused(Status::io, "CONFIG_VFS_SUPPORT_SELECT");
}

void a_store_of_another_app_is_refused(void**) {
  assert_non_null(world->open(""));
  world->restart();
  assert_null(world->host->open({.app = "mill"}));
  assert_status(world->host->status(), Status::denied);
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const CMUnitTest tests[] = {
      TEST(a_write_reaches_the_gateway_and_survives_a_power_cut),
      TEST(a_second_device_sees_what_the_first_wrote),
      TEST(writes_of_a_device_that_does_not_know_the_time_get_it_from_the_gateway),
      TEST(sync_once_leaves_nothing_behind_and_goes_off_the_net),
      TEST(a_lost_access_point_takes_the_node_off_the_net_and_a_found_one_brings_it_back),
      TEST(a_device_that_starts_without_a_network_syncs_when_there_is_one),
      TEST(a_node_that_its_application_took_off_the_net_stays_there),
      TEST(what_the_application_asks_for_while_there_is_no_network_stands),
      TEST(asking_for_the_net_while_there_is_none_says_so),
      TEST(a_network_that_comes_ends_a_backoff),
      TEST(a_node_that_slept_through_a_failed_sync_is_not_brought_back_by_the_network),
      TEST(a_cable_that_breaks_in_the_middle_of_frames_costs_time_and_no_rows),
      TEST(a_gateway_that_goes_and_comes_again_is_found),
      TEST(a_connection_that_fails_says_why),
      TEST(what_another_task_posts_runs_on_the_nodes_own),
      TEST(a_full_mailbox_is_said_to_whoever_posts),
      TEST(work_that_was_posted_cannot_close_the_host_that_runs_it),
      TEST(work_that_runs_behind_a_close_is_told_so),
      TEST(a_partition_that_will_not_do_is_refused),
      TEST(a_second_open_is_refused_before_it_touches_the_first),
      TEST(a_partition_full_of_noise_is_refused_and_left_as_it_is),
      TEST(a_flash_that_fails_stops_the_node_and_not_the_machine),
      TEST(a_machine_that_is_not_ready_is_told_what_is_missing),
      TEST(a_machine_without_event_files_is_told_so),
      TEST(a_store_of_another_app_is_refused),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
