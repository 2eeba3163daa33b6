// SPDX-License-Identifier: Apache-2.0
//
// What a gateway tells by HTTP when its engines, or some of them, do not answer: the test has their letters.

#include "server/host/web.h"
#include "tests/unit/lws/link_bench.h"

namespace {

using namespace grid;
using namespace grid::server;
using grid::test::RawPeer;

class Network final : public Apps::Owner, public WebOwner {
 public:
  std::vector<Letter> kept;  // Figures that the test has not handed on.
  transport::Admission who{};
  Apps* apps = nullptr;

 private:
  void arrived(Letter&& letter) override {
    if (letter.kind == Letter::Kind::figures) kept.push_back(std::move(letter));
  }
  void has_room() override {}
  void app_opened(App&) override {}
  void app_not_opened(App&, Status, const std::string&) override {}
  transport::Admission admit(const transport::Caller&, std::string&) override { return who; }
  std::string why_not_ready(const transport::Caller&) override { return {}; }
  GatewayFigures figures() const override {
    GatewayFigures all;
    for (const auto& engine : apps->engines()) all.engines.push_back(engine->figures());
    return all;
  }
};

struct Fixture : grid::test::Bench {
  Log log{2};
  Network network;
  std::unique_ptr<Apps> apps;
  std::unique_ptr<Web> web;

  void start() {
    open();
    apps = std::make_unique<Apps>(&loop, log, 2, static_cast<Apps::Owner&>(network));
    network.apps = apps.get();
    web = std::make_unique<Web>(&loop, *server, *apps, static_cast<WebOwner&>(network));
    server->serve(*web);
  }
  void stop() {
    web.reset();
    apps.reset();
    close();
  }
};

constexpr const char* kAsk = "GET /metrics HTTP/1.1\r\nHost: grid\r\n\r\n";

int set_up(void** state) {
  *state = new Fixture;
  return 0;
}

int tear_down(void** state) {
  delete static_cast<Fixture*>(*state);
  return 0;
}

void figures_are_told_without_an_engine_that_does_not_answer(void** state) {
  Fixture& fixture = *static_cast<Fixture*>(*state);
  fixture.start();
  RawPeer peer(fixture);
  peer.send(kAsk);
  fixture.run_until([&] { return fixture.network.kept.size() == 2; });
  fixture.web->add_figures(std::move(fixture.network.kept[0]));
  const std::string told = peer.read_until("grid_engine_inbox_letters{engine=\"2\"}");
  assert_non_null(std::strstr(told.c_str(), "HTTP/1.1 200 "));
  // What comes too late is of nobody, and the next who asks hears of all.
  fixture.web->add_figures(std::move(fixture.network.kept[1]));
  fixture.network.kept.clear();
  peer.send(kAsk);
  fixture.run_until([&] { return fixture.network.kept.size() == 2; });
  for (Letter& letter : fixture.network.kept) fixture.web->add_figures(std::move(letter));
  assert_non_null(std::strstr(peer.read_until("HTTP/1.1 200 ").c_str(), "HTTP/1.1 200 "));
  fixture.stop();
}

// SEC-1
void who_may_look_is_not_guessed_for_an_engine_that_does_not_answer(void** state) {
  Fixture& fixture = *static_cast<Fixture*>(*state);
  fixture.network.who.identity = "guest";
  fixture.start();
  RawPeer peer(fixture);
  peer.send(kAsk);
  const std::string told = peer.read_until("an engine does not answer");
  assert_non_null(std::strstr(told.c_str(), "HTTP/1.1 503 "));
  assert_null(std::strstr(told.c_str(), "grid_engine"));
  fixture.stop();
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(figures_are_told_without_an_engine_that_does_not_answer, set_up, tear_down),
      cmocka_unit_test_setup_teardown(who_may_look_is_not_guessed_for_an_engine_that_does_not_answer, set_up,
                                      tear_down),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
