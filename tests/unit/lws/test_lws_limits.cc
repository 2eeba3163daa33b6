// SPDX-License-Identifier: Apache-2.0
//
// What a peer may take of a server: connections, time, speed, memory. Seconds are real ones, as few as can be told.

#include "tests/unit/lws/link_bench.h"

namespace {

using namespace grid;
using namespace grid::test;

constexpr std::uint8_t kBinary = 0x82;
constexpr std::uint8_t kBinaryBegun = 0x02;
constexpr std::uint8_t kContinued = 0x00;

Bench& bench_of(void** state) { return *static_cast<Bench*>(*state); }

bool heard_of(const Bench& bench, const char* trouble) {
  for (const std::string& one : bench.there.strangers) {
    if (one == std::string("127.0.0.1 ") + trouble) return true;
  }
  return false;
}

void an_address_has_so_many_connections_and_gets_its_place_back(void** state) {
  Bench& bench = bench_of(state);
  bench.open({.links_each_max = 3});
  RawPeer silent(bench), asking(bench);
  asking.get("/healthz", "ok\n");
  const LinkId link = bench.link_up();
  bench.run_until([&] { return bench.server->counts().visitors == 1; });
  RawPeer second(bench), third(bench);
  bench.run_until([&] { return bench.server->counts().turned_away == 1; });
  assert_true(heard_of(bench, "has too many connections"));
  bench.client->close(link, transport::kCloseNormal, "");
  bench.run_until([&] { return bench.server->link_count() == 0; });
  RawPeer fourth(bench);
  fourth.upgrade();
  assert_int_equal(bench.there.opened.size(), 2);
  bench.close();
}

void of_those_that_say_nothing_the_oldest_goes(void** state) {
  Bench& bench = bench_of(state);
  bench.open({.visitors_max = 2});
  RawPeer first(bench);
  bench.run_until([&] { return bench.server->counts().visitors == 1; });
  RawPeer second(bench), third(bench);
  assert_string_equal(first.read_until("never").c_str(), "");
  assert_true(heard_of(bench, "connects and says nothing"));
  assert_int_equal(bench.server->counts().visitors, 2);
  second.upgrade();
  third.upgrade();
  assert_int_equal(bench.there.opened.size(), 2);
  bench.close();
}

void a_handshake_has_one_limit_for_all_of_it(void** state) {
  Bench& bench = bench_of(state);
  bench.open({.handshake_s = 1});
  RawPeer silent(bench), slow(bench);
  slow.send("GET /v1/farm HTTP/1.1\r\nHost:");
  int sent = 0;
  bench.run_until([&] {
    if (++sent % 16 == 0) slow.send("x");  // It never rests for long.
    return bench.server->link_count() == 0 && bench.server->counts().visitors == 0;
  });
  assert_true(heard_of(bench, "connects and says nothing"));
  assert_true(heard_of(bench, "takes too long to say what it wants"));
  bench.close();
}

void a_frame_that_dribbles_ends_its_link(void** state) {
  Bench& bench = bench_of(state);
  bench.open({.stall_s = 1});
  RawPeer peer(bench), idle(bench);
  peer.upgrade();
  idle.upgrade();
  peer.send(RawPeer::head(kBinary, 100'000));
  int sent = 0;
  bench.run_until([&] {
    if (++sent % 16 == 0) peer.send("x");
    return !bench.there.closed.empty();
  });
  assert_string_equal(bench.there.reasons[0].c_str(), "the peer does not get on with what it sends");
  assert_int_equal(bench.there.closed.size(), 1);
  bench.close();
}

void a_frame_of_fragments_without_end_ends_its_link(void** state) {
  Bench& bench = bench_of(state);
  bench.open({.stall_s = 1});
  RawPeer peer(bench);
  peer.upgrade();
  peer.send(RawPeer::head(kBinaryBegun, 1) + "x");
  int sent = 0;
  bench.run_until([&] {
    if (++sent % 16 == 0) peer.send(RawPeer::head(kContinued, 0));
    return !bench.there.closed.empty();
  });
  assert_string_equal(bench.there.reasons[0].c_str(), "the peer does not get on with what it sends");
  bench.close();
}

void a_slow_frame_that_gets_on_arrives(void** state) {
  Bench& bench = bench_of(state);
  bench.open({.stall_s = 1});
  RawPeer peer(bench);
  peer.upgrade();
  constexpr std::size_t kPiece = 2'000;
  constexpr std::size_t kPieces = 12;
  peer.send(RawPeer::head(kBinary, kPieces * kPiece));
  std::size_t sent = 0;
  int turns = 0;
  bench.run_until([&] {
    if (++turns % 100 == 0 && sent++ < kPieces) peer.send(std::string(kPiece, 'a'));  // A fifth of a second.
    return bench.there.arrived_count == 1;
  });
  bench.close();
}

void a_peer_that_never_reads_costs_a_frame_and_then_its_link(void** state) {
  Bench& bench = bench_of(state);
  constexpr std::size_t kFrame = 1'000'000;
  bench.open({.frame_bytes_max = kFrame, .stall_s = 1});
  RawPeer deaf(bench);
  deaf.upgrade();
  for (int i = 0; i < 64; ++i) bench.there.send(bench.there.opened[0], pattern(kFrame));
  bench.run_until([&] { return !bench.there.closed.empty(); });
  assert_string_equal(bench.there.reasons[0].c_str(), "the peer does not take what it is sent");
  assert_true(bench.there.writable_count < 32);  // What the two sockets hold, and one frame.
  bench.close();
}

void who_is_too_fast_waits_and_loses_nothing(void** state) {
  Bench& bench = bench_of(state);
  bench.open({.frames = {.per_second = 100, .burst = 10}});
  const LinkId link = bench.link_up();
  const std::uint64_t began_ms = uv_now(&bench.loop);
  for (int i = 0; i < 60; ++i) bench.here.send(link, {static_cast<std::uint8_t>(i)});
  bool was_paused = false;
  bench.run_until([&] {
    was_paused |= bench.server->counts().paused == 1;
    return bench.there.arrived.size() == 60;
  });
  for (std::size_t i = 0; i < 60; ++i) assert_int_equal(bench.there.arrived[i][0], i);
  assert_true(was_paused);
  assert_true(uv_now(&bench.loop) - began_ms >= 400);  // Fifty behind the burst, a hundred a second.
  bench.close();
}

void bytes_are_limited_as_frames_are_and_others_do_not_wait(void** state) {
  Bench& bench = bench_of(state);
  bench.open({.bytes = {.per_second = 200'000, .burst = 50'000}});
  const LinkId greedy = bench.link_up();
  const LinkId modest = bench.link_up();
  for (int i = 0; i < 4; ++i) bench.here.send(greedy, pattern(60'000));
  bench.run_until([&] { return bench.server->counts().paused == 1; });
  const std::size_t before = bench.there.arrived.size();
  bench.here.send(modest, pattern(3));
  bench.run_until([&] { return bench.there.arrived.size() > before; });
  assert_int_equal(bench.there.arrived.back().size(), 3);
  bench.run_until([&] { return bench.there.arrived_count == 5; });
  assert_int_equal(bench.there.arrived_bytes, 4 * 60'000 + 3);
  bench.close();
}

void a_link_that_is_made_to_wait_can_be_closed(void** state) {
  Bench& bench = bench_of(state);
  bench.open({.frames = {.per_second = 1, .burst = 1}});
  const LinkId link = bench.link_up();
  for (int i = 0; i < 5; ++i) bench.here.send(link, pattern(10));
  bench.run_until([&] { return bench.server->counts().paused == 1; });
  bench.server->close(bench.there.opened[0], transport::kCloseGoingAway, "bye");
  bench.run_until([&] { return bench.here.closed.size() == 1 && bench.server->link_count() == 0; });
  assert_int_equal(bench.server->counts().paused, 0);
  bench.close();
}

void compression_is_not_agreed_to(void** state) {
  Bench& bench = bench_of(state);
  bench.open();
  RawPeer peer(bench);
  const std::string answer =
      peer.upgrade("/v1/farm", "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n");
  assert_int_equal(answer.find("HTTP/1.1 101"), 0);
  assert_true(answer.find("deflate") == std::string::npos);
  assert_true(answer.find("xtensions") == std::string::npos);
  peer.send(RawPeer::head(kBinary | 0x40, 5) + "12345");  // As if it had been.
  bench.run_until([&] { return !bench.there.closed.empty(); });
  assert_true(bench.there.arrived.empty());
  bench.close();
}

void a_head_that_is_too_large_ends_there(void** state) {
  Bench& bench = bench_of(state);
  bench.open({.header_bytes_max = 2'048});
  RawPeer fits(bench);
  assert_int_equal(fits.upgrade("/v1/farm", "Authorization: Bearer " + std::string(1'000, 'a') + "\r\n").find("HTTP"),
                   0);
  assert_int_equal(bench.there.bearers[0].size(), 1'000);
  RawPeer large(bench);
  large.upgrade("/v1/farm", "Authorization: Bearer " + std::string(4'000, 'a') + "\r\n");
  assert_int_equal(bench.there.opened.size(), 1);
  bench.run_until([&] { return bench.server->link_count() == 1; });
  bench.close();
}

}  // namespace

int main() {
#define LWS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const CMUnitTest tests[] = {LWS_TEST(an_address_has_so_many_connections_and_gets_its_place_back),
                              LWS_TEST(of_those_that_say_nothing_the_oldest_goes),
                              LWS_TEST(a_handshake_has_one_limit_for_all_of_it),
                              LWS_TEST(a_frame_that_dribbles_ends_its_link),
                              LWS_TEST(a_frame_of_fragments_without_end_ends_its_link),
                              LWS_TEST(a_slow_frame_that_gets_on_arrives),
                              LWS_TEST(a_peer_that_never_reads_costs_a_frame_and_then_its_link),
                              LWS_TEST(who_is_too_fast_waits_and_loses_nothing),
                              LWS_TEST(bytes_are_limited_as_frames_are_and_others_do_not_wait),
                              LWS_TEST(a_link_that_is_made_to_wait_can_be_closed),
                              LWS_TEST(compression_is_not_agreed_to),
                              LWS_TEST(a_head_that_is_too_large_ends_there)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
