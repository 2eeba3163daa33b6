// SPDX-License-Identifier: Apache-2.0
//
// Addresses as people write them, and what is refused.

#include <string>

#include "tests/check.h"
#include "transport/lws/address.h"

namespace {

using namespace grid;
using namespace grid::transport;

void expect_host_port(const char* text, const char* host, std::uint16_t port) {
  const Result<HostPort> at = parse_host_port(text);
  assert_ok(at.status());
  assert_string_equal(at->host.c_str(), host);
  assert_int_equal(at->port, port);
}

void a_host_has_a_port_or_the_default_one(void**) {
  expect_host_port("127.0.0.1:80", "127.0.0.1", 80);
  expect_host_port("localhost", "localhost", 7271);
  expect_host_port("gateway.local:0", "gateway.local", 0);
  expect_host_port("[::1]:65535", "::1", 65535);
  expect_host_port("[fe80::1%eth0]", "fe80::1%eth0", 7271);
}

void what_is_no_host_and_port_is_refused(void**) {
  for (const char* text : {"", ":80", "host:", "host:x", "host:65536", "host:-1", "host:80x", "::1", "[::1", "[::1]80",
                           "[]:80", "[host]:80", "ho st:80", "host/path", "host:80/"}) {
    assert_status(parse_host_port(text).status(), Status::invalid);
  }
}

void an_ipv6_address_is_written_in_brackets(void**) {
  assert_string_equal((HostPort{"::1", 7271}).text().c_str(), "[::1]:7271");
  assert_string_equal((HostPort{"10.0.0.1", 80}).text().c_str(), "10.0.0.1:80");
}

void a_url_names_scheme_host_and_port(void**) {
  const Result<Url> plain = parse_url("ws://127.0.0.1:7271");
  assert_ok(plain.status());
  assert_false(plain->tls);
  const Result<Url> tls = parse_url("wss://grid.example:443/");
  assert_ok(tls.status());
  assert_true(tls->tls);
  assert_string_equal(tls->text().c_str(), "wss://grid.example:443");
}

void what_is_no_url_is_refused(void**) {
  for (const char* text :
       {"", "ws://", "http://host:80", "127.0.0.1:7271", "ws://host:0", "ws://host:80/path", "ws:/host"}) {
    assert_status(parse_url(text).status(), Status::invalid);
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_host_has_a_port_or_the_default_one), cmocka_unit_test(what_is_no_host_and_port_is_refused),
      cmocka_unit_test(an_ipv6_address_is_written_in_brackets), cmocka_unit_test(a_url_names_scheme_host_and_port),
      cmocka_unit_test(what_is_no_url_is_refused)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
