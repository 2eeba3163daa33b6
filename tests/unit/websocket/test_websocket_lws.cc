// SPDX-License-Identifier: Apache-2.0
//
// The client of chips against libwebsockets and against a gateway, over real sockets.

#include <libwebsockets.h>

#include "server/host/gateway.h"
#include "tests/contract/temporary_directory.h"
#include "tests/gateway_config.h"
#include "tests/unit/lws/link_bench.h"
#include "tests/unit/websocket/chip_end.h"
#include "transport/wire.h"

namespace {

using namespace grid;
using namespace grid::test;
using transport::WebSocket;

constexpr std::size_t kFrameMax = 2 * 1'048'576;
constexpr std::size_t kSizes[] = {0, 1, 125, 126, 127, 4'095, 65'535, 65'536, 1'000'000, kFrameMax};

Bench& bench_of(void** state) { return *static_cast<Bench*>(*state); }

std::unique_ptr<ChipEnd> chip_on(Bench& bench, std::size_t frame_bytes = 4'096, const char* path = "/v1/farm") {
  return std::make_unique<ChipEnd>(bench.server->bound(), path, frame_bytes);
}

void frames_of_every_size_go_to_libwebsockets_and_come_back(void** state) {
  Bench& bench = bench_of(state);
  bench.open();
  bench.there.echoes = true;
  auto chip = std::make_unique<ChipEnd>(bench.server->bound(), "/v1/farm", kFrameMax, 60'000);
  std::vector<Frame> sent;
  for (const std::size_t size : kSizes) sent.push_back(pattern(size, static_cast<std::uint32_t>(size)));
  chip->outbox.assign(sent.begin(), sent.end());

  bench.run_until([&] { return chip->pump() || chip->arrived.size() == sent.size(); });

  assert_string_equal(chip->socket.problem(), "");
  assert_true(bench.there.arrived == sent);
  assert_true(chip->arrived == sent);
  assert_string_equal(bench.there.paths[0].c_str(), "/v1/farm");
  bench.close();
}

void what_libwebsockets_answers_instead_is_named(void** state) {
  Bench& bench = bench_of(state);
  bench.open({.links_max = 1});
  auto lost = chip_on(bench, 512, "/v2/farm");
  bench.run_until([&] { return lost->pump(); });
  assert_status(lost->socket.status(), Status::not_found);
  assert_string_equal(lost->socket.problem(), "the server answers 404 Not Found");

  auto first = chip_on(bench);
  bench.run_until([&] { return first->pump() || first->opened == 1; });
  auto second = chip_on(bench);
  bench.run_until([&] { return second->pump(); });
  assert_status(second->socket.status(), Status::busy);
  assert_non_null(std::strstr(second->socket.problem(), "503"));
  bench.close();
}

void libwebsockets_answers_our_pings(void** state) {
  Bench& bench = bench_of(state);
  bench.open();
  auto chip = chip_on(bench);
  bench.run_until([&] { return chip->pump() || chip->opened == 1; });
  chip->socket.ping();
  bench.run_until([&] { return chip->pump() || chip->pongs == 1; });
  chip->socket.ping();
  bench.run_until([&] { return chip->pump() || chip->pongs == 2; });
  assert_true(chip->socket.is_open());
  bench.close();
}

// A link on which nothing comes is given up when a ping is not answered.
void libwebsockets_takes_our_pongs_for_signs_of_life(void** state) {
  Bench& bench = bench_of(state);
  bench.open({.ping_after_s = 1, .hangup_after_s = 2});
  auto chip = chip_on(bench);
  bench.run_until([&] { return chip->pump() || chip->pongs_sent == 3; });
  assert_true(chip->socket.is_open());
  bench.there.send(bench.there.opened[0], pattern(100));
  bench.run_until([&] { return chip->pump() || chip->arrived.size() == 1; });
  assert_true(chip->arrived[0] == pattern(100));
  bench.close();
}

void a_server_s_goodbye_is_understood_and_answered(void** state) {
  Bench& bench = bench_of(state);
  bench.open();
  auto chip = chip_on(bench);
  bench.run_until([&] { return chip->pump() || chip->opened == 1; });
  bench.server->close(bench.there.opened[0], transport::kClosePolicy, "not you");
  bench.run_until([&] { return chip->pump() && bench.server->link_count() == 0; });
  assert_string_equal(chip->socket.problem(), "the peer closed the link: 1008 not you");
  assert_int_equal(chip->socket.peer_code(), 1'008);
  bench.close();
}

void our_goodbye_is_understood_and_answered(void** state) {
  Bench& bench = bench_of(state);
  bench.open();
  auto chip = chip_on(bench);
  chip->outbox.push_back(pattern(4'000));
  bench.run_until([&] { return chip->pump() || (chip->opened == 1 && chip->outbox.empty()); });
  chip->socket.close(WebSocket::kGoingAway, "night falls");
  bench.run_until([&] { return chip->pump() && !bench.there.closed.empty(); });
  assert_string_equal(bench.there.reasons[0].c_str(), "the peer closed the link: 1001 night falls");
  assert_int_equal(bench.there.arrived.size(), 1);
  assert_ok(chip->socket.status());
  bench.close();
}

void a_frame_past_either_limit_ends_the_link_and_both_know_why(void** state) {
  Bench& bench = bench_of(state);
  bench.open({.frame_bytes_max = 10'000});
  auto chip = std::make_unique<ChipEnd>(bench.server->bound(), "/v1/farm", 20'000);
  chip->outbox.push_back(pattern(10'001));
  bench.run_until([&] { return chip->pump(); });
  assert_string_equal(chip->socket.problem(), "the peer closed the link: 1009 a frame is at most 10000 bytes");

  auto small = chip_on(bench, 1'000);
  bench.run_until([&] { return small->pump() || small->opened == 1; });
  bench.there.send(bench.there.opened.back(), pattern(1'001));
  bench.run_until([&] { return small->pump() && bench.there.closed.size() == 2; });
  assert_status(small->socket.status(), Status::too_large);
  assert_string_equal(bench.there.reasons[1].c_str(),
                      "the peer closed the link: 1009 the peer sent a message of more than 1000 bytes");
  bench.close();
}

void a_server_that_is_gone_is_a_lost_connection(void** state) {
  Bench& bench = bench_of(state);
  bench.open();
  auto chip = chip_on(bench);
  bench.run_until([&] { return chip->pump() || chip->opened == 1; });
  bench.server.reset();
  bench.run_until([&] { return chip->pump(); });
  assert_status(chip->socket.status(), Status::io);
  bench.close();
}

// ---- a server that sends every message in fragments, with a ping between them

constexpr std::size_t kFragmentBytes = 700;

struct Echo {
  std::vector<std::uint8_t> message;
  std::size_t sent = 0;
  bool is_whole = false, was_pinged = false;
};

int on_echo(lws* wsi, lws_callback_reasons event, void*, void* bytes, std::size_t size) {
  auto* echo = static_cast<Echo*>(lws_context_user(lws_get_context(wsi)));
  const auto* from = static_cast<const std::uint8_t*>(bytes);
  if (event == LWS_CALLBACK_RECEIVE) {
    echo->message.insert(echo->message.end(), from, from + size);
    echo->is_whole = lws_is_final_fragment(wsi) != 0 && lws_remaining_packet_payload(wsi) == 0;
    if (echo->is_whole) lws_callback_on_writable(wsi);
  }
  if (event != LWS_CALLBACK_SERVER_WRITEABLE || !echo->is_whole) return 0;
  std::uint8_t room[LWS_PRE + kFragmentBytes];
  if (echo->sent != 0 && !std::exchange(echo->was_pinged, true)) {
    lws_write(wsi, room + LWS_PRE, 0, LWS_WRITE_PING);
  } else {
    const std::size_t size_now = std::min(kFragmentBytes, echo->message.size() - echo->sent);
    std::memcpy(room + LWS_PRE, echo->message.data() + echo->sent, size_now);
    const int start = echo->sent == 0 ? LWS_WRITE_BINARY : LWS_WRITE_CONTINUATION;
    echo->sent += size_now;
    const bool is_last = echo->sent == echo->message.size();
    lws_write(wsi, room + LWS_PRE, size_now,
              static_cast<lws_write_protocol>(is_last ? start : start | LWS_WRITE_NO_FIN));
    if (is_last) {
      *echo = {};
      return 0;
    }
  }
  lws_callback_on_writable(wsi);
  return 0;
}

void fragments_of_libwebsockets_become_one_frame(void**) {
  Echo echo;
  lws_set_log_level(0, nullptr);
  const lws_protocols protocols[] = {{"echo", on_echo, 0, 4'096, 0, nullptr, 0}, {}};
  lws_context_creation_info info{};
  info.port = 0;
  info.iface = "lo";
  info.options = LWS_SERVER_OPTION_DISABLE_IPV6;
  info.protocols = protocols;
  info.user = &echo;
  info.uid = info.gid = -1;
  lws_context* context = lws_create_context(&info);
  assert_non_null(context);
  const int port = lws_get_vhost_listen_port(lws_get_vhost_by_name(context, "default"));
  auto chip = std::make_unique<ChipEnd>("127.0.0.1:" + std::to_string(port), "/", 100'000);
  std::vector<Frame> sent;
  for (const std::size_t size : {699u, 700u, 701u, 1'400u, 99'999u, 100'000u}) {
    sent.push_back(pattern(size));
    chip->outbox.push_back(pattern(size));
    for (int turn = 0; turn < 100'000 && chip->arrived.size() < sent.size() && !chip->pump(); ++turn) {
      lws_service(context, -1);
    }
  }
  assert_string_equal(chip->socket.problem(), "");
  assert_true(chip->arrived == sent);
  assert_true(chip->pongs_sent >= 4);
  chip.reset();
  lws_context_destroy(context);
}

// ---- a gateway

void a_gateway_welcomes_who_says_hello_over_it(void**) {
  TemporaryDirectory directory;
  uv_loop_t loop;
  uv_loop_init(&loop);
  auto gateway = std::make_unique<server::Gateway>(&loop);
  assert_ok(gateway->open(grid::test::gateway_config("127.0.0.1:0", directory.path())));
  auto chip = std::make_unique<ChipEnd>(gateway->bound(), "/v1/farm", 1'024, 7);
  grid_Hello hello = grid_Hello_init_default;
  hello.protocol_min = hello.protocol_max = 1;
  std::strcpy(hello.app, "farm");
  hello.node = 0x1122334455667788;
  hello.frame_bytes_max = 1'024;
  hello.value_bytes_max = 128;
  std::uint8_t room[512];
  const Bytes frame = wire::encode(hello, room);
  chip->outbox.emplace_back(frame.begin(), frame.end());
  for (int turn = 0; turn < 1'000'000 && chip->arrived.empty() && !chip->pump(); ++turn) uv_run(&loop, UV_RUN_NOWAIT);
  assert_string_equal(chip->socket.problem(), "");
  assert_int_equal(chip->arrived.size(), 1);
  grid_Welcome welcome;
  assert_ok(wire::decode(chip->arrived[0], welcome));
  assert_int_equal(welcome.protocol, 1);

  chip->socket.close(WebSocket::kNormal, "");
  for (int turn = 0; turn < 1'000'000 && !chip->pump(); ++turn) uv_run(&loop, UV_RUN_NOWAIT);
  assert_ok(chip->socket.status());
  assert_ok(gateway->stop());
  gateway.reset();
  uv_run(&loop, UV_RUN_DEFAULT);
  assert_int_equal(uv_loop_close(&loop), 0);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(frames_of_every_size_go_to_libwebsockets_and_come_back, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_libwebsockets_answers_instead_is_named, set_up, tear_down),
      cmocka_unit_test_setup_teardown(libwebsockets_answers_our_pings, set_up, tear_down),
      cmocka_unit_test_setup_teardown(libwebsockets_takes_our_pongs_for_signs_of_life, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_server_s_goodbye_is_understood_and_answered, set_up, tear_down),
      cmocka_unit_test_setup_teardown(our_goodbye_is_understood_and_answered, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_frame_past_either_limit_ends_the_link_and_both_know_why, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_server_that_is_gone_is_a_lost_connection, set_up, tear_down),
      cmocka_unit_test(fragments_of_libwebsockets_become_one_frame),
      cmocka_unit_test(a_gateway_welcomes_who_says_hello_over_it),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
