// SPDX-License-Identifier: Apache-2.0
//
// What a peer may send that is not a frame of ours, byte by byte.

#include "tests/unit/lws/link_bench.h"

namespace {

using namespace grid;
using namespace grid::test;

constexpr std::uint8_t kBinary = 0x82;
constexpr std::uint8_t kBinaryBegun = 0x02;
constexpr std::uint8_t kContinued = 0x00;
constexpr std::uint8_t kLast = 0x80;
constexpr std::uint8_t kText = 0x81;
constexpr std::uint8_t kPing = 0x89;

Bench& bench_of(void** state) { return *static_cast<Bench*>(*state); }

void expect_closed_with(const std::string& answer, char high, char low, const char* reason) {
  const std::string code = {high, low};
  assert_true(answer.find(code + reason) != std::string::npos);
}

void an_oversized_frame_is_refused_at_its_head(void** state) {
  Bench& bench = bench_of(state);
  bench.open({.frame_bytes_max = 1'000});
  RawPeer peer(bench);
  peer.upgrade();
  peer.send(RawPeer::head(kBinary, std::uint64_t{1} << 40) + "x");

  expect_closed_with(peer.read_until("bytes"), 0x03, static_cast<char>(0xF1), "a frame is at most 1000 bytes");

  assert_true(bench.there.arrived.empty());
  assert_string_equal(bench.there.reasons[0].c_str(), "the peer sent a frame of more than 1000 bytes");
  bench.close();
}

void fragments_that_add_up_to_too_much_are_refused(void** state) {
  Bench& bench = bench_of(state);
  bench.open({.frame_bytes_max = 1'000});
  RawPeer peer(bench);
  peer.upgrade();
  peer.send(RawPeer::head(kBinaryBegun, 600) + std::string(600, 'a'));
  peer.send(RawPeer::head(kLast, 401) + std::string(401, 'b'));

  expect_closed_with(peer.read_until("bytes"), 0x03, static_cast<char>(0xF1), "a frame is at most 1000 bytes");

  assert_true(bench.there.arrived.empty());
  bench.close();
}

void a_client_refuses_oversized_frames_too(void** state) {
  Bench& bench = bench_of(state);
  bench.open({}, {.frame_bytes_max = 1'000});
  bench.link_up();
  bench.there.send(bench.there.opened[0], pattern(1'001));

  bench.run_until([&] { return !bench.here.closed.empty() && !bench.there.closed.empty(); });

  assert_string_equal(bench.there.reasons[0].c_str(), "the peer closed the link: 1009 a frame is at most 1000 bytes");
  bench.close();
}

void a_frame_of_exactly_the_limit_passes(void** state) {
  Bench& bench = bench_of(state);
  bench.open({.frame_bytes_max = 1'000});
  RawPeer peer(bench);
  peer.upgrade();
  peer.send(RawPeer::head(kBinary, 1'000) + std::string(1'000, 'a'));

  bench.run_until([&] { return bench.there.arrived.size() == 1; });

  assert_int_equal(bench.there.arrived[0].size(), 1'000);
  bench.close();
}

void fragments_become_one_frame_with_pings_between_them(void** state) {
  Bench& bench = bench_of(state);
  bench.open();
  RawPeer peer(bench);
  peer.upgrade();
  peer.send(RawPeer::head(kBinaryBegun, 3) + "one");
  peer.send(RawPeer::head(kPing, 2) + "hi");
  peer.send(RawPeer::head(kContinued, 3) + "two");
  peer.send(RawPeer::head(kContinued, 0));
  peer.send(RawPeer::head(kLast, 5) + "three");

  bench.run_until([&] { return bench.there.arrived.size() == 1; });

  assert_string_equal(std::string(bench.there.arrived[0].begin(), bench.there.arrived[0].end()).c_str(), "onetwothree");
  assert_true(peer.read_until("hi").find("hi") != std::string::npos);  // The pong.
  bench.close();
}

void a_frame_that_trickles_arrives_whole(void** state) {
  Bench& bench = bench_of(state);
  bench.open();
  RawPeer peer(bench);
  peer.upgrade();
  const std::string payload(300, 'z');
  for (const char byte : RawPeer::head(kBinary, payload.size()) + payload) peer.send({&byte, 1});

  bench.run_until([&] { return bench.there.arrived.size() == 1; });

  assert_int_equal(bench.there.arrived[0].size(), payload.size());
  bench.close();
}

void a_text_frame_is_refused(void** state) {
  Bench& bench = bench_of(state);
  bench.open();
  RawPeer peer(bench);
  peer.upgrade();
  peer.send(RawPeer::head(kText, 5) + "hello");

  expect_closed_with(peer.read_until("here"), 0x03, static_cast<char>(0xEB), "text frames are not spoken here");

  assert_true(bench.there.arrived.empty());
  assert_string_equal(bench.there.reasons[0].c_str(), "the peer sent a text frame");
  bench.close();
}

void a_peer_that_vanishes_in_mid_frame_leaves_nothing(void** state) {
  Bench& bench = bench_of(state);
  bench.open();
  RawPeer peer(bench);
  peer.upgrade();
  peer.send(RawPeer::head(kBinary, 100'000) + std::string(50'000, 'a'));
  peer.drop();

  bench.run_until([&] { return bench.there.closed.size() == 1; });

  assert_true(bench.there.arrived.empty());
  assert_string_equal(bench.there.reasons[0].c_str(), "the connection was lost");
  bench.run_until([&] { return bench.server->link_count() == 0; });
  bench.close();
}

void nonsense_costs_the_peer_its_link_only(void** state) {
  Bench& bench = bench_of(state);
  bench.open();
  const LinkId link = bench.link_up();
  std::uint32_t seed = 7'271;
  for (int round = 0; round < 50; ++round) {
    RawPeer peer(bench);
    if (round % 2 == 0) peer.upgrade();
    const Frame noise = pattern(2'000, seed += 17);
    peer.send(as_text(noise));
    peer.drop();
  }
  bench.run_until([&] { return bench.server->link_count() == 1; });
  bench.there.arrived.clear();

  bench.here.send(link, pattern(10));
  bench.run_until([&] { return bench.there.arrived.size() == 1; });
  bench.close();
}

// Real seconds, as libwebsockets counts them; all three peers wait at once.
void peers_that_say_nothing_are_dropped(void** state) {
  Bench& bench = bench_of(state);
  bench.open({.ping_after_s = 1, .hangup_after_s = 2, .handshake_s = 1});
  RawPeer silent(bench);
  RawPeer slow(bench);
  slow.send("GET /v1/farm HTTP/1.1\r\nHost:");
  RawPeer deaf(bench);  // Does not answer pings.
  deaf.upgrade();

  bench.run_until([&] { return bench.server->link_count() == 1; });
  bench.run_until([&] { return !bench.there.closed.empty(); });

  assert_int_equal(bench.there.closed.size(), 1);
  bench.run_until([&] { return bench.server->link_count() == 0; });
  bench.close();
}

void a_peer_that_answers_pings_stays(void** state) {
  Bench& bench = bench_of(state);
  bench.open({.ping_after_s = 1, .hangup_after_s = 2}, {.ping_after_s = 60, .hangup_after_s = 90});
  const LinkId link = bench.link_up();
  RawPeer deaf(bench);
  deaf.upgrade();

  // By the time when the deaf one is given up, the other one would have been, too.
  bench.run_until([&] { return bench.there.closed.size() == 1; });
  bench.here.send(link, pattern(10));
  bench.run_until([&] { return bench.there.arrived.size() == 1; });
  bench.close();
}

void health_is_answered_and_other_pages_are_not_there(void** state) {
  Bench& bench = bench_of(state);
  bench.open();
  RawPeer healthy(bench);
  assert_true(healthy.get("/healthz", "ok\n").find("HTTP/1.1 200") == 0);
  RawPeer lost(bench);
  assert_true(lost.get("/other", "\r\n\r\n").find("HTTP/1.1 404") == 0);
  RawPeer astray(bench);
  assert_true(astray.upgrade("/v2/farm").find("404 Not Found") != std::string::npos);
  bench.close();
}

}  // namespace

int main() {
#define LWS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const CMUnitTest tests[] = {LWS_TEST(an_oversized_frame_is_refused_at_its_head),
                              LWS_TEST(fragments_that_add_up_to_too_much_are_refused),
                              LWS_TEST(a_client_refuses_oversized_frames_too),
                              LWS_TEST(a_frame_of_exactly_the_limit_passes),
                              LWS_TEST(fragments_become_one_frame_with_pings_between_them),
                              LWS_TEST(a_frame_that_trickles_arrives_whole),
                              LWS_TEST(a_text_frame_is_refused),
                              LWS_TEST(a_peer_that_vanishes_in_mid_frame_leaves_nothing),
                              LWS_TEST(nonsense_costs_the_peer_its_link_only),
                              LWS_TEST(peers_that_say_nothing_are_dropped),
                              LWS_TEST(a_peer_that_answers_pings_stays),
                              LWS_TEST(health_is_answered_and_other_pages_are_not_there)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
