// SPDX-License-Identifier: Apache-2.0
//
// The embedding API on Linux: one node with its store and its loop, and a listener in place of a server.

#include <grid/grid.h>
#include <grid/linux.h>
#include <sys/stat.h>
#include <uv.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "tests/check.h"
#include "transport/lws/lws_context.h"
#include "transport/wire.h"

namespace {

using namespace grid;

struct Fixture {
  std::string directory;
  std::string store() const { return directory + "/store"; }
  std::vector<std::string> seen;  // What watches reported, as "key=number".
  int posted = 0;
};

int set_up(void** state) {
  char name[] = "/tmp/grid-host-XXXXXX";
  if (mkdtemp(name) == nullptr) return 1;
  *state = new Fixture{.directory = name, .seen = {}};
  return 0;
}

int tear_down(void** state) {
  Fixture* fixture = static_cast<Fixture*>(*state);
  std::filesystem::remove_all(fixture->directory);
  delete fixture;
  return 0;
}

Fixture& fixture_of(void** state) { return *static_cast<Fixture*>(*state); }

Watch watch(Map& map, const char* pattern, Fixture& fixture) {
  return map.watch(pattern, [seen = &fixture.seen](const Change& change) {
    const std::string now = change.now.exists() ? std::to_string(change.now["n"].integer_or(-1)) : "gone";
    seen->push_back(std::string(change.key) + "=" + now);
  });
}

void a_write_stands_at_once_and_is_there_after_reopening(void** state) {
  Fixture& fixture = fixture_of(state);
  {
    LinuxHost host;
    Node* node = host.open({.app = "farm", .store = fixture.store()});
    assert_non_null(node);
    Map map = node->map("climate");
    assert_ok(map.put("bench/3", {{"n", 3}, {"name", "third"}}).status());
    assert_int_equal(map.get("bench/3")["n"].integer_or(0), 3);
    assert_false(map.get("bench/4").exists());
  }
  LinuxHost host;
  Node* node = host.open({.app = "farm", .store = fixture.store()});
  assert_non_null(node);
  const Value value = node->map("climate").get("bench/3");
  assert_string_equal(std::string(value["name"].text_or("")).c_str(), "third");
}

void scan_visits_the_rows_of_a_prefix_in_order(void** state) {
  (void)state;
  LinuxHost host;
  Node* node = host.open({.app = "farm"});
  Map map = node->map("m");
  for (const char* key : {"b/2", "a/1", "b/1", "c", "b/3"}) assert_ok(map.put(key, {{"n", 1}}).status());
  assert_ok(map.remove("b/2").status());
  std::string keys;
  assert_ok(map.scan("b/", [&keys](const Change& row) { keys += std::string(row.key) + " "; }));
  assert_string_equal(keys.c_str(), "b/1 b/3 ");
}

void a_watch_reports_what_stands_and_what_changes_from_the_loop_only(void** state) {
  Fixture& fixture = fixture_of(state);
  LinuxHost host;
  Node* node = host.open({.app = "farm"});
  Map map = node->map("m");
  assert_ok(map.put("a/1", {{"n", 1}}).status());
  Watch watching = watch(map, "a/", fixture);
  assert_ok(watching.status());
  assert_ok(map.put("a/2", {{"n", 2}}).status());
  assert_ok(map.put("b/9", {{"n", 9}}).status());
  assert_true(fixture.seen.empty());
  host.run_for(20);
  assert_ok(map.remove("a/1").status());
  host.run_for(20);

  const std::vector<std::string> expected = {"a/1=1", "a/2=2", "a/1=gone"};
  assert_true(fixture.seen == expected);
}

void a_watch_that_ended_is_silent(void** state) {
  Fixture& fixture = fixture_of(state);
  LinuxHost host;
  Node* node = host.open({.app = "farm"});
  Map map = node->map("m");
  {
    Watch watching = watch(map, "", fixture);
    assert_ok(map.put("a", {{"n", 1}}).status());
  }
  host.run_for(20);
  assert_true(fixture.seen.empty());
}

void a_callback_may_write_and_cannot_wait(void** state) {
  Fixture& fixture = fixture_of(state);
  LinuxHost host;
  Node* node = host.open({.app = "farm"});
  struct Both {
    LinuxHost* host;
    Map map;
  } both{&host, node->map("m")};
  Watch watching = both.map.watch("in/", [&both](const Change&) {
    assert_ok(both.map.put("out", {{"n", 1}}).status());
    both.host->run_for(10'000'000);  // Comes back at once.
  });
  Watch echo = watch(both.map, "out", fixture);
  assert_ok(both.map.put("in/1", {{"n", 1}}).status());
  assert_true(host.wait_until([&fixture](const runtime::ReplicaStatus&) { return !fixture.seen.empty(); }, 60'000));
  assert_string_equal(host.problem(), "the loop is running already: a callback cannot wait");
}

void bad_writes_are_refused_with_a_sentence(void** state) {
  (void)state;
  LinuxHost host;
  Node* node = host.open({.app = "farm"});
  Map map = node->map("m");
  assert_status(map.put(std::string(300, 'k'), {{"n", 1}}).status(), Status::too_large);
  assert_string_equal(host.problem(), "the key is 300 bytes long; the limit is 256");
  assert_status(map.put("k", {{"n", 1}, {"n", 2}}).status(), Status::invalid);
  assert_non_null(std::strstr(host.problem(), "names a field twice"));
  const std::string large(kValueBytesMax, 'x');
  assert_status(map.put("k", {{"n", std::string_view(large)}}).status(), Status::too_large);
  assert_non_null(std::strstr(host.problem(), "larger than a value may be"));
  assert_status(node->map("not a name").put("k", {{"n", 1}}).status(), Status::invalid);
}

// Not even when the number that it did not get looks like one that was settled long ago.
void a_write_that_was_refused_is_never_on_its_way(void** state) {
  (void)state;
  LinuxHost host;
  Map map = host.open({.app = "farm"})->map("m");
  assert_true(map.put("k", {{"n", 1}}).outcome() == Outcome::pending);
  assert_true(map.put(std::string(300, 'k'), {{"n", 1}}).outcome() == Outcome::dropped);
  assert_true(Write().outcome() == Outcome::dropped);
}

void open_refuses_with_a_sentence(void** state) {
  Fixture& fixture = fixture_of(state);
  LinuxHost host;
  assert_null(host.open({.app = "no such/app"}));
  assert_string_equal(host.problem(), "the app's name must be 1 to 64 of the characters A-Z a-z 0-9 _ . -");
  assert_null(host.open({.app = "farm", .server = "http://x"}));
  assert_string_equal(host.problem(), "the server's address is not ws://HOST:PORT: http://x");
  assert_non_null(host.open({.app = "farm", .store = fixture.store()}));
  assert_null(host.open({.app = "farm"}));
  assert_string_equal(host.problem(), "this host has a node already");

  LinuxHost other;
  assert_null(other.open({.app = "farm", .store = fixture.store()}));
  assert_non_null(std::strstr(other.problem(), fixture.store().c_str()));
}

void a_store_belongs_to_its_app(void** state) {
  Fixture& fixture = fixture_of(state);
  {
    LinuxHost host;
    assert_non_null(host.open({.app = "farm", .store = fixture.store()}));
  }
  LinuxHost host;
  assert_null(host.open({.app = "mill", .store = fixture.store()}));
  assert_string_equal(host.problem(), "this store belongs to the app farm, not to mill");
  assert_non_null(host.open({.app = "farm", .store = fixture.store()}));  // The host is still good.
}

// A store that holds no more until it is flushed is flushed.
void more_is_written_without_running_the_loop_than_a_batch_holds(void** state) {
  Fixture& fixture = fixture_of(state);
  LinuxHost host;
  Node* node = host.open({.app = "farm", .store = fixture.store()});
  Map map = node->map("m");
  const std::string text(900'000, 'x');
  for (int i = 0; i < 100; ++i) {
    assert_ok(map.put("key" + std::to_string(i), {{"n", std::string_view(text)}}).status());
  }
  assert_ok(host.flush());
  assert_true(map.get("key99").exists());
}

void posted_work_runs_on_the_hosts_thread(void** state) {
  Fixture& fixture = fixture_of(state);
  LinuxHost host;
  assert_non_null(host.open({.app = "farm"}));
  constexpr int kThreads = 4, kEach = 500;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&host, &fixture] {
      for (int n = 0; n < kEach; ++n) host.post([](void* at) { ++static_cast<Fixture*>(at)->posted; }, &fixture);
    });
  }
  assert_true(host.wait_until([&fixture](const runtime::ReplicaStatus&) { return fixture.posted == kThreads * kEach; },
                              60'000));
  for (std::thread& thread : threads) thread.join();
}

void a_signal_ends_run_and_a_wait(void** state) {
  (void)state;
  LinuxHost host;
  Node* node = host.open({.app = "farm"});
  host.post([](void*) { raise(SIGTERM); }, nullptr);
  assert_false(host.wait_until([](const runtime::ReplicaStatus&) { return false; }, 60'000));
  host.run();  // Heeds the same signal.
  assert_ok(node->map("m").put("k", {{"n", 1}}).status());
}

void stop_ends_run(void** state) {
  (void)state;
  LinuxHost host;
  assert_non_null(host.open({.app = "farm"}));
  host.post([](void* at) { static_cast<LinuxHost*>(at)->stop(); }, &host);
  host.run();
}

void a_wait_for_the_server_times_out_without_one(void** state) {
  (void)state;
  LinuxHost host;
  Node* node = host.open({.app = "farm"});
  const Write write = node->map("m").put("k", {{"n", 1}});
  assert_false(host.wait(write, Outcome::durable, 30));
  assert_int_equal(write.outcome(), Outcome::pending);
  node->online();
  assert_string_equal(host.problem(), "no server was given to this node");
}

// In place of a server: notes what it hears.
class Gate final : public transport::LinkListener {
 public:
  transport::Admission admit(const transport::LinkRequest& request) override {
    return {.status = request.path == "/v1/farm" ? transport::kAdmitted : transport::kNotFound};
  }
  void on_open(transport::LinkId, std::string_view, std::string_view, Bytes) override { ++opened; }
  void on_frame(transport::LinkId, Bytes frame) override { frames.emplace_back(frame.begin(), frame.end()); }
  std::optional<std::size_t> on_writable(transport::LinkId, MutBytes) override { return {}; }
  void on_close(transport::LinkId, std::string_view reason) override { reasons.emplace_back(reason); }

  int opened = 0;
  std::vector<std::vector<std::uint8_t>> frames;
  std::vector<std::string> reasons;
};

void a_node_says_hello_at_the_path_of_its_app_and_goodbye_at_the_end(void** state) {
  (void)state;
  uv_loop_t loop;
  uv_loop_init(&loop);
  Gate gate;
  {
    transport::LwsContext server;
    assert_ok(server.open(&loop, {}));
    assert_ok(server.listen("127.0.0.1:0", gate));
    {
      LinuxHost host;
      assert_non_null(host.open({.app = "farm", .server = "ws://" + server.bound()}));
      assert_true(host.wait_until(
          [&](const runtime::ReplicaStatus&) {
            uv_run(&loop, UV_RUN_NOWAIT);
            host.post([](void*) {}, nullptr);  // Look again, whatever the node has to do.
            return !gate.frames.empty();
          },
          60'000));
    }
    while (gate.reasons.empty()) uv_run(&loop, UV_RUN_ONCE);
  }
  const Result<wire::Kind> kind = wire::kind_of(gate.frames[0]);
  assert_ok(kind.status());
  assert_int_equal(*kind, wire::Kind::hello);
  assert_int_equal(gate.opened, 1);
  assert_int_equal(uv_loop_close(&loop), 0);
}

// Greets, refuses whatever is subscribed to, and hangs up.
class Refuser final : public transport::LinkListener {
 public:
  explicit Refuser(transport::LwsContext& links) : links_(links) {}
  transport::Admission admit(const transport::LinkRequest&) override { return {.status = transport::kAdmitted}; }
  void on_open(transport::LinkId, std::string_view, std::string_view, Bytes) override {}
  void on_frame(transport::LinkId link, Bytes frame) override {
    grid_Subscribe asked;
    if (wire::kind_of(frame).value_or(wire::Kind::bye) == wire::Kind::hello) {
      grid_Welcome welcome = grid_Welcome_init_zero;
      welcome.protocol = wire::kProtocolMax;
      welcome.epoch = 1;
      welcome.frame_bytes_max = welcome.value_bytes_max = 65'536;
      welcome.window_ops = 1;
      add(wire::encode(welcome, room_));
    } else if (wire::decode(frame, asked) == Status::ok) {
      grid_Subscribed answer = grid_Subscribed_init_zero;
      answer.id = asked.id;
      answer.mode = static_cast<std::uint32_t>(wire::PullMode::refused);
      answer.status = static_cast<std::uint32_t>(Status::denied);
      add(wire::encode(answer, room_));
      has_refused_ = true;
    }
    links_.want_write(link);
  }
  std::optional<std::size_t> on_writable(transport::LinkId link, MutBytes room) override {
    if (due_.empty()) {
      if (has_refused_) links_.close(link, transport::kCloseGoingAway, "gone for a while");
      return {};
    }
    const std::vector<std::uint8_t> frame = std::move(due_.front());
    due_.erase(due_.begin());
    copy(frame, room);
    links_.want_write(link);
    return frame.size();
  }
  void on_close(transport::LinkId, std::string_view) override {}

 private:
  void add(Bytes frame) { due_.emplace_back(frame.begin(), frame.end()); }

  transport::LwsContext& links_;
  std::uint8_t room_[wire::kControlBytesMax] = {};
  std::vector<std::vector<std::uint8_t>> due_;
  bool has_refused_ = false;
};

void a_refusal_is_told_after_the_link_that_brought_it_is_gone(void** state) {
  (void)state;
  uv_loop_t loop;
  uv_loop_init(&loop);
  {
    transport::LwsContext server;
    Refuser refuser(server);
    assert_ok(server.open(&loop, {}));
    assert_ok(server.listen("127.0.0.1:0", refuser));
    LinuxHost host;
    Node* const node = host.open({.app = "farm", .server = "ws://" + server.bound()});
    assert_non_null(node);
    assert_string_equal(host.refusal(), "");
    assert_ok(node->subscribe(Scope{}));
    assert_true(host.wait_until(
        [&](const runtime::ReplicaStatus& status) {
          uv_run(&loop, UV_RUN_NOWAIT);
          host.post([](void*) {}, nullptr);
          return status.state == SyncState::backoff;
        },
        60'000));
    assert_null(std::strstr(host.problem(), "refused"));
    assert_string_equal(host.refusal(), "the server refused a subscription: denied");
  }
  uv_run(&loop, UV_RUN_DEFAULT);
  assert_int_equal(uv_loop_close(&loop), 0);
}

void a_server_that_is_not_there_is_named_and_tried_again(void** state) {
  (void)state;
  LinuxHost host;
  Node* node = host.open({.app = "farm", .server = "ws://127.0.0.1:1", .backoff_ms_min = 1, .backoff_ms_max = 2});
  assert_non_null(node);
  assert_true(
      host.wait_until([](const runtime::ReplicaStatus& status) { return status.state == SyncState::backoff; }, 60'000));
  assert_string_equal(host.problem(), "cannot reach ws://127.0.0.1:1: no server answers there");
  assert_true(host.wait_until(
      [](const runtime::ReplicaStatus& status) { return status.state == SyncState::connecting; }, 60'000));
  node->offline();
  host.run_for(20);
  assert_int_equal(node->status().state, SyncState::disconnected);
}

void an_inspection_socket_that_cannot_be_had_is_a_sentence(void** state) {
  Fixture& fixture = fixture_of(state);
  const std::string path = fixture.directory + "/look.sock";
  LinuxHost living;
  assert_non_null(living.open({.app = "farm", .inspect = path}));

  LinuxHost host;
  const auto is_refused = [&](const std::string& inspect, Status status, const char* words) {
    assert_null(host.open({.app = "farm", .inspect = inspect}));
    assert_status(host.status(), status);
    assert_non_null(std::strstr(host.problem(), words));
  };
  is_refused(path, Status::busy, "is in use by another process");
  is_refused(fixture.directory, Status::invalid, "a file that is no socket");
  is_refused(fixture.directory + "/no/folder", Status::io, "No such file");
  is_refused(fixture.directory + std::string(120, 'x'), Status::invalid, "the limit is 107");
  assert_non_null(host.open({.app = "farm", .inspect = fixture.directory + "/other.sock"}));
}

void an_inspection_socket_is_its_owners_and_goes_with_the_host(void** state) {
  const std::string path = fixture_of(state).directory + "/look.sock";
  const mode_t before = umask(0);
  {
    LinuxHost host;
    assert_non_null(host.open({.app = "farm", .inspect = path}));
    struct stat file {};
    assert_int_equal(lstat(path.c_str(), &file), 0);
    assert_int_equal(file.st_mode, S_IFSOCK | 0600);
  }
  umask(before);
  assert_false(std::filesystem::exists(path));
}

}  // namespace

int main() {
#define HOST_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const CMUnitTest tests[] = {HOST_TEST(a_write_stands_at_once_and_is_there_after_reopening),
                              HOST_TEST(scan_visits_the_rows_of_a_prefix_in_order),
                              HOST_TEST(a_watch_reports_what_stands_and_what_changes_from_the_loop_only),
                              HOST_TEST(a_watch_that_ended_is_silent),
                              HOST_TEST(a_callback_may_write_and_cannot_wait),
                              HOST_TEST(bad_writes_are_refused_with_a_sentence),
                              HOST_TEST(a_write_that_was_refused_is_never_on_its_way),
                              HOST_TEST(open_refuses_with_a_sentence),
                              HOST_TEST(a_store_belongs_to_its_app),
                              HOST_TEST(more_is_written_without_running_the_loop_than_a_batch_holds),
                              HOST_TEST(posted_work_runs_on_the_hosts_thread),
                              HOST_TEST(a_signal_ends_run_and_a_wait),
                              HOST_TEST(stop_ends_run),
                              HOST_TEST(a_wait_for_the_server_times_out_without_one),
                              HOST_TEST(a_node_says_hello_at_the_path_of_its_app_and_goodbye_at_the_end),
                              HOST_TEST(a_refusal_is_told_after_the_link_that_brought_it_is_gone),
                              HOST_TEST(a_server_that_is_not_there_is_named_and_tried_again),
                              HOST_TEST(an_inspection_socket_that_cannot_be_had_is_a_sentence),
                              HOST_TEST(an_inspection_socket_is_its_owners_and_goes_with_the_host)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
