// SPDX-License-Identifier: Apache-2.0
//
// How a WebSocket opens, and what a server may answer instead.

#include <array>

#include "tests/unit/websocket/client.h"
#include "transport/websocket/sha1.h"

namespace {

using namespace grid;
using namespace grid::test;

std::string digest(std::string_view text) { return hex(transport::sha1(as_bytes(text))); }

// FIPS 180-4's examples, and lengths around the end of a block.
void sha1_is_that_of_the_standard(void**) {
  assert_string_equal(digest("abc").c_str(), "a9993e364706816aba3e25717850c26c9cd0d89d");
  assert_string_equal(digest("").c_str(), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  assert_string_equal(digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq").c_str(),
                      "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
  assert_string_equal(digest(std::string(1'000'000, 'a')).c_str(), "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
  assert_string_equal(digest(std::string(55, 'a')).c_str(), "c1c8bbdc22796e28c0e15163d20899b65621d65a");
  assert_string_equal(digest(std::string(64, 'a')).c_str(), "0098ba824b5c16427bd7a1122a5a442a25ec644d");
}

void the_example_of_the_rfc_opens(void**) {
  Client client;
  assert_ok(client.open());
  assert_string_equal(client.flush().c_str(),
                      "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  assert_true(client.socket.room().empty());

  client.hear(kAnswer);

  assert_string_equal(client.story.c_str(), "opened\n");
  assert_true(client.socket.is_open() && !client.socket.is_over());
  assert_int_equal(client.socket.room().size(), 512 - 8);
}

void a_token_that_is_given_is_shown(void**) {
  constexpr std::array<std::uint8_t, transport::Handshake::kNonceBytes> kNonce{};
  std::array<std::uint8_t, 512> room{};
  transport::Handshake handshake;
  const auto ask = [&](std::string_view token) {
    return handshake.ask({.host = "gateway", .path = "/v1/farm", .token = token}, kNonce, room);
  };
  assert_true(as_text(*ask("grid_abc")).ends_with("==\r\nAuthorization: Bearer grid_abc\r\n\r\n"));
  assert_true(as_text(*ask({})).find("Authorization") == std::string_view::npos);
  for (const char* token : {"a b", "a\r\nHost: evil", "\xc3\xa4", " "})
    assert_status(ask(token).status(), Status::invalid);
  assert_status(ask(std::string(400, 'x')).status(), Status::too_large);
}

void names_and_blanks_of_headers_are_taken_as_http_means_them(void**) {
  for (const char* answer :
       {"HTTP/1.1 101\r\nUPGRADE:WebSocket\r\nconnection: keep-alive, Upgrade\r\n"
        "sec-websocket-accept:\t s3pPLMBiTxaQ9kYGzzhZRbK+xOo= \r\n\r\n",
        "HTTP/1.1 101 X\r\nServer: x\r\nX-Empty:\r\nConnection: Upgrade\r\nConnection: keep-alive\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"}) {
    Client client;
    assert_ok(client.open());
    client.hear(answer);
    assert_string_equal(client.story.c_str(), "opened\n");
  }
}

void a_header_that_is_longer_than_the_memory_is_passed_over(void**) {
  Client client(256, 256);
  assert_ok(client.open());
  client.hear("HTTP/1.1 101 Switching Protocols\r\nSet-Cookie: " + std::string(5'000, 'x') + "\r\n");
  client.hear(kAnswer.substr(kAnswer.find("Upgrade")));
  assert_string_equal(client.story.c_str(), "opened\n");
}

constexpr char kUpgrade[] = "Upgrade: websocket\r\n", kConnection[] = "Connection: Upgrade\r\n",
               kAccept[] = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

void refuses(const std::string& answer, Status status, const char* sentence) {
  Client client;
  assert_ok(client.open());
  client.hear(answer);
  assert_string_equal(client.story.c_str(),
                      (std::string("closed ") + name_of(status) + ": " + sentence + "\n").c_str());
  assert_true(client.socket.is_over());
  assert_true(client.socket.outgoing().empty());
}

void another_answer_is_named(void**) {
  refuses("HTTP/1.1 404 Not Found\r\n", Status::not_found, "the server answers 404 Not Found");
  refuses("HTTP/1.0 404\r\n", Status::not_found, "the server answers 404");
  refuses("HTTP/1.1 401\r\n", Status::denied, "the server answers 401");
  refuses("HTTP/1.1 403 No\r\n", Status::denied, "the server answers 403 No");
  refuses("HTTP/1.1 503 Service Unavailable\r\n", Status::busy, "the server answers 503 Service Unavailable");
  refuses("HTTP/1.1 429 Slow\x1b[31m\r\n", Status::busy, "the server answers 429 Slow?[31m");
  refuses("HTTP/1.1 301 Moved\r\n", Status::io, "the server answers 301 Moved");
  refuses("HTTP/1.1 200 OK\r\n", Status::io, "the server answers 200 OK");
  refuses("HTTP/1.1 500 " + std::string(300, 'x') + "\r\n", Status::io,
          ("the server answers 500 " + std::string(159 - 23, 'x')).c_str());
}

void what_is_no_http_is_named(void**) {
  const char* const kNoHttp = "the server does not speak HTTP/1.1";
  for (const char* line :
       {"SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.0 101 X\r\n", "HTTP/2 101\r\n", "HTTP/1.1 1010 X\r\n", "HTTP/1.1 10 X\r\n",
        "HTTP/1.1 -01\r\n", "HTTP/1.1 099 X\r\n", "HTTP/1.1 \r\n", "HTTP/1.\r\n", "HTTP/1.2 404 X\r\n", "\r\n"}) {
    refuses(line, Status::corrupt, kNoHttp);
  }
  const char* const kNoCr = "the server does not speak HTTP: a line ends without CR";
  refuses("\n", Status::corrupt, kNoCr);
  refuses("HTTP/1.1 101 X\n", Status::corrupt, kNoCr);
  const char* const kNoName = "the server does not speak HTTP: a header is without a name";
  for (const char* header : {"no colon\r\n", ": x\r\n", " folded: x\r\n", "\tfolded\r\n"}) {
    refuses(std::string("HTTP/1.1 101 X\r\n") + header, Status::corrupt, kNoName);
  }
}

void an_answer_that_is_none_to_the_question_is_refused(void**) {
  const std::string start = "HTTP/1.1 101 X\r\n";
  refuses(start + kConnection + kAccept + "\r\n", Status::corrupt, "the server's answer is without Upgrade: websocket");
  refuses(start + "Upgrade: h2c\r\n" + kConnection + kAccept + "\r\n", Status::corrupt,
          "the server's answer is without Upgrade: websocket");
  refuses(start + kUpgrade + "Connection: close, Upgraded\r\n" + kAccept + "\r\n", Status::corrupt,
          "the server's answer is without Connection: Upgrade");
  refuses(start + kUpgrade + kConnection + "\r\n", Status::corrupt,
          "the server's answer is without Sec-WebSocket-Accept");
  const char* const kWrong = "the server's Sec-WebSocket-Accept does not answer the key";
  refuses(start + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo\r\n", Status::corrupt, kWrong);
  refuses(start + "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", Status::corrupt, kWrong);
  refuses(start + kAccept + kAccept, Status::corrupt, kWrong);
  refuses(start + "Sec-WebSocket-Extensions: permessage-deflate\r\n", Status::corrupt,
          "the server wants what was not asked for: Sec-WebSocket-Extensions: permessage-deflate");
  refuses(start + "Sec-WebSocket-Protocol: mqtt\r\n", Status::corrupt,
          "the server wants what was not asked for: Sec-WebSocket-Protocol: mqtt");
}

void an_answer_without_an_end_is_given_up(void**) {
  Client client;
  assert_ok(client.open());
  client.hear("HTTP/1.1 101 X\r\nX: ");
  for (int i = 0; i < 10; ++i) client.hear(std::string(1'000, 'x'));
  assert_string_equal(client.story.c_str(),
                      "closed too_large: the server's answer has a head of more than 8192 bytes\n");
}

void a_request_that_could_say_something_else_is_not_sent(void**) {
  Client client;
  const std::span<const std::uint8_t, WebSocket::kSeedBytes> seed(as_bytes(kSeed));
  assert_status(client.socket.open({.host = "", .path = "/"}, seed), Status::invalid);
  assert_status(client.socket.open({.host = "a\r\nX: y", .path = "/"}, seed), Status::invalid);
  assert_status(client.socket.open({.host = "a", .path = ""}, seed), Status::invalid);
  assert_status(client.socket.open({.host = "a", .path = "v1"}, seed), Status::invalid);
  assert_status(client.socket.open({.host = "a", .path = "/v1 HTTP/1.1\r\n"}, seed), Status::invalid);
  const std::string long_path = "/" + std::string(512, 'x');
  assert_status(client.socket.open({.host = "a", .path = long_path}, seed), Status::too_large);
  assert_true(client.socket.is_over() && client.socket.outgoing().empty());
  assert_ok(client.open());
}

void a_link_that_is_opened_again_knows_nothing_of_before(void**) {
  Client client;
  client.open_up();
  client.send("half of this goes");
  client.socket.sent(3);
  client.hear(server_frame(0x02, "a fragment") + std::string("\x82", 1));

  client.open_up();

  client.hear(server_frame(0x82, "whole"));
  assert_string_equal(client.story.c_str(), "frame whole\n");
  client.send("anew");
  std::string gone = client.flush();
  assert_string_equal(take_client_frame(gone).payload.c_str(), "anew");
}

void a_connection_that_is_lost_says_when(void**) {
  Client client;
  assert_ok(client.open());
  client.socket.lost();
  assert_status(client.socket.status(), Status::io);
  assert_string_equal(client.socket.problem(), "the connection was lost before the server answered");
  client.open_up();
  client.send("on its way");
  client.socket.lost();
  assert_string_equal(client.socket.problem(), "the connection was lost");
  assert_true(client.socket.is_over() && client.socket.outgoing().empty() && client.socket.room().empty());
  client.hear("whatever");
  assert_string_equal(client.story.c_str(), "");
}

void whoever_gives_up_while_it_opens_has_asked_for_it(void**) {
  Client client;
  assert_ok(client.open());
  client.socket.close(1'000, "never mind");
  assert_true(client.socket.is_over() && client.socket.outgoing().empty());
  assert_ok(client.socket.status());
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(sha1_is_that_of_the_standard),
      cmocka_unit_test(the_example_of_the_rfc_opens),
      cmocka_unit_test(a_token_that_is_given_is_shown),
      cmocka_unit_test(names_and_blanks_of_headers_are_taken_as_http_means_them),
      cmocka_unit_test(a_header_that_is_longer_than_the_memory_is_passed_over),
      cmocka_unit_test(another_answer_is_named),
      cmocka_unit_test(what_is_no_http_is_named),
      cmocka_unit_test(an_answer_that_is_none_to_the_question_is_refused),
      cmocka_unit_test(an_answer_without_an_end_is_given_up),
      cmocka_unit_test(a_request_that_could_say_something_else_is_not_sent),
      cmocka_unit_test(a_link_that_is_opened_again_knows_nothing_of_before),
      cmocka_unit_test(a_connection_that_is_lost_says_when),
      cmocka_unit_test(whoever_gives_up_while_it_opens_has_asked_for_it),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
