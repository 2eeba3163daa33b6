// SPDX-License-Identifier: Apache-2.0
//
// An engine behind its mailboxes, on a thread of its own and without one: the test is the network.

#include <algorithm>
#include <map>

#include "server/host/engine.h"
#include "tests/contract/temporary_directory.h"
#include "tests/unit/server/bench.h"

namespace {

using namespace grid;
using namespace grid::server;
using Kind = Letter::Kind;

constexpr std::uint64_t kPatienceMs = 60'000;

class Network final : public Engine::Owner {
 public:
  Network() { uv_loop_init(&loop); }
  ~Network() {
    while (uv_run(&loop, UV_RUN_DEFAULT) != 0) {
    }
    uv_loop_close(&loop);
  }

  template <typename Condition>
  void run_until(Condition condition) {
    transport::UvHandle<uv_timer_t> deadline;
    uv_timer_init(&loop, deadline.get());
    uv_timer_start(
        deadline.get(), [](uv_timer_t*) { fail_msg("waited for too long"); }, kPatienceMs, 0);
    while (!condition()) uv_run(&loop, UV_RUN_ONCE);
  }

  uv_loop_t loop{};
  std::map<transport::ExchangeId, transport::HttpAnswer> answers;
  std::map<transport::LinkId, std::uint64_t> frames;
  std::string page;
  std::uint64_t figures = 0;
  std::uint64_t rooms = 0;  // How often there was room again.
  Engine* engine = nullptr;
  AppHost* app = nullptr;

 private:
  void arrived(Letter&& letter) override {
    if (letter.kind == Kind::frame) {
      ++frames[letter.link];
      if (letter.wants_word) engine->post({.kind = Kind::taken, .link = letter.link, .app = app});
    }
    if (letter.kind == Kind::answer) {
      answers[letter.exchange] = **std::get_if<std::unique_ptr<transport::HttpAnswer>>(&letter.enclosure);
    }
    if (letter.kind == Kind::page) {
      page += as_text(letter.bytes);
      if (!letter.is_last) engine->post({.kind = Kind::more, .exchange = letter.exchange});
    }
    if (letter.kind == Kind::figures) ++figures;
  }
  void has_room() override { ++rooms; }
};

struct Fixture {
  grid::test::TemporaryDirectory folder;
  Log log{2};
  Network network;
  std::unique_ptr<Engine> engine;
  bool has_thread = false;

  void start() {
    engine = std::make_unique<Engine>(&network.loop, has_thread, static_cast<Engine::Owner&>(network));
    network.engine = engine.get();
    Status status = Status::ok;
    std::string problem;
    auto host = AppHost::open(log, "farm", folder.path() + "/farm", {}, status, problem);
    assert_string_equal(problem.c_str(), "");
    network.app = host.get();
    engine->post({.kind = Kind::app, .enclosure = std::move(host)});
  }
  void ask(transport::ExchangeId exchange, WebAsk::What what) {
    engine->post({.kind = Kind::ask,
                  .app = network.app,
                  .exchange = exchange,
                  .enclosure = std::make_unique<WebAsk>(WebAsk{.what = what, .map = "climate"})});
  }
  void bring(transport::ExchangeId exchange, const std::string& lines) {
    ask(exchange, WebAsk::What::rows_in);
    const Bytes bytes = as_bytes(lines);
    engine->post({.kind = Kind::body, .exchange = exchange, .bytes = {bytes.begin(), bytes.end()}});
    engine->post({.kind = Kind::body_end, .exchange = exchange});
  }
  void link_up(transport::LinkId link) {
    engine->post({.kind = Kind::link_up, .link = link, .app = network.app});
    frame(link, server::test::hello(link));
    frame(link, server::test::subscribe(1));
  }
  void frame(transport::LinkId link, server::test::Frame bytes) {
    engine->post({.kind = Kind::frame, .link = link, .app = network.app, .bytes = std::move(bytes)});
  }
};

int set_up(void** state) {
  *state = new Fixture;
  return 0;
}

int tear_down(void** state) {
  Fixture* const fixture = static_cast<Fixture*>(*state);
  fixture->engine.reset();
  delete fixture;
  return 0;
}

Fixture& fixture_of(void** state) { return *static_cast<Fixture*>(*state); }

std::string row(std::uint64_t number) {
  return "{\"key\":\"k" + std::to_string(number) + "\",\"value\":" + std::to_string(number) + "}\n";
}

std::size_t lines_in(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

// Links that come, listen and go while rows are brought and figures asked; then the end, and what is left of it.
void work_and_stop(Fixture& fixture) {
  constexpr std::uint64_t kRounds = 40;
  fixture.start();
  for (std::uint64_t round = 1; round <= kRounds; ++round) {
    fixture.link_up(static_cast<transport::LinkId>(round));
    fixture.bring(round, row(round));
    fixture.ask(1'000 + round, WebAsk::What::figures);
    if (round % 3 == 0) {
      fixture.engine->post(
          {.kind = Kind::link_down, .link = static_cast<transport::LinkId>(round - 1), .app = fixture.network.app});
    }
    uv_run(&fixture.network.loop, UV_RUN_NOWAIT);
  }
  fixture.network.run_until(
      [&] { return fixture.network.answers.size() == kRounds && fixture.network.figures == kRounds; });
  for (const auto& [exchange, answer] : fixture.network.answers) assert_int_equal(answer.status, 200);
  fixture.network.run_until([&] { return fixture.network.frames[1] > 1; });
  fixture.frame(1, {1, 2, 3});  // What makes no sense, on the way when the end comes.
  assert_ok(fixture.engine->stop());
  fixture.start();
  fixture.ask(1, WebAsk::What::rows_of_export);
  fixture.network.run_until([&] { return lines_in(fixture.network.page) == kRounds; });
}

void what_was_answered_is_there_after_a_stop_on_a_thread(void** state) {
  fixture_of(state).has_thread = true;
  work_and_stop(fixture_of(state));
}

void what_was_answered_is_there_after_a_stop_without_a_thread(void** state) { work_and_stop(fixture_of(state)); }

// BND-1
void an_engine_that_does_not_get_on_says_that_it_is_full(void** state) {
  Fixture& fixture = fixture_of(state);
  fixture.start();  // Its loop is ours, and does not run.
  std::uint64_t letters = 1;
  while (fixture.engine->post({.kind = Kind::gone, .exchange = 7})) ++letters;
  assert_int_equal(letters + 1, MailboxLimits{}.letters);
  assert_true(fixture.engine->is_full());
  assert_int_equal(fixture.engine->figures().in.letters, letters + 1);
  fixture.network.run_until([&] { return !fixture.engine->is_full(); });
  fixture.network.run_until([&] { return fixture.engine->figures().in.letters == 0; });
  while (fixture.engine->post({.kind = Kind::body, .exchange = 7, .bytes = std::vector<std::uint8_t>(1'048'576)})) {
  }
  assert_true(fixture.engine->figures().in.bytes >= MailboxLimits{}.bytes);
  assert_true(fixture.engine->figures().in.bytes < MailboxLimits{}.bytes + 2 * 1'048'576);
}

void only_an_engine_that_was_full_says_that_there_is_room(void** state) {
  Fixture& fixture = fixture_of(state);
  fixture.start();
  fixture.ask(1, WebAsk::What::figures);
  fixture.network.run_until([&] { return fixture.network.figures == 1; });
  assert_int_equal(fixture.network.rooms, 0);
  while (fixture.engine->post({.kind = Kind::gone, .exchange = 7})) {
  }
  fixture.network.run_until([&] { return fixture.network.rooms > 0; });
  assert_false(fixture.engine->is_full());
  fixture.ask(2, WebAsk::What::figures);
  fixture.network.run_until([&] { return fixture.network.figures == 2; });
  assert_int_equal(fixture.network.rooms, 1);
}

void a_loop_that_stands_still_has_made_no_turn(void** state) {
  Fixture& fixture = fixture_of(state);
  fixture.start();
  fixture.engine->ask_turn();
  assert_false(fixture.engine->has_turned());
  fixture.network.run_until([&] { return fixture.engine->has_turned(); });
  fixture.engine->ask_turn();
  assert_true(fixture.engine->has_turned());
  fixture.engine->forget_turn();
  fixture.engine->ask_turn();
  assert_false(fixture.engine->has_turned());
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_was_answered_is_there_after_a_stop_on_a_thread, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_was_answered_is_there_after_a_stop_without_a_thread, set_up, tear_down),
      cmocka_unit_test_setup_teardown(an_engine_that_does_not_get_on_says_that_it_is_full, set_up, tear_down),
      cmocka_unit_test_setup_teardown(only_an_engine_that_was_full_says_that_there_is_room, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_loop_that_stands_still_has_made_no_turn, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
