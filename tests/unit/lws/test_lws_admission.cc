// SPDX-License-Identifier: Apache-2.0
//
// Who is let in: what the owner is told of a peer before its link opens, and what the peer is told in turn.

#include "tests/unit/lws/link_bench.h"

namespace {

using namespace grid;
using namespace grid::test;

Bench& bench_of(void** state) { return *static_cast<Bench*>(*state); }

void the_owner_is_told_of_the_address_and_the_token(void** state) {
  Bench& bench = bench_of(state);
  bench.open();
  RawPeer peer(bench);
  peer.upgrade("/v1/farm", "Authorization: Bearer abc.def.ghi\r\n");
  RawPeer other(bench);
  other.upgrade("/v1/farm", "authorization: bEARER  xyz\r\n");
  RawPeer basic(bench);
  basic.upgrade("/v1/farm", "Authorization: Basic dXNlcjpwYXNz\r\n");
  RawPeer none(bench);
  none.upgrade();

  assert_int_equal(bench.there.bearers.size(), 4);
  assert_string_equal(bench.there.addresses[0].c_str(), "127.0.0.1");
  assert_string_equal(bench.there.bearers[0].c_str(), "abc.def.ghi");
  assert_string_equal(bench.there.bearers[1].c_str(), "xyz");
  assert_string_equal(bench.there.bearers[2].c_str(), "");
  assert_string_equal(bench.there.bearers[3].c_str(), "");
  bench.close();
}

void what_the_owner_has_proven_comes_with_the_link(void** state) {
  Bench& bench = bench_of(state);
  bench.open();
  bench.there.admission = {.identity = "ada", .claims = {'s', 'i', 't', 'e'}};
  RawPeer peer(bench);
  peer.upgrade();
  bench.run_until([&] { return bench.there.opened.size() == 1; });

  assert_string_equal(bench.there.identities[0].c_str(), "ada");
  assert_string_equal(bench.there.claims[0].c_str(), "site");
  bench.close();
}

void who_is_not_admitted_gets_the_status_and_the_sentence(void** state) {
  struct {
    std::uint16_t status;
    const char* status_text;
  } cases[] = {{transport::kUnauthorized, " 401 "},
               {transport::kForbidden, " 403 "},
               {transport::kNotFound, " 404 "},
               {transport::kUnavailable, " 503 "}};
  Bench& bench = bench_of(state);
  bench.open();
  for (const auto& [status, status_text] : cases) {
    bench.there.admission = {.status = status, .sentence = "the token has expired"};
    RawPeer peer(bench);
    std::string answer = peer.upgrade();
    if (answer.find("expired\n") == std::string::npos) answer += peer.read_until("expired\n");
    assert_int_equal(answer.find(status_text), std::string_view("HTTP/1.x").size());
    assert_true(answer.find("\r\n\r\nthe token has expired\n") != std::string::npos);
    assert_int_equal(answer.find("www-authenticate: Bearer\r\n") != std::string::npos,
                     status == transport::kUnauthorized);
  }
  assert_true(bench.there.opened.empty());
  bench.close();
}

}  // namespace

int main() {
#define LWS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const CMUnitTest tests[] = {LWS_TEST(the_owner_is_told_of_the_address_and_the_token),
                              LWS_TEST(what_the_owner_has_proven_comes_with_the_link),
                              LWS_TEST(who_is_not_admitted_gets_the_status_and_the_sentence)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
