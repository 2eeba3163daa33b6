// SPDX-License-Identifier: Apache-2.0
//
// TlsLink against a socket of this machine: what comes, what goes, what breaks, and who is let in.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include "ports/esp32/tls_link.h"
#include "tests/check.h"
#include "tests/unit/esp32/fake_idf.h"

namespace grid::test {
namespace {

struct Stage {
  port::TlsLink link;
  int door = -1;
  int peer = -1;
  std::uint16_t port = 0;
};

std::unique_ptr<Stage> stage;

void listen_here() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  stage->door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  assert_int_equal(bind(stage->door, reinterpret_cast<sockaddr*>(&address), size), 0);
  assert_int_equal(listen(stage->door, 1), 0);
  assert_int_equal(getsockname(stage->door, reinterpret_cast<sockaddr*>(&address), &size), 0);
  stage->port = ntohs(address.sin_port);
}

int setup(void**) {
  reset_idf();
  stage = std::make_unique<Stage>();
  listen_here();
  return 0;
}

int teardown(void**) {
  close(stage->door);
  if (stage->peer >= 0) close(stage->peer);
  stage.reset();
  return idf().connections;  // None may be left.
}

port::ServerAddress server(bool tls = false, std::string_view host = "127.0.0.1") {
  return {.host = host, .authority = host, .port = stage->port, .tls = tls};
}

void connect(bool tls = false) {
  assert_ok(stage->link.dial(server(tls)));
  stage->peer = accept4(stage->door, nullptr, nullptr, SOCK_CLOEXEC);
  assert_true(stage->peer >= 0);
}

// Reads until something is there, or the link is down.
Result<std::string> read_some() {
  std::uint8_t room[64];
  for (;;) {
    const Result<std::size_t> got = stage->link.read(room);
    if (!got.ok()) return got.status();
    if (*got > 0) return std::string(reinterpret_cast<char*>(room), *got);
  }
}

void assert_says(const char* words) {
  if (std::strstr(stage->link.problem(), words) == nullptr) {
    fail_msg("\"%s\" does not say \"%s\"", stage->link.problem(), words);
  }
}

void bytes_go_both_ways(void**) {
  connect();
  Result<std::size_t> taken = std::size_t{0};
  while (taken.ok() && *taken == 0) taken = stage->link.write(as_bytes("over"));
  assert_int_equal(*taken, 4);
  char heard[4];
  assert_int_equal(recv(stage->peer, heard, 4, MSG_WAITALL), 4);
  assert_memory_equal(heard, "over", 4);
  assert_int_equal(send(stage->peer, "back", 4, 0), 4);
  assert_string_equal((*read_some()).c_str(), "back");
  std::uint8_t room[4];
  assert_int_equal(*stage->link.read(room), 0);  // Nothing more, and that is no fault.
}

void what_came_is_read_before_the_end_is_told(void**) {
  connect();
  assert_int_equal(send(stage->peer, "half a fra", 10, 0), 10);
  close(stage->peer);
  stage->peer = -1;
  assert_string_equal((*read_some()).c_str(), "half a fra");
  assert_status(read_some().status(), Status::io);
  assert_says("has closed the connection");
  std::uint8_t room[4];
  assert_status(stage->link.read(room).status(), Status::io);  // So it stays.
  assert_status(stage->link.write(as_bytes("x")).status(), Status::io);
  assert_int_equal(stage->link.socket(), -1);
}

void a_full_socket_takes_what_fits_and_asks_for_room(void**) {
  connect();
  static std::uint8_t much[65'536];
  std::size_t sent = 0;
  for (;;) {
    const Result<std::size_t> taken = stage->link.write(much);
    assert_true(taken.ok());
    sent += *taken;
    if (sent > 0 && *taken == 0) break;
  }
  assert_true(stage->link.wants_room());
  static std::uint8_t drained[65'536];
  while (sent > 0) {
    const ssize_t got = recv(stage->peer, drained, std::min(sent, sizeof(drained)), 0);
    assert_true(got > 0);
    sent -= static_cast<std::size_t>(got);
  }
  assert_true(*stage->link.write(as_bytes("x")) == 1);
  assert_false(stage->link.wants_room());
}

void a_gateway_that_is_not_there_is_down_with_the_reason(void**) {
  const port::ServerAddress nobody = server();
  close(stage->door);
  stage->door = -1;
  const Status begun = stage->link.dial(nobody);
  if (begun == Status::ok) assert_status(read_some().status(), Status::io);
  assert_says("127.0.0.1: ");
  assert_int_equal(stage->link.socket(), -1);
}

void a_name_that_nobody_knows_or_that_is_too_long_is_said(void**) {
  assert_status(stage->link.dial(server(false, "nowhere.local")), Status::io);
  assert_says("nowhere.local: cannot connect");
  const std::string long_name(254, 'x');
  assert_status(stage->link.dial(server(false, long_name)), Status::invalid);
  idf().no_tls_memory = true;
  assert_status(stage->link.dial(server()), Status::io);
  assert_says("no memory");
}

void nothing_is_written_before_the_gateway_has_proven_who_it_is(void**) {
  stage->link.trust("-----BEGIN CERTIFICATE-----");
  idf().handshake_turns = 5;
  connect(true);
  int turns = 0;
  for (Result<std::size_t> taken = std::size_t{0}; *taken == 0; ++turns) {
    taken = stage->link.write(as_bytes("secret"));
    assert_true(taken.ok());
  }
  assert_true(turns >= 5);  // The first was in dial().
  assert_string_equal(idf().seen_certificate.c_str(), "-----BEGIN CERTIFICATE-----");
  assert_string_equal(idf().seen_host.c_str(), "127.0.0.1");
  char heard[6];
  assert_int_equal(recv(stage->peer, heard, 6, MSG_WAITALL), 6);
  std::uint8_t room[4];
  assert_int_equal(*stage->link.read(room), 0);
}

void a_gateway_that_cannot_prove_who_it_is_gets_nothing(void**) {
  stage->link.trust("-----BEGIN CERTIFICATE-----");
  idf().is_trusted = false;
  idf().handshake_turns = 2;
  connect(true);
  assert_status(read_some().status(), Status::io);
  assert_says("not proven");
  char heard[1];
  assert_int_equal(recv(stage->peer, heard, 1, 0), 0);
}

void without_a_certificate_there_is_no_tls(void**) {
  assert_status(stage->link.dial(server(true)), Status::invalid);
  assert_says("needs a certificate");
  assert_int_equal(idf().connections, 0);
}

void dialling_again_forgets_the_connection_before(void**) {
  connect();
  const int first = stage->peer;
  connect();
  char heard[1];
  assert_int_equal(recv(first, heard, 1, 0), 0);
  close(first);
  assert_int_equal(idf().connections, 1);
  stage->link.close();
  stage->link.close();
  assert_int_equal(idf().connections, 0);
  std::uint8_t room[1];
  assert_status(stage->link.read(room).status(), Status::io);
}

void a_thousand_connections_leave_nothing_behind(void**) {
  for (int i = 0; i < 1'000; ++i) {
    connect();
    assert_true(send(stage->peer, "x", 1, 0) == 1);
    assert_true(read_some().ok());
    close(stage->peer);
    stage->peer = -1;
    assert_status(read_some().status(), Status::io);
    assert_int_equal(idf().connections, 0);
  }
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const CMUnitTest tests[] = {
      TEST(bytes_go_both_ways),
      TEST(what_came_is_read_before_the_end_is_told),
      TEST(a_full_socket_takes_what_fits_and_asks_for_room),
      TEST(a_gateway_that_is_not_there_is_down_with_the_reason),
      TEST(a_name_that_nobody_knows_or_that_is_too_long_is_said),
      TEST(nothing_is_written_before_the_gateway_has_proven_who_it_is),
      TEST(a_gateway_that_cannot_prove_who_it_is_gets_nothing),
      TEST(without_a_certificate_there_is_no_tls),
      TEST(dialling_again_forgets_the_connection_before),
      TEST(a_thousand_connections_leave_nothing_behind),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
