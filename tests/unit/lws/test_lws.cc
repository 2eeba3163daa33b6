// SPDX-License-Identifier: Apache-2.0
//
// WebSocket links over real sockets on loopback: frames of all sizes, addresses, ends.

#include <algorithm>

#include "tests/unit/lws/link_bench.h"

namespace {

using namespace grid;
using namespace grid::test;

constexpr std::size_t kFrameMax = 2 * 1'048'576;
constexpr std::size_t kSizes[] = {0, 1, 125, 126, 127, 4'095, 16'384, 65'535, 65'536, 1'000'000, kFrameMax};

Bench& bench_of(void** state) { return *static_cast<Bench*>(*state); }

void frames_of_every_size_arrive_whole_in_both_directions(void** state) {
  Bench& bench = bench_of(state);
  bench.open();
  bench.there.echoes = true;
  const LinkId link = bench.link_up();
  std::vector<Frame> sent;
  for (const std::size_t size : kSizes) {
    sent.push_back(pattern(size, static_cast<std::uint32_t>(size)));
    bench.here.send(link, sent.back());
  }

  bench.run_until([&] { return bench.here.arrived.size() == sent.size(); });

  assert_true(bench.there.arrived == sent);
  assert_true(bench.here.arrived == sent);
  assert_true(bench.here.closed.empty());
  bench.close();
}

void a_link_knows_its_path_and_numbers_are_never_used_again(void** state) {
  Bench& bench = bench_of(state);
  bench.open();
  const LinkId first = bench.link_up();
  bench.client->close(first, transport::kCloseNormal, "done");
  bench.run_until([&] { return bench.there.closed.size() == 1; });
  const LinkId second = bench.link_up();

  assert_string_equal(bench.there.paths[0].c_str(), "/v1/farm");
  assert_true(second > first);
  assert_true(bench.there.opened[1] > bench.there.opened[0]);
  bench.close();
}

void whoever_closes_hears_no_more_and_the_other_hears_the_reason(void** state) {
  Bench& bench = bench_of(state);
  bench.open();
  const LinkId link = bench.link_up();
  bench.here.send(link, pattern(1'000'000));
  bench.run_until([&] { return bench.here.outbox.empty(); });
  bench.client->close(link, transport::kCloseGoingAway, "night falls");

  bench.run_until([&] { return !bench.there.closed.empty(); });

  assert_int_equal(bench.there.arrived.size(), 1);  // What was sent before goes first.
  assert_string_equal(bench.there.reasons[0].c_str(), "the peer closed the link: 1001 night falls");
  assert_true(bench.here.closed.empty());
  bench.run_until([&] { return bench.client->link_count() == 0 && bench.server->link_count() == 0; });
  bench.close();
}

void a_server_closes_links_too(void** state) {
  Bench& bench = bench_of(state);
  bench.open();
  bench.link_up();
  bench.server->close(bench.there.opened[0], transport::kClosePolicy, "not you");

  bench.run_until([&] { return !bench.here.closed.empty(); });

  assert_string_equal(bench.here.reasons[0].c_str(), "the peer closed the link: 1008 not you");
  bench.close();
}

void many_links_work_at_once(void** state) {
  constexpr std::size_t kLinks = 200;
  Bench& bench = bench_of(state);
  bench.open({.links_max = kLinks}, {.links_max = kLinks});
  bench.there.keeps = false;
  std::vector<LinkId> links;
  for (std::size_t i = 0; i < kLinks; ++i) links.push_back(bench.connect());
  bench.run_until([&] { return bench.here.opened.size() == kLinks; });
  // One outbox serves all: which link takes which frame is of no interest here.
  for (const LinkId link : links) bench.here.send(link, pattern(5'000));

  bench.run_until([&] { return bench.there.arrived_bytes == kLinks * 5'000; });

  std::sort(bench.there.opened.begin(), bench.there.opened.end());
  assert_true(std::adjacent_find(bench.there.opened.begin(), bench.there.opened.end()) == bench.there.opened.end());
  assert_int_equal(bench.server->link_count(), kLinks);
  bench.close();
}

void a_server_beyond_its_links_answers_503(void** state) {
  Bench& bench = bench_of(state);
  bench.open({.links_max = 1});
  bench.link_up();
  bench.connect();

  bench.run_until([&] { return !bench.here.closed.empty(); });

  assert_non_null(std::strstr(bench.here.reasons[0].c_str(), "503"));
  assert_int_equal(bench.there.opened.size(), 1);
  bench.close();
}

void a_slow_reader_holds_the_writer_back(void** state) {
  constexpr std::size_t kFrames = 100;
  Bench& bench = bench_of(state);
  bench.open();
  RawPeer peer(bench);
  peer.upgrade();
  bench.run_until([&] { return bench.there.opened.size() == 1; });
  for (std::size_t i = 0; i < kFrames; ++i) bench.there.send(bench.there.opened[0], pattern(1'000'000));

  for (int turn = 0; turn < 1'000; ++turn) uv_run(&bench.loop, UV_RUN_NOWAIT);

  // What the kernel's buffers did not take is still here, as numbers of frames and not as copies.
  assert_true(bench.there.outbox.size() > kFrames / 2);
  bench.server->close(bench.there.opened[0], transport::kCloseNormal, "");
  peer.drop();
  bench.run_until([&] { return bench.server->link_count() == 0; });
  bench.close();
}

void a_slow_reader_gets_every_byte_once(void** state) {
  Bench& bench = bench_of(state);
  bench.open();
  RawPeer peer(bench);
  peer.upgrade();
  bench.run_until([&] { return bench.there.opened.size() == 1; });
  const Frame frame = pattern(kFrameMax);
  constexpr std::size_t kFrames = 10;
  for (std::size_t i = 0; i < kFrames; ++i) bench.there.send(bench.there.opened[0], frame);
  for (int turn = 0; turn < 100; ++turn) uv_run(&bench.loop, UV_RUN_NOWAIT);
  bench.run_until([&] {
    bench.there.context->want_write(bench.there.opened[0]);
    return true;
  });
  bench.there.send(bench.there.opened[0], {'e', 'n', 'd'});
  const std::string all = peer.read_until(
      "\x82\x03"
      "end");

  constexpr std::size_t kHead = 10;
  assert_int_equal(all.size(), kFrames * (kHead + frame.size()) + 5);
  for (std::size_t i = 0; i < kFrames; ++i) {
    assert_memory_equal(all.data() + i * (kHead + frame.size()) + kHead, frame.data(), frame.size());
  }
  bench.close();
}

void a_server_that_vanishes_is_noticed(void** state) {
  Bench& bench = bench_of(state);
  bench.open();
  const LinkId link = bench.link_up();
  for (int i = 0; i < 20; ++i) bench.here.send(link, pattern(kFrameMax));
  uv_run(&bench.loop, UV_RUN_NOWAIT);
  bench.server.reset();

  bench.run_until([&] { return !bench.here.closed.empty(); });

  assert_string_equal(bench.here.reasons[0].c_str(), "the connection was lost");
  bench.run_until([&] { return bench.client->link_count() == 0; });
  bench.close();
}

void nobody_listening_is_reported_with_the_address(void** state) {
  Bench& bench = bench_of(state);
  bench.open();
  const std::string url = bench.url();
  bench.server->stop_listening();
  assert_ok(bench.client->connect(url, "/v1/farm", bench.here).status());

  bench.run_until([&] { return !bench.here.closed.empty(); });

  assert_string_equal(bench.here.reasons[0].c_str(), ("cannot reach " + url + ": no server answers there").c_str());
  assert_true(bench.here.opened.empty());
  assert_int_equal(bench.client->link_count(), 0);
  bench.close();
}

void a_name_that_does_not_exist_is_reported(void** state) {
  Bench& bench = bench_of(state);
  bench.open();
  assert_ok(bench.client->connect("ws://no-such-host.invalid:7271", "/v1/farm", bench.here).status());

  bench.run_until([&] { return !bench.here.closed.empty(); });

  assert_non_null(std::strstr(bench.here.reasons[0].c_str(), "cannot reach ws://no-such-host.invalid:7271: "));
  bench.close();
}

void a_wrong_path_is_reported_as_404(void** state) {
  Bench& bench = bench_of(state);
  bench.open();
  bench.connect("/v1/elsewhere");

  bench.run_until([&] { return !bench.here.closed.empty(); });

  assert_non_null(std::strstr(bench.here.reasons[0].c_str(), "404"));
  assert_true(bench.there.opened.empty());
  bench.close();
}

void a_bad_url_is_refused_at_once(void** state) {
  Bench& bench = bench_of(state);
  bench.open();
  assert_status(bench.client->connect("http://x", "/v1/farm", bench.here).status(), Status::invalid);
  assert_string_equal(bench.client->problem(), "cannot connect to http://x: that is not ws://HOST:PORT");
  bench.close();
}

// Reads the kernel's own table: local addresses of listening sockets with our port, IPv4 and IPv6.
std::size_t listening_count(const char* table, unsigned port, std::string* address) {
  std::FILE* file = std::fopen(table, "r");
  assert_non_null(file);
  char line[512];
  std::size_t count = 0;
  while (std::fgets(line, sizeof(line), file) != nullptr) {
    char local[64];
    unsigned local_port = 0, state = 0;
    if (std::sscanf(line, " %*d: %63[0-9A-F]:%X %*[0-9A-F]:%*X %X", local, &local_port, &state) != 3) continue;
    if (local_port != port || state != 0x0A) continue;
    ++count;
    *address = local;
  }
  std::fclose(file);
  return count;
}

void a_server_listens_exactly_where_it_was_told(void** state) {
  Bench& bench = bench_of(state);
  bench.open();
  const std::string bound = bench.server->bound();
  const unsigned port = static_cast<unsigned>(std::stoi(bound.substr(bound.rfind(':') + 1)));

  std::string address;
  assert_int_equal(listening_count("/proc/net/tcp", port, &address), 1);
  assert_string_equal(address.c_str(), "0100007F");  // 127.0.0.1
  assert_int_equal(listening_count("/proc/net/tcp6", port, &address), 0);
  bench.close();
}

void an_ipv6_server_listens_on_ipv6_only(void** state) {
  Bench& bench = bench_of(state);
  bench.open();
  bench.server->stop_listening();
  if (bench.server->listen("[::1]:0", bench.there) == Status::ok) {  // Where the machine has IPv6.
    assert_non_null(std::strstr(bench.server->bound().c_str(), "[::1]:"));
    bench.link_up();
  }
  bench.close();
}

void a_port_in_use_is_reported_with_the_address(void** state) {
  Bench& bench = bench_of(state);
  bench.open();
  const std::string bound = bench.server->bound();
  assert_status(bench.client->listen(bound, bench.here), Status::io);
  assert_string_equal(bench.client->problem(), ("cannot listen on " + bound + ": Address already in use").c_str());
  assert_status(bench.client->listen("nonsense:port", bench.here), Status::invalid);
  bench.close();
}

void a_server_listens_at_several_addresses(void** state) {
  Bench& bench = bench_of(state);
  bench.open();
  assert_ok(bench.server->listen("127.0.0.2:0", bench.there));
  const std::vector<std::string> urls = bench.server->bound_urls();
  assert_int_equal(urls.size(), 2);
  assert_true(urls[1].starts_with("ws://127.0.0.2:"));
  for (const std::string& url : urls) assert_ok(bench.client->connect(url, "/v1/farm", bench.here).status());
  bench.run_until([&] { return bench.there.opened.size() == 2; });
  bench.close();
}

void a_socket_that_listens_already_is_taken_over(void** state) {
  Bench& bench = bench_of(state);
  bench.open();
  bench.server->stop_listening();
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  assert_status(bench.server->listen_on(socket, bench.there), Status::invalid);
  assert_non_null(std::strstr(bench.server->problem(), "does not listen"));
  assert_status(bench.server->listen_on(0, bench.there), Status::invalid);
  assert_non_null(std::strstr(bench.server->problem(), "is not one of TCP over IPv4 or IPv6"));
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  assert_int_equal(::bind(socket, reinterpret_cast<sockaddr*>(&at), sizeof(at)), 0);
  assert_int_equal(::listen(socket, 8), 0);
  assert_ok(bench.server->listen_on(socket, bench.there));
  bench.link_up();
  bench.close();
}

void a_context_goes_with_links_in_every_state(void** state) {
  Bench& bench = bench_of(state);
  bench.open();
  const LinkId up = bench.link_up();
  bench.here.send(up, pattern(kFrameMax));
  bench.client->close(up, transport::kCloseNormal, "");
  bench.connect();
  for (int turn = 0; turn < 3; ++turn) uv_run(&bench.loop, UV_RUN_NOWAIT);
  bench.connect();
  const LinkId given_up = bench.connect();
  bench.client->close(given_up, transport::kCloseNormal, "");
  bench.close();
}

// libwebsockets closes a descriptor of its own twice, and the number may be somebody else's by then.
void a_context_that_goes_closes_no_descriptor_but_its_own(void** state) {
  Bench& bench = bench_of(state);
  bench.open();
  std::vector<int> ours;
  uv_prepare_t prepare;
  uv_prepare_init(&bench.loop, &prepare);
  prepare.data = &ours;
  uv_prepare_start(&prepare, [](uv_prepare_t* self) {
    std::vector<int>& opened = *static_cast<std::vector<int>*>(self->data);
    while (opened.size() < 64) opened.push_back(dup(STDERR_FILENO));
  });
  bench.client.reset();
  assert_int_equal(ours.size(), 64);
  for (const int descriptor : ours) assert_int_equal(close(descriptor), 0);
  uv_close(reinterpret_cast<uv_handle_t*>(&prepare), nullptr);
  bench.close();
}

}  // namespace

int main() {
#define LWS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const CMUnitTest tests[] = {LWS_TEST(frames_of_every_size_arrive_whole_in_both_directions),
                              LWS_TEST(a_link_knows_its_path_and_numbers_are_never_used_again),
                              LWS_TEST(whoever_closes_hears_no_more_and_the_other_hears_the_reason),
                              LWS_TEST(a_server_closes_links_too),
                              LWS_TEST(many_links_work_at_once),
                              LWS_TEST(a_server_beyond_its_links_answers_503),
                              LWS_TEST(a_slow_reader_holds_the_writer_back),
                              LWS_TEST(a_slow_reader_gets_every_byte_once),
                              LWS_TEST(a_server_that_vanishes_is_noticed),
                              LWS_TEST(nobody_listening_is_reported_with_the_address),
                              LWS_TEST(a_name_that_does_not_exist_is_reported),
                              LWS_TEST(a_wrong_path_is_reported_as_404),
                              LWS_TEST(a_bad_url_is_refused_at_once),
                              LWS_TEST(a_server_listens_exactly_where_it_was_told),
                              LWS_TEST(an_ipv6_server_listens_on_ipv6_only),
                              LWS_TEST(a_port_in_use_is_reported_with_the_address),
                              LWS_TEST(a_server_listens_at_several_addresses),
                              LWS_TEST(a_socket_that_listens_already_is_taken_over),
                              LWS_TEST(a_context_that_goes_closes_no_descriptor_but_its_own),
                              LWS_TEST(a_context_goes_with_links_in_every_state)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
