// SPDX-License-Identifier: Apache-2.0
//
// Links by TLS: who is believed, who is not and why, and certificates that change while links are open.

#include "tests/unit/lws/authority.h"
#include "tests/unit/lws/link_bench.h"

namespace {

using namespace grid;
using namespace grid::test;
using transport::ClientCertificates;
using transport::Security;
using transport::TlsClient;
using transport::TlsServer;

// One a program: each costs a dozen processes.
const Authority& authority() {
  static const Authority kOne;
  return kOne;
}

const Authority& stranger() {
  static const Authority kOther("stranger");
  return kOther;
}

const Signed& server() {
  static const Signed kOne = authority().server();
  return kOne;
}

TlsServer shown(const Signed& own = server(), ClientCertificates clients = ClientCertificates::none) {
  return {.certificate = own.certificate,
          .key = own.key,
          .client_ca = clients == ClientCertificates::none ? "" : authority().ca(),
          .client_certificates = clients};
}

Bench& bench_of(void** state) { return *static_cast<Bench*>(*state); }

void open(Bench& bench, const TlsServer& files, const TlsClient& client) {
  bench.open_secured({}, {.links_max = 16, .tls = client}, files);
}

// What the client is told when no link comes about.
std::string refusal(Bench& bench) {
  const std::size_t opened = bench.here.opened.size();
  const LinkId link = bench.connect();
  bench.run_until([&] { return !bench.here.closed.empty() && bench.here.closed.back() == link; });
  assert_int_equal(bench.here.opened.size(), opened);
  return bench.here.reasons.back();
}

void expect_in(const std::string& text, const char* part) {
  if (text.find(part) == std::string::npos) fail_msg("'%s' has no '%s'", text.c_str(), part);
}

void frames_go_both_ways_by_tls(void** state) {
  Bench& bench = bench_of(state);
  open(bench, shown(), {.ca = authority().ca()});
  bench.there.echoes = true;
  const LinkId link = bench.link_up();
  for (const std::size_t size : {1u, 20'000u, 2u * 1'048'576u}) bench.here.send(link, pattern(size));
  bench.run_until([&] { return bench.here.arrived.size() == 3; });
  assert_true(bench.here.arrived[1] == pattern(20'000));
  assert_true(bench.here.arrived[2] == pattern(2 * 1'048'576));
  assert_int_equal(bench.there.subjects[0].size(), 0);
  bench.close();
}

void a_server_that_nobody_vouches_for_is_refused(void** state) {
  Bench& bench = bench_of(state);
  open(bench, shown(), {.ca = stranger().ca()});
  expect_in(refusal(bench), "its certificate is refused: unable to get local issuer certificate");
  bench.run_until([&] { return !bench.there.strangers.empty(); });
  expect_in(bench.there.strangers[0], "127.0.0.1 shakes no hands by TLS: the other end refuses: unknown CA");
  bench.close();
}

void without_a_file_the_store_of_the_system_decides(void** state) {
  Bench& bench = bench_of(state);
  open(bench, shown(), {});
  expect_in(refusal(bench), "its certificate is refused: unable to get local issuer certificate");
  bench.close();
}

void a_server_of_another_name_is_refused(void** state) {
  Bench& bench = bench_of(state);
  open(bench, shown(authority().sign("elsewhere", "subjectAltName=DNS:elsewhere.test")), {.ca = authority().ca()});
  expect_in(refusal(bench), "its certificate is refused: IP address mismatch");
  bench.close();
}

void a_client_shows_its_certificate_and_the_owner_hears_of_whom_it_is(void** state) {
  Bench& bench = bench_of(state);
  const Signed device = authority().sign("device-7", "extendedKeyUsage=clientAuth");
  open(bench, shown(server(), ClientCertificates::required),
       {.ca = authority().ca(), .certificate = device.certificate, .key = device.key});
  bench.link_up();
  assert_string_equal(bench.there.subjects[0].c_str(), "device-7");
  bench.close();
}

void the_subject_is_the_first_uri_else_dns_else_common_name(void** state) {
  Bench& bench = bench_of(state);
  const Signed by_uri = authority().sign("by-uri", "subjectAltName=DNS:d.test,URI:spiffe://grid/a,URI:spiffe://grid/b");
  open(bench, shown(server(), ClientCertificates::optional),
       {.ca = authority().ca(), .certificate = by_uri.certificate, .key = by_uri.key});
  bench.link_up();
  assert_string_equal(bench.there.subjects[0].c_str(), "spiffe://grid/a");
  const Signed by_dns = authority().sign("by-dns", "subjectAltName=DNS:first.test,DNS:second.test");
  bench.replace_client(
      {.links_max = 16, .tls = {.ca = authority().ca(), .certificate = by_dns.certificate, .key = by_dns.key}});
  bench.link_up();
  assert_string_equal(bench.there.subjects[1].c_str(), "first.test");
  bench.close();
}

void who_shows_none_is_refused_where_one_is_required_and_nobody_where_it_is_optional(void** state) {
  Bench& bench = bench_of(state);
  open(bench, shown(server(), ClientCertificates::required), {.ca = authority().ca()});
  expect_in(refusal(bench), "the other end refuses: certificate required");
  bench.run_until([&] { return !bench.there.strangers.empty(); });
  expect_in(bench.there.strangers[0], "peer did not return a certificate");
  assert_ok(bench.server->secure(shown(server(), ClientCertificates::optional)));
  bench.link_up();
  assert_string_equal(bench.there.subjects[0].c_str(), "");
  bench.close();
}

void a_client_certificate_that_others_signed_or_that_has_ended_is_refused(void** state) {
  Bench& bench = bench_of(state);
  const Signed foreign = stranger().sign("device-7", "extendedKeyUsage=clientAuth");
  open(bench, shown(server(), ClientCertificates::optional),
       {.ca = authority().ca(), .certificate = foreign.certificate, .key = foreign.key});
  expect_in(refusal(bench), "the other end refuses: unknown CA");
  assert_true(bench.there.opened.empty());
  bench.close();
}

void a_new_certificate_is_shown_from_then_on_and_open_links_stay(void** state) {
  Bench& bench = bench_of(state);
  open(bench, shown(), {.ca = authority().ca()});
  const std::int64_t first = bench.server->certificate().not_after_s;
  const LinkId old = bench.link_up();
  const Signed other = stranger().server("new", 60);
  assert_ok(bench.server->secure(shown(other)));
  assert_true(bench.server->certificate().not_after_s > first);

  expect_in(refusal(bench), "its certificate is refused");
  bench.here.send(old, pattern(10));
  bench.run_until([&] { return bench.there.arrived.size() == 1; });
  bench.replace_client({.links_max = 16, .tls = {.ca = stranger().ca()}});
  bench.link_up();
  bench.close();
}

void bad_files_are_refused_with_a_sentence_and_the_old_ones_stay(void** state) {
  Bench& bench = bench_of(state);
  open(bench, shown(), {.ca = authority().ca()});
  const Signed& own = server();
  const Signed other = authority().server("other");
  const Signed ended = authority().server("ended", -1);
  const std::string junk = authority().write("junk.pem",
                                             "-----BEGIN CERTIFICATE-----\nbm9uc2Vuc2U=\n"
                                             "-----END CERTIFICATE-----\n");
  const std::string empty = authority().write("empty.pem", "");
  const struct {
    TlsServer files;
    std::string sentence;
  } cases[] = {{{.certificate = "/nowhere.pem", .key = own.key},
                "the certificate /nowhere.pem can't be read: No such file or directory"},
               {{.certificate = own.certificate, .key = "/nowhere.key"},
                "the key /nowhere.key can't be read: No such file or directory"},
               {{.certificate = empty, .key = own.key}, "the certificate " + empty + " holds no certificate in PEM: "},
               {{.certificate = junk, .key = own.key}, "the certificate " + junk + " holds no certificate in PEM: "},
               {{.certificate = own.certificate, .key = empty}, "the key " + empty + " holds no private key in PEM: "},
               {{.certificate = own.certificate, .key = other.key},
                "the key " + other.key + " does not belong to the certificate " + own.certificate},
               {{.certificate = ended.certificate, .key = ended.key},
                "the certificate " + ended.certificate + " has expired on "},
               {{.certificate = own.certificate, .key = own.key, .client_certificates = ClientCertificates::required},
                "certificates of clients are asked for, but no CA file says who signs them"},
               {{.certificate = own.certificate,
                 .key = own.key,
                 .client_ca = empty,
                 .client_certificates = ClientCertificates::required},
                "the CA file " + empty + " holds no certificate in PEM: "}};
  for (const auto& [files, sentence] : cases) {
    assert_status(bench.server->secure(files), Status::invalid);
    expect_in(bench.server->problem(), sentence.c_str());
  }
  bench.link_up();
  bench.close();
}

void what_is_doubtful_is_said(void** state) {
  Bench& bench = bench_of(state);
  const Signed soon = authority().server("soon", 5);
  ::chmod(soon.key.c_str(), 0644);
  open(bench, shown(soon), {.ca = authority().ca()});
  const std::string warning = bench.server->certificate().warning;
  expect_in(warning, ("everybody on this machine can read the key " + soon.key).c_str());
  expect_in(warning, ("the certificate " + soon.certificate + " expires on ").c_str());
  assert_ok(bench.server->secure(shown()));
  assert_string_equal(bench.server->certificate().warning.c_str(), "");
  bench.close();
}

void a_locked_key_is_not_asked_for(void** state) {
  Bench& bench = bench_of(state);
  const std::string locked = authority().file("locked.key");
  const std::string command =
      "openssl ec -aes128 -passout pass:secret -in " + server().key + " -out " + locked + " >/dev/null 2>&1";
  assert_int_equal(std::system(command.c_str()), 0);
  bench.open();
  assert_status(bench.server->secure({.certificate = server().certificate, .key = locked}), Status::invalid);
  expect_in(bench.server->problem(), "is locked with a passphrase, which nobody is there to type");
  bench.close();
}

void a_client_whose_own_files_are_bad_says_so_at_once(void** state) {
  Bench& bench = bench_of(state);
  open(bench, shown(), {.ca = "/nowhere.pem"});
  assert_status(bench.client->connect(bench.url(), "/v1/farm", bench.here).status(), Status::invalid);
  assert_string_equal(bench.client->problem(), "the CA file /nowhere.pem can't be read: No such file or directory");
  bench.close();
}

void each_tongue_at_the_wrong_door_is_answered_and_noted(void** state) {
  Bench& bench = bench_of(state);
  open(bench, shown(), {.ca = authority().ca()});
  RawPeer plain(bench);
  plain.send("GET /v1/farm HTTP/1.1\r\n\r\n");
  expect_in(plain.read_until("https:\n"), "HTTP/1.1 400 Bad Request");
  RawPeer noise(bench);
  noise.send("\x01\x02\x03");
  assert_string_equal(noise.read_until("never").c_str(), "");
  bench.run_until([&] { return bench.there.strangers.size() == 2; });
  assert_string_equal(bench.there.strangers[0].c_str(), "127.0.0.1 speaks plain HTTP at a port of TLS");
  assert_string_equal(bench.there.strangers[1].c_str(), "127.0.0.1 speaks no TLS");
  bench.close();
}

void a_client_by_tls_at_a_plain_door_is_told(void** state) {
  Bench& bench = bench_of(state);
  bench.open({}, {.links_max = 16, .tls = {.ca = authority().ca()}});
  const Result<LinkId> link = bench.client->connect("wss://" + bench.server->bound(), "/v1/farm", bench.here);
  assert_ok(link.status());
  bench.run_until([&] { return !bench.here.closed.empty() && !bench.there.strangers.empty(); });
  expect_in(bench.here.reasons[0], "no hands were shaken by TLS: the other end refuses: handshake failure");
  assert_string_equal(bench.there.strangers[0].c_str(), "127.0.0.1 speaks TLS at a port without it");
  bench.close();
}

void a_door_of_tls_needs_a_certificate(void** state) {
  Bench& bench = bench_of(state);
  bench.open();
  assert_status(bench.server->listen("127.0.0.1:0", bench.there, Security::tls), Status::invalid);
  assert_string_equal(bench.server->problem(), "TLS has no certificate to show");
  assert_int_equal(bench.server->certificate().not_after_s, 0);
  bench.close();
}

}  // namespace

int main() {
#define LWS_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
  const CMUnitTest tests[] = {LWS_TEST(frames_go_both_ways_by_tls),
                              LWS_TEST(a_server_that_nobody_vouches_for_is_refused),
                              LWS_TEST(without_a_file_the_store_of_the_system_decides),
                              LWS_TEST(a_server_of_another_name_is_refused),
                              LWS_TEST(a_client_shows_its_certificate_and_the_owner_hears_of_whom_it_is),
                              LWS_TEST(the_subject_is_the_first_uri_else_dns_else_common_name),
                              LWS_TEST(who_shows_none_is_refused_where_one_is_required_and_nobody_where_it_is_optional),
                              LWS_TEST(a_client_certificate_that_others_signed_or_that_has_ended_is_refused),
                              LWS_TEST(a_new_certificate_is_shown_from_then_on_and_open_links_stay),
                              LWS_TEST(bad_files_are_refused_with_a_sentence_and_the_old_ones_stay),
                              LWS_TEST(what_is_doubtful_is_said),
                              LWS_TEST(a_locked_key_is_not_asked_for),
                              LWS_TEST(a_client_whose_own_files_are_bad_says_so_at_once),
                              LWS_TEST(each_tongue_at_the_wrong_door_is_answered_and_noted),
                              LWS_TEST(a_client_by_tls_at_a_plain_door_is_told),
                              LWS_TEST(a_door_of_tls_needs_a_certificate)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
