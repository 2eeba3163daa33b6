// SPDX-License-Identifier: Apache-2.0
//
// Requests by HTTP on the port of the links: heads, bodies in pieces both ways, and what ends an exchange.

#include "tests/unit/lws/link_bench.h"

namespace {

using namespace grid;
using namespace grid::test;
using transport::ExchangeId;
using transport::HttpRequest;
using transport::Method;

// Answers by path: /echo what was sent, /stream what is put into `pieces`, /later when the test says so.
class Pages final : public transport::HttpListener {
 public:
  void on_request(ExchangeId exchange, const HttpRequest& request) override {
    exchanges.push_back(exchange);
    methods.push_back(request.method);
    head = request.caller.address;
    for (const std::string_view text : {request.caller.bearer, request.accept, request.content_type, request.range}) {
      head.append("|").append(text);
    }
    for (const auto& [name, value] : request.query) head.append("|").append(name).append("=").append(value);
    paths.emplace_back(request.path);
    body_bytes = request.body_bytes;
    if (request.path == "/no") context->answer(exchange, {.status = 403, .body = "not for you\n"});
    if (request.path == "/hold") context->hold_body(exchange, true);
  }
  void on_body(ExchangeId, Bytes piece) override { body += as_text(piece), ++body_pieces; }
  void on_body_end(ExchangeId exchange) override {
    const std::string& path = paths.back();
    if (path == "/echo") context->answer(exchange, {.status = 201, .headers = {{"etag", "\"7\""}}, .body = body});
    if (path == "/stream") context->answer(exchange, {.content_type = "application/x-ndjson", .is_streamed = true});
    if (path == "/sized") context->answer(exchange, {.is_streamed = true, .size = sized});
    if (path == "/secret") context->answer(exchange, {.status = transport::kUnauthorized, .body = "who are you?\n"});
    if (path == "/nothing") context->answer(exchange, {.status = 404, .body = "no\n"});
    ++ended_bodies;
  }
  std::optional<std::size_t> on_answer_room(ExchangeId, MutBytes room) override {
    ++rooms;
    if (pieces.empty()) return is_over ? std::optional<std::size_t>(0) : std::nullopt;
    const std::string piece = pieces.front();
    pieces.pop_front();
    assert_true(piece.size() <= room.size());
    copy(as_bytes(piece), room);
    return piece.size();
  }
  void on_exchange_end(ExchangeId exchange, bool is_whole) override {
    assert_true(exchange == exchanges.back());
    ends.push_back(is_whole);
  }

  LwsContext* context = nullptr;
  std::vector<ExchangeId> exchanges;
  std::vector<Method> methods;
  std::vector<std::string> paths;
  std::vector<bool> ends;
  std::string head, body;
  std::uint64_t body_bytes = 0, sized = 0;
  int body_pieces = 0, ended_bodies = 0, rooms = 0;
  std::deque<std::string> pieces;
  bool is_over = false;
};

struct Site : Bench {
  Pages pages;

  void open_pages(const LwsOptions& options = {}) {
    open(options);
    pages.context = server.get();
    server->serve(pages);
  }
};

int set_up_site(void** state) {
  *state = new Site;
  return 0;
}

int tear_down_site(void** state) {
  delete static_cast<Site*>(*state);
  return 0;
}

Site& site_of(void** state) { return *static_cast<Site*>(*state); }

void expect_in(const std::string& text, std::string_view part) {
  if (text.find(part) == std::string::npos) fail_msg("'%s' has no '%s'", text.c_str(), std::string(part).c_str());
}

std::string ask(RawPeer& peer, const std::string& head, std::string_view until, const std::string& body = {}) {
  peer.send(head + "\r\n\r\n" + body);
  return peer.read_until(until);
}

void a_request_comes_with_what_matters_of_its_head(void** state) {
  Site& site = site_of(state);
  site.open_pages();
  RawPeer peer(site);
  const std::string answer = ask(peer,
                                 "GET /nothing?after=a%26b%3Dc&limit=10&flag HTTP/1.1\r\nHost: grid\r\n"
                                 "Authorization: Bearer tok\r\nAccept: text/plain\r\nRange: bytes=5-",
                                 "no\n");
  expect_in(answer, "HTTP/1.1 404 Not Found\r\n");
  expect_in(answer, "content-type: text/plain; charset=utf-8\r\n");
  expect_in(answer, "content-length: 3\r\n");
  assert_string_equal(site.pages.head.c_str(), "127.0.0.1|tok|text/plain||bytes=5-|after=a&b=c|limit=10|flag=");
  assert_int_equal(site.pages.body_bytes, 0);
  site.close();
}

void a_connection_is_kept_for_the_next_request(void** state) {
  Site& site = site_of(state);
  site.open_pages();
  RawPeer peer(site);
  for (int i = 0; i < 3; ++i) {
    site.pages.body.clear();
    const std::string body = "body " + std::to_string(i);
    const std::string answer =
        ask(peer, "POST /echo HTTP/1.1\r\nContent-Type: text/x\r\nContent-Length: 6", body, body);
    expect_in(answer, "HTTP/1.1 201 ");
    expect_in(answer, "etag: \"7\"\r\n");
  }
  assert_int_equal(site.pages.exchanges.size(), 3);
  assert_true(site.pages.exchanges[0] != site.pages.exchanges[1]);
  assert_true(site.pages.ends == std::vector<bool>({true, true, true}));
  assert_int_equal(site.server->counts().strangers, 0);
  assert_int_equal(site.server->counts().requests, 3);
  site.close();
}

void requests_that_come_at_once_are_answered_one_by_one(void** state) {
  Site& site = site_of(state);
  site.open_pages();
  RawPeer peer(site);
  const std::string one = "GET /nothing HTTP/1.1\r\nHost: grid\r\n\r\n";
  peer.send(one + one + "GET /healthz HTTP/1.1\r\nHost: grid\r\n\r\n" + one + "GET /echo HTTP/1.1\r\n\r\n");
  const std::string answers = peer.read_until("HTTP/1.1 201");
  std::size_t count = 0;
  for (std::size_t at = 0; (at = answers.find("HTTP/1.1 404", at)) != std::string::npos; ++at) ++count;
  assert_int_equal(count, 3);
  expect_in(answers, "HTTP/1.1 200 OK");
  site.close();
}

void a_large_body_comes_in_pieces(void** state) {
  Site& site = site_of(state);
  site.open_pages();
  RawPeer peer(site);
  const Frame noise = pattern(3'000'000);
  peer.send("PUT /echo HTTP/1.1\r\nContent-Length: 3000000\r\n\r\n");
  peer.send(as_text(noise));
  site.run_until([&] { return site.pages.ended_bodies == 1; });
  assert_true(site.pages.body == as_text(noise));
  assert_true(site.pages.body_pieces >= 3'000'000 / 16'384);
  const std::string answer = peer.read_until(as_text(noise).substr(2'999'000));
  expect_in(answer, as_text(noise));
  site.close();
}

void a_body_that_is_held_does_not_come(void** state) {
  Site& site = site_of(state);
  site.open_pages();
  RawPeer peer(site);
  peer.send("POST /hold HTTP/1.1\r\nContent-Length: 2000000\r\n\r\n");
  site.run_until([&] { return site.pages.exchanges.size() == 1; });
  int turns = 0;
  const std::string half(400'000, 'x');
  site.run_until([&] { return peer.try_send(half) == 0 || ++turns > 2'000; });
  const std::size_t before = site.pages.body.size();
  assert_true(before <= 16 * 1'024);
  site.server->hold_body(site.pages.exchanges[0], false);
  site.run_until([&] { return site.pages.body.size() > before; });
  site.close();
}

void an_answer_without_a_known_size_goes_in_chunks(void** state) {
  Site& site = site_of(state);
  site.open_pages();
  RawPeer peer(site);
  site.pages.pieces = {"first\n"};
  std::string answer = ask(peer, "GET /stream HTTP/1.1\r\nHost: grid", "first\n");
  expect_in(answer, "transfer-encoding: chunked\r\n");
  expect_in(answer, "content-type: application/x-ndjson\r\n");
  expect_in(answer, "\r\n\r\n6\r\nfirst\n");
  assert_true(site.pages.ends.empty());
  site.pages.pieces = {std::string(20, 'y')};
  site.pages.is_over = true;
  site.server->want_answer(site.pages.exchanges[0]);
  expect_in(peer.read_until("0\r\n\r\n"), "14\r\n" + std::string(20, 'y') + "\r\n0\r\n\r\n");
  assert_true(site.pages.ends == std::vector<bool>{true});
  site.close();
}

void to_http_1_0_the_end_of_the_connection_is_the_end(void** state) {
  Site& site = site_of(state);
  site.open_pages();
  RawPeer peer(site);
  site.pages.pieces = {"all of it"};
  site.pages.is_over = true;
  const std::string answer = ask(peer, "GET /stream HTTP/1.0\r\nConnection: keep-alive", "never");
  assert_true(answer.ends_with("\r\n\r\nall of it"));
  expect_in(answer, "connection: close\r\n");
  site.close();
}

void a_large_answer_goes_only_as_fast_as_it_is_taken(void** state) {
  Site& site = site_of(state);
  site.open_pages();
  RawPeer peer(site);
  for (int i = 0; i < 2'000; ++i) site.pages.pieces.emplace_back(20'000, static_cast<char>('a' + i % 26));
  site.pages.is_over = true;
  peer.send("GET /sized HTTP/1.1\r\nHost: grid\r\n\r\n");
  site.pages.sized = 40'000'000;
  int turns = 0;
  site.run_until([&] { return ++turns > 500; });
  assert_true(site.pages.pieces.size() > 1'000);  // The kernel has its buffers, and no more is made.
  const std::size_t bytes = peer.count_until([&] { return !site.pages.ends.empty(); });
  assert_true(bytes > 20'000'000);
  assert_true(site.pages.ends == std::vector<bool>{true});
  site.close();
}

void a_stream_that_falls_short_or_is_given_up_ends_its_connection(void** state) {
  Site& site = site_of(state);
  site.open_pages();
  site.pages.pieces = {"half"};
  site.pages.is_over = true;
  site.pages.sized = 100;
  RawPeer shortened(site);
  assert_true(ask(shortened, "GET /sized HTTP/1.1\r\nHost: grid", "never").ends_with("\r\n\r\nhalf"));
  site.pages.is_over = false;
  site.pages.pieces = {"half"};
  RawPeer given_up(site);
  ask(given_up, "GET /stream HTTP/1.1\r\nHost: grid", "half");
  site.server->give_up(site.pages.exchanges.back());
  assert_true(given_up.read_until("never").find("0\r\n") == std::string::npos);
  assert_true(site.pages.ends == std::vector<bool>({false, false}));
  site.close();
}

void what_was_given_up_is_not_answered_any_more(void** state) {
  Site& site = site_of(state);
  site.open_pages();
  RawPeer peer(site);
  peer.send("GET /later HTTP/1.1\r\nHost: grid\r\n\r\n");
  site.run_until([&] { return site.pages.ended_bodies == 1; });
  site.server->give_up(site.pages.exchanges[0]);
  site.server->answer(site.pages.exchanges[0], {.body = "too late\n"});
  assert_string_equal(peer.read_until("never").c_str(), "");
  assert_true(site.pages.ends == std::vector<bool>{false});
  site.close();
}

void head_gets_the_head_alone(void** state) {
  Site& site = site_of(state);
  site.open_pages();
  site.pages.body = "twelve bytes";
  RawPeer peer(site);
  const std::string answer = ask(peer, "HEAD /echo HTTP/1.1\r\nHost: grid", "\r\n\r\n");
  expect_in(answer, "content-length: 12\r\n");
  assert_true(answer.ends_with("\r\n\r\n"));
  ask(peer, "HEAD /stream HTTP/1.1\r\nHost: grid", "chunked\r\n\r\n");
  ask(peer, "HEAD /healthz HTTP/1.1\r\nHost: grid", "length: 3\r\n\r\n");
  assert_int_equal(site.pages.rooms, 0);
  assert_true(site.pages.methods == std::vector<Method>({Method::head, Method::head}));
  assert_string_equal(ask(peer, "GET /healthz HTTP/1.1\r\nConnection: close", "never").substr(0, 15).c_str(),
                      "HTTP/1.1 200 OK");
  site.close();
}

void what_is_wrong_with_a_head_is_said(void** state) {
  const struct {
    const char* head;
    const char* answer;
  } cases[] = {
      {"OPTIONS / HTTP/1.1", "HTTP/1.1 405 Method Not Allowed"},
      {"PATCH /echo HTTP/1.1\r\nContent-Length: 3", "HTTP/1.1 405 Method Not Allowed"},
      {"POST /echo HTTP/1.1\r\nHost: grid", "HTTP/1.1 411 Length Required"},
      {"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked", "HTTP/1.1 411 Length Required"},
      {"GET /echo HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked", "HTTP/1.1 411 Length Required"},
      {"POST /echo HTTP/1.1\r\nContent-Length: -5", "HTTP/1.1 400 Bad Request"},
      {"POST /echo HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6", "HTTP/1.1 400 Bad Request"},
      {"POST /echo HTTP/1.1\r\nContent-Length: 99999999999999999999", "HTTP/1.1 400 Bad Request"},
      {"POST /echo HTTP/1.1\r\nContent-Length: 1001", "HTTP/1.1 413 "},
  };
  Site& site = site_of(state);
  site.open_pages({.body_bytes_max = 1'000});
  for (const auto& [head, answer] : cases) {
    RawPeer peer(site);
    const std::string all = ask(peer, head, "never");  // Each ends with its connection.
    if (all.find(answer) != 0) fail_msg("%s: %s", head, all.c_str());
    expect_in(all, "connection: close\r\n");
  }
  assert_true(site.pages.exchanges.empty());
  site.close();
}

void who_answers_before_the_body_hears_no_more_of_it(void** state) {
  Site& site = site_of(state);
  site.open_pages();
  RawPeer peer(site);
  const std::string answer =
      ask(peer, "POST /no HTTP/1.1\r\nContent-Length: 100000", "never", std::string(50'000, 'x'));
  expect_in(answer, "HTTP/1.1 403 Forbidden\r\n");
  expect_in(answer, "not for you\n");
  assert_int_equal(site.pages.body_pieces, 0);
  assert_int_equal(site.pages.ended_bodies, 0);
  assert_true(site.pages.ends == std::vector<bool>{true});
  site.close();
}

void who_is_not_known_is_told_how_to_prove_it(void** state) {
  Site& site = site_of(state);
  site.open_pages();
  RawPeer peer(site);
  expect_in(ask(peer, "GET /secret HTTP/1.1\r\nHost: grid", "you?\n"), "www-authenticate: Bearer\r\n");
  site.close();
}

void a_body_that_dribbles_or_stops_ends_its_connection(void** state) {
  Site& site = site_of(state);
  site.open_pages({.stall_s = 1});
  RawPeer dribbling(site), other(site);
  dribbling.send("POST /echo HTTP/1.1\r\nContent-Length: 100000\r\n\r\n");
  int turns = 0;
  site.run_until([&] {
    if (++turns % 16 == 0) dribbling.send("x");
    return !site.pages.ends.empty();
  });
  assert_true(site.pages.ends == std::vector<bool>{false});
  assert_int_equal(site.pages.ended_bodies, 0);
  expect_in(ask(other, "GET /healthz HTTP/1.1\r\nHost: grid", "ok\n"), "200 OK");
  site.close();
}

void an_answer_that_nobody_takes_ends_its_connection(void** state) {
  Site& site = site_of(state);
  site.open_pages({.stall_s = 1});
  RawPeer peer(site);
  for (int i = 0; i < 2'000; ++i) site.pages.pieces.emplace_back(20'000, 'a');
  peer.send("GET /stream HTTP/1.1\r\nHost: grid\r\n\r\n");
  site.run_until([&] { return !site.pages.ends.empty(); });
  assert_true(site.pages.ends == std::vector<bool>{false});
  site.close();
}

void a_peer_that_goes_ends_its_exchange(void** state) {
  Site& site = site_of(state);
  site.open_pages();
  RawPeer peer(site);
  peer.send("POST /echo HTTP/1.1\r\nContent-Length: 100000\r\n\r\nsome");
  site.run_until([&] { return site.pages.body_pieces == 1; });
  peer.drop();
  site.run_until([&] { return !site.pages.ends.empty(); });
  assert_true(site.pages.ends == std::vector<bool>{false});
  site.server->answer(site.pages.exchanges[0], {.body = "too late"});  // Ignored.
  site.run_until([&] { return site.server->link_count() == 0; });
  site.close();
}

void a_late_answer_goes_to_its_own_request_only(void** state) {
  Site& site = site_of(state);
  site.open_pages();
  RawPeer peer(site);
  peer.send("GET /later HTTP/1.1\r\nHost: grid\r\n\r\n");
  site.run_until([&] { return site.pages.ended_bodies == 1; });
  const ExchangeId first = site.pages.exchanges[0];
  site.server->answer(first, {.body = "one\n"});
  site.server->answer(first, {.body = "two\n"});
  expect_in(peer.read_until("one\n"), "content-length: 4\r\n");
  peer.send("GET /later HTTP/1.1\r\nHost: grid\r\n\r\n");
  site.run_until([&] { return site.pages.ended_bodies == 2; });
  site.server->answer(first, {.body = "three\n"});
  site.server->answer(site.pages.exchanges[1], {.body = "four\n"});
  const std::string answer = peer.read_until("four\n");
  assert_true(answer.find("two") == std::string::npos && answer.find("three") == std::string::npos);
  site.close();
}

void a_connection_that_asks_no_more_is_let_go_of(void** state) {
  Site& site = site_of(state);
  site.open_pages({.handshake_s = 1});
  RawPeer peer(site);
  ask(peer, "GET /healthz HTTP/1.1\r\nHost: grid", "ok\n");
  assert_string_equal(peer.read_until("never").c_str(), "");
  assert_int_equal(site.server->counts().strangers, 0);
  site.close();
}

}  // namespace

int main() {
#define HTTP_TEST(name) cmocka_unit_test_setup_teardown(name, set_up_site, tear_down_site)
  const CMUnitTest tests[] = {HTTP_TEST(a_request_comes_with_what_matters_of_its_head),
                              HTTP_TEST(a_connection_is_kept_for_the_next_request),
                              HTTP_TEST(requests_that_come_at_once_are_answered_one_by_one),
                              HTTP_TEST(a_large_body_comes_in_pieces),
                              HTTP_TEST(a_body_that_is_held_does_not_come),
                              HTTP_TEST(an_answer_without_a_known_size_goes_in_chunks),
                              HTTP_TEST(to_http_1_0_the_end_of_the_connection_is_the_end),
                              HTTP_TEST(a_large_answer_goes_only_as_fast_as_it_is_taken),
                              HTTP_TEST(a_stream_that_falls_short_or_is_given_up_ends_its_connection),
                              HTTP_TEST(what_was_given_up_is_not_answered_any_more),
                              HTTP_TEST(head_gets_the_head_alone),
                              HTTP_TEST(what_is_wrong_with_a_head_is_said),
                              HTTP_TEST(who_answers_before_the_body_hears_no_more_of_it),
                              HTTP_TEST(who_is_not_known_is_told_how_to_prove_it),
                              HTTP_TEST(a_body_that_dribbles_or_stops_ends_its_connection),
                              HTTP_TEST(an_answer_that_nobody_takes_ends_its_connection),
                              HTTP_TEST(a_peer_that_goes_ends_its_exchange),
                              HTTP_TEST(a_late_answer_goes_to_its_own_request_only),
                              HTTP_TEST(a_connection_that_asks_no_more_is_let_go_of)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
