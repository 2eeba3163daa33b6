// SPDX-License-Identifier: Apache-2.0
//
// The link of a chip, and addresses: a scripted connection, and a clock that the test turns.

#include <string>

#include "ports/chip/chip_link.h"
#include "tests/check.h"
#include "tests/unit/websocket/client.h"

namespace {

using namespace grid;
using namespace grid::test;
using port::ChipLink;
using transport::Arrival;

constexpr std::uint64_t kNow = 1'000'000;

// A connection whose other end is the test.
class ScriptedBoard final : public port::Board, public transport::ByteLink {
 public:
  std::uint64_t monotonic_ms() override { return 0; }
  std::uint64_t wall_ms() override { return 0; }
  void entropy(MutBytes out) override { copy(as_bytes(kSeed.substr(0, out.size())), out); }
  storage::NorDevice* flash(std::string_view) override { return nullptr; }
  Status connect(const port::ServerAddress&) override {
    is_open = connect_status == Status::ok;
    return connect_status;
  }
  transport::ByteLink& link() override { return *this; }
  const char* link_problem() const override { return problem; }
  void wait(std::uint64_t) override {}

  Result<std::size_t> read(MutBytes room) override {
    if (incoming.empty()) return is_open ? Result<std::size_t>(0) : Result<std::size_t>(Status::io);
    const std::size_t size = std::min({room.size(), incoming.size(), std::size_t{7}});
    copy(as_bytes(incoming).first(size), room);
    incoming.erase(0, size);
    return size;
  }
  Result<std::size_t> write(Bytes bytes) override {
    if (!is_open) return Status::io;
    const std::size_t size = std::min(bytes.size(), takes);
    outgoing += as_text(bytes.first(size));
    return size;
  }
  void close() override { is_open = false; }

  bool is_open = false;
  Status connect_status = Status::ok;
  const char* problem = "";
  std::string incoming, outgoing;
  std::size_t takes = 1'000;
};

struct LinkBench {
  ScriptedBoard board;
  std::uint8_t arriving[512], sending[512];
  ChipLink link{board, arriving, sending};
  port::ServerAddress address = *port::parse_server_address("ws://server.example.com");

  Arrival::Kind hear(std::string_view bytes, std::uint64_t now_ms = kNow) {
    board.incoming += bytes;
    return link.receive(now_ms).kind;
  }
  void open() {
    assert_ok(link.dial(address, "/chat", {}, kNow));
    link.flush();
    assert_int_equal(hear(kAnswer), Arrival::Kind::opened);
    board.outgoing.clear();
  }
};

void frames_come_and_go_over_a_connection_that_takes_little_at_a_time(void**) {
  LinkBench bench;
  bench.open();
  assert_int_equal(bench.hear(server_frame(0x82, "hello")), Arrival::Kind::frame);
  assert_int_equal(bench.hear(""), Arrival::Kind::none);
  bench.board.takes = 3;
  copy(as_bytes("a frame"), bench.link.room());
  bench.link.send(7);
  assert_true(bench.link.flush());
  assert_int_equal(bench.link.buffered_bytes(), 0);
  assert_string_equal(take_client_frame(bench.board.outgoing).payload.c_str(), "a frame");
}

void a_server_that_never_answers_is_given_15_seconds(void**) {
  LinkBench bench;
  assert_ok(bench.link.dial(bench.address, "/chat", {}, kNow));
  assert_int_equal(bench.hear("", kNow + ChipLink::kOpenMs - 1), Arrival::Kind::none);
  assert_int_equal(bench.link.wake_at_ms(), kNow + ChipLink::kOpenMs);
  assert_int_equal(bench.hear("", kNow + ChipLink::kOpenMs), Arrival::Kind::closed);
  assert_string_equal(bench.link.problem(), "the server has not answered within 15 s");
  assert_true(bench.link.is_down());
  assert_false(bench.board.is_open);
}

void a_silent_server_is_asked_for_a_sign_of_life_and_then_given_up(void**) {
  LinkBench bench;
  bench.open();
  assert_int_equal(bench.hear("", kNow + ChipLink::kPingMs), Arrival::Kind::none);
  bench.link.flush();
  assert_int_equal(take_client_frame(bench.board.outgoing).first, 0x89);
  assert_int_equal(bench.hear("", kNow + ChipLink::kSilenceMs), Arrival::Kind::closed);
  assert_string_equal(bench.link.problem(), "the server has been silent for 45 s");
}

void a_sign_of_life_keeps_the_link(void**) {
  LinkBench bench;
  bench.open();
  for (std::uint64_t now_ms = kNow; now_ms < kNow + 10 * ChipLink::kPingMs;) {
    now_ms += ChipLink::kPingMs;
    assert_int_equal(bench.hear("", now_ms), Arrival::Kind::none);
    bench.link.flush();
    assert_int_equal(take_client_frame(bench.board.outgoing).first, 0x89);
    assert_int_equal(bench.hear(server_frame(0x8a, ""), now_ms), Arrival::Kind::none);
  }
  assert_false(bench.link.is_down());
}

void a_connection_that_breaks_is_told_once_behind_what_had_come(void**) {
  LinkBench bench;
  bench.open();
  bench.board.is_open = false;
  bench.board.problem = "the access point is gone";
  assert_int_equal(bench.hear(server_frame(0x82, "last")), Arrival::Kind::frame);
  assert_int_equal(bench.hear(""), Arrival::Kind::closed);
  assert_string_equal(bench.link.problem(), "the access point is gone");
  assert_int_equal(bench.hear(""), Arrival::Kind::none);
}

void a_connection_that_cannot_begin_says_why(void**) {
  LinkBench bench;
  bench.board.connect_status = Status::io;
  bench.board.problem = "no route";
  assert_status(bench.link.dial(bench.address, "/chat", {}, kNow), Status::io);
  assert_string_equal(bench.link.problem(), "no route");
  assert_true(bench.link.is_down());
}

void our_goodbye_is_given_a_second(void**) {
  LinkBench bench;
  bench.open();
  bench.link.hang_up(kNow);
  bench.link.flush();
  assert_int_equal(take_client_frame(bench.board.outgoing).first, 0x88);
  assert_int_equal(bench.hear(server_frame(0x82, "too late")), Arrival::Kind::none);
  assert_false(bench.link.is_down());
  assert_int_equal(bench.hear("", kNow + ChipLink::kPartingMs), Arrival::Kind::none);
  assert_true(bench.link.is_down());
  assert_false(bench.board.is_open);
}

void the_server_s_goodbye_is_told_and_answered(void**) {
  LinkBench bench;
  bench.open();
  assert_int_equal(bench.hear(server_frame(0x88, std::string("\x03\xe8") + "night falls")), Arrival::Kind::closed);
  assert_string_equal(bench.link.problem(), "the peer closed the link: 1000 night falls");
  bench.link.flush();
  assert_int_equal(take_client_frame(bench.board.outgoing).first, 0x88);
  bench.board.is_open = false;
  assert_int_equal(bench.hear(""), Arrival::Kind::none);
  assert_true(bench.link.is_down());
}

void dialling_again_forgets_what_was_before(void**) {
  LinkBench bench;
  bench.open();
  assert_int_equal(bench.hear(server_frame(0x82, "half of it").substr(0, 5)), Arrival::Kind::none);
  bench.open();
  assert_int_equal(bench.hear(server_frame(0x82, "whole")), Arrival::Kind::frame);
}

// BND-1
void a_peer_that_never_pauses_does_not_hold_the_host(void**) {
  LinkBench bench;
  bench.open();
  for (int i = 0; i < 1'000; ++i) bench.board.incoming += server_frame(0x8a, "");
  assert_int_equal(bench.hear(server_frame(0x82, "last")), Arrival::Kind::none);
  assert_true(bench.link.has_more());
  assert_true(!bench.board.incoming.empty());
  Arrival arrival;
  while (arrival.kind == Arrival::Kind::none && bench.link.has_more()) arrival = bench.link.receive(kNow);
  assert_int_equal(arrival.kind, Arrival::Kind::frame);
  assert_int_equal(bench.hear(""), Arrival::Kind::none);
  assert_false(bench.link.has_more());
}

void addresses_are_taken_apart(void**) {
  const Result<port::ServerAddress> plain = port::parse_server_address("ws://10.0.2.2:7000/");
  assert_true(plain.ok() && plain->host == "10.0.2.2" && plain->port == 7'000 && !plain->tls);
  assert_true(plain->authority == "10.0.2.2:7000");
  const Result<port::ServerAddress> secure = port::parse_server_address("wss://gateway.local");
  assert_true(secure.ok() && secure->host == "gateway.local" && secure->port == 7'271 && secure->tls);
  const Result<port::ServerAddress> six = port::parse_server_address("ws://[fe80::1]:80");
  assert_true(six.ok() && six->host == "fe80::1" && six->port == 80 && six->authority == "[fe80::1]:80");
  for (const char* wrong : {"", "ws://", "http://a", "ws://a:", "ws://a:0", "ws://a:65536", "ws://a:1x", "ws://a b",
                            "ws://[fe80::1", "ws://[fe80::1]x", "ws://a/path", "ws://fe80::1"}) {
    assert_status(port::parse_server_address(wrong).status(), Status::invalid);
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(frames_come_and_go_over_a_connection_that_takes_little_at_a_time),
      cmocka_unit_test(a_server_that_never_answers_is_given_15_seconds),
      cmocka_unit_test(a_silent_server_is_asked_for_a_sign_of_life_and_then_given_up),
      cmocka_unit_test(a_sign_of_life_keeps_the_link),
      cmocka_unit_test(a_connection_that_breaks_is_told_once_behind_what_had_come),
      cmocka_unit_test(a_connection_that_cannot_begin_says_why),
      cmocka_unit_test(our_goodbye_is_given_a_second),
      cmocka_unit_test(the_server_s_goodbye_is_told_and_answered),
      cmocka_unit_test(dialling_again_forgets_what_was_before),
      cmocka_unit_test(a_peer_that_never_pauses_does_not_hold_the_host),
      cmocka_unit_test(addresses_are_taken_apart),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
