// SPDX-License-Identifier: Apache-2.0
//
// Who somebody is: which proof counts, and which name is whose. SEC-2

#include <array>
#include <string>

#include "crdt/base/check.h"
#include "server/host/auth/authenticator.h"
#include "tests/check.h"
#include "tests/unit/auth/signer.h"

namespace {

using namespace grid;
using namespace grid::server;
using crdt::Value;
using test::Signer;

constexpr std::uint64_t kNowMs = 1'900'000'000'000;
constexpr const char* kSecret = "a secret of more than thirty-two bytes";
constexpr const char* kOther = "another one of more than thirty-two bytes";

struct Fixture {
  test::Folder data;
  test::Folder keys;
  Signer hs = Signer::secret(kSecret);
  AuthOptions options;
  Authenticator auth;

  Fixture() {
    keys.write("hs.hs256", kSecret);
    options.device_tokens = true;
    options.default_roles = {"member"};
    options.jwt.keys = keys.path();
    options.certificates = {"CN=*,O=Farm -> cert-* : sensor", "CN=root -> root"};
    GRID_CHECK(auth.open(options, data.path()) == Status::ok);
  }
  std::string jwt(const std::string& sub) const {
    return hs.token(R"({"alg":"HS256","kid":"hs"})", R"({"sub":")" + sub + R"(","exp":1900000600})");
  }
  std::string jwt_of_other(const std::string& kid) const {
    return Signer::secret(kOther).token(R"({"alg":"HS256","kid":")" + kid + R"("})",
                                        R"({"sub":"bob","exp":1900000600})");
  }
  std::string enroll(const char* name, std::uint64_t expires_ms = 0) {
    const std::array<std::uint8_t, 32> secret{++drawn_};
    return *auth.device_tokens().enroll({.name = name, .roles = {"sensor"}, .enrolled_ms = 1, .expires_ms = expires_ms},
                                        secret, false);
  }
  Verdict judge(std::string_view token, std::string_view subject = {}, std::uint64_t wall_ms = kNowMs) {
    return auth.judge({.token = token, .subject = subject}, 1'000, wall_ms);
  }

 private:
  std::uint8_t drawn_ = 0;
};

Fixture* at = nullptr;

int set_up(void**) {
  at = new Fixture;
  return 0;
}

int tear_down(void**) {
  delete at;
  return 0;
}

std::string roles_of(const Verdict& verdict) {
  std::string roles;
  for (Value::Walk walk(Value(as_bytes(verdict.proven.claims))["roles"]); walk.next();) {
    roles.append(walk.value().text_or({})).append(" ");
  }
  return roles;
}

void each_proof_names_its_principal(void**) {
  const Verdict person = at->judge(at->jwt("anna"));
  assert_ok(person.status);
  assert_string_equal(person.proven.name.c_str(), "anna");
  assert_string_equal(roles_of(person).c_str(), "member ");
  const std::string token = at->enroll("bench-3");
  const Verdict device = at->judge(token);
  assert_ok(device.status);
  assert_string_equal(device.proven.name.c_str(), "bench-3");
  assert_string_equal(roles_of(device).c_str(), "member sensor ");
  assert_false(Value(as_bytes(device.proven.claims))["exp"].exists());
  assert_int_equal(at->auth.device_tokens().find_name("bench-3")->seen_ms, kNowMs);
  const Verdict machine = at->judge({}, "CN=pump,O=Farm");
  assert_ok(machine.status);
  assert_string_equal(machine.proven.name.c_str(), "cert-pump");
  assert_string_equal(roles_of(machine).c_str(), "member sensor ");
  assert_true(Value(as_bytes(machine.proven.claims))["certificate"].text_or({}) == "CN=pump,O=Farm");
}

void who_shows_both_is_whom_the_token_names(void**) {
  assert_string_equal(at->judge(at->jwt("anna"), "CN=pump,O=Farm").proven.name.c_str(), "anna");
  assert_false(at->judge("no token", "CN=pump,O=Farm").ok());
}

void who_shows_nothing_is_nobody(void**) {
  assert_status(at->judge({}).status, Status::denied);
  assert_status(at->judge("grid_").status, Status::denied);
  assert_status(at->judge("grid_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").status, Status::denied);
}

void a_name_that_was_enrolled_is_proven_by_its_token_alone(void**) {
  const std::string token = at->enroll("cert-lamp");
  assert_false(at->judge(at->jwt("cert-lamp")).ok());
  assert_false(at->judge({}, "CN=lamp,O=Farm").ok());
  assert_true(at->judge(token).ok());
  assert_ok(at->auth.device_tokens().revoke("cert-lamp", kNowMs));
  assert_false(at->judge(at->jwt("cert-lamp")).ok());
  assert_false(at->judge(token).ok());
}

void a_device_token_ends_when_it_was_said_to(void**) {
  const std::string token = at->enroll("short", kNowMs + 5'000);
  const Verdict early = at->judge(token);
  assert_ok(early.status);
  assert_int_equal(early.proven.expires_s, kNowMs / 1'000 + 5);
  assert_int_equal(Value(as_bytes(early.proven.claims))["exp"].integer_or(0), kNowMs / 1'000 + 5);
  assert_status(at->judge(token, {}, kNowMs + 5'000).status, Status::denied);
}

void without_the_time_only_what_never_ends_is_taken(void**) {
  const std::string forever = at->enroll("forever");
  const std::string ending = at->enroll("ending", kNowMs + 5'000);
  assert_true(at->judge(forever, {}, 0).ok());
  assert_status(at->judge(ending, {}, 0).status, Status::busy);
  assert_status(at->judge(at->jwt("anna"), {}, 0).status, Status::busy);
  assert_true(at->judge({}, "CN=root", 0).ok());
}

// What a battery that dies, or a daemon that errs, does to a clock is no reason to lock out a fleet.
void a_clock_that_is_lost_goes_on_from_where_it_stood(void**) {
  assert_true(at->auth.judge({.token = at->jwt("anna"), .subject = {}}, 1'000, kNowMs).ok());
  assert_true(at->auth.judge({.token = at->jwt("anna"), .subject = {}}, 601'000, 0).ok());
  assert_false(at->auth.judge({.token = at->jwt("anna"), .subject = {}}, 700'000, 0).ok());
}

void a_subject_is_matched_by_whole_values(void**) {
  assert_true(at->judge({}, "CN=root").ok());
  for (const char* subject : {"CN=root,O=Farm,O=Evil", "CN=x,O=Evil,O=Farm", "CN=,O=Farm", "CN=a+OU=b,O=Farm",
                              "CN=a\\,O=Evil,O=Farm", "XCN=a,O=Farm", "CN=a,O=FarmX", "CN=a=b,O=Farm"}) {
    assert_false(at->judge({}, subject).ok());
  }
}

void rules_that_make_no_sense_are_refused(void**) {
  for (const char* rule : {"", "CN=a", "CN=a ->", "-> a", "CN=*,O=* -> *", "CN=a -> *", "CN=* -> **", "CN=a -> b : c d",
                           "CN=a -> b : ", "CN=a -> b : c,,d"}) {
    Certificates certificates;
    std::string problem;
    assert_status(certificates.add(rule, problem), Status::invalid);
    assert_false(problem.empty());
  }
}

void what_is_switched_off_is_not_taken(void**) {
  AuthOptions options = at->options;
  options.device_tokens = false;
  options.certificates.clear();
  Authenticator jwt_only;
  assert_ok(jwt_only.open(options, at->data.path()));
  assert_true(jwt_only.judge({.token = at->jwt("anna"), .subject = {}}, 1, kNowMs).ok());
  assert_false(jwt_only.judge({.token = at->enroll("off"), .subject = {}}, 1, kNowMs).ok());
  assert_false(jwt_only.judge({.token = {}, .subject = "CN=root"}, 1, kNowMs).ok());
  options.jwt = {};
  Authenticator none;
  assert_ok(none.open(options, at->data.path()));
  assert_false(none.is_on());
  assert_false(none.judge({.token = at->jwt("anna"), .subject = {}}, 1, kNowMs).ok());
  options.jwt.keys = at->keys.path("nowhere");
  Authenticator keyless;
  assert_status(keyless.open(options, at->data.path()), Status::io);
}

Authenticator::Withdrawn adopted(const AuthOptions& options) {
  Authenticator::Plan plan;
  assert_ok(at->auth.prepare(options, plan));
  return at->auth.adopt(std::move(plan));
}

// Of a token by the key of the fixture; `head` says more of it.
std::string token_way(const char* head = R"({"alg":"HS256","kid":"hs"})") {
  const Verdict verdict = at->judge(at->hs.token(head, R"({"sub":"anna","exp":1900000600})"));
  assert_ok(verdict.status);
  return verdict.way;
}

bool is_any_withdrawn(const Authenticator::Withdrawn& gone) {
  return gone.has(kDeviceWay) || gone.has(kCertificateWay) || gone.has(token_way());
}

void each_proof_says_its_way(void**) {
  assert_true(token_way().starts_with("token:hs ") && token_way() == token_way(R"({"alg":"HS256"})"));
  assert_true(token_way().find(kSecret) == std::string::npos);
  assert_string_equal(at->judge(at->enroll("way")).way.c_str(), "device");
  assert_string_equal(at->judge({}, "CN=root").way.c_str(), "certificate");
}

void what_is_configured_as_before_or_wider_withdraws_nothing(void**) {
  assert_false(is_any_withdrawn(adopted(at->options)));
  at->keys.write("more.hs256", "another secret of more than thirty-two bytes");
  assert_false(is_any_withdrawn(adopted(at->options)));
}

void only_who_came_by_what_is_gone_has_to_come_anew(void**) {
  AuthOptions options = at->options;
  const std::string before = token_way();
  at->keys.write("more.hs256", kOther);
  Authenticator::Withdrawn gone = adopted(options);
  const std::string more = at->judge(at->jwt_of_other("more")).way;
  at->keys.remove("hs.hs256");
  gone = adopted(options);
  assert_true(gone.has(before));
  assert_false(gone.has(more) || gone.has(kDeviceWay) || gone.has(kCertificateWay));
  options.certificates.pop_back();
  gone = adopted(options);
  assert_true(gone.has(kCertificateWay) && !gone.has(more) && !gone.has(kDeviceWay));
  options.device_tokens = false;
  gone = adopted(options);
  assert_true(gone.has(kDeviceWay) && !gone.has(more) && !gone.has(kCertificateWay));
  options.jwt.rules.issuer = "somebody";
  assert_true(adopted(options).has(more));
  options.default_roles.clear();
  gone = adopted(options);
  assert_true(gone.has(more) && gone.has(kDeviceWay) && gone.has(kCertificateWay));
  options.jwt = {};
  assert_true(adopted(options).has(more));
}

void another_key_by_the_same_name_withdraws_the_first(void**) {
  const std::string before = token_way();
  at->keys.write("hs.hs256", kOther);
  assert_true(adopted(at->options).has(before));
  assert_false(adopted(at->options).has(at->judge(at->jwt_of_other("hs")).way));
}

// Whoever shows a token of an unknown kid has the keys read anew, and what is withdrawn is no less for that.
void a_key_that_left_unasked_is_withdrawn_by_the_next_reload(void**) {
  const std::string before = token_way();
  at->keys.write("more.hs256", kOther);
  at->keys.remove("hs.hs256");
  assert_ok(at->judge(at->jwt_of_other("more")).status);
  assert_false(at->judge(at->jwt("anna")).ok());
  assert_true(adopted(at->options).has(before));
}

void a_key_that_was_replaced_unasked_is_withdrawn_by_the_next_reload(void**) {
  const std::string before = token_way();
  at->keys.write("hs.hs256", kOther);
  assert_false(at->judge(at->jwt_of_other("unknown")).ok());
  const std::string meanwhile = at->judge(at->jwt_of_other("hs")).way;
  Authenticator::Withdrawn gone = adopted(at->options);
  assert_true(gone.has(before));
  assert_false(gone.has(meanwhile));
  // Who came by the key that stood there for a while goes as well.
  at->keys.write("hs.hs256", kSecret);
  gone = adopted(at->options);
  assert_true(gone.has(meanwhile) && !gone.has(before));
}

void a_plan_that_is_refused_changes_nothing(void**) {
  AuthOptions options = at->options;
  options.device_tokens = false;
  options.certificates.emplace_back("no rule");
  Authenticator::Plan plan;
  assert_status(at->auth.prepare(options, plan), Status::invalid);
  assert_true(at->judge(at->enroll("stays")).ok() && at->judge({}, "CN=root").ok());
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(each_proof_names_its_principal, set_up, tear_down),
      cmocka_unit_test_setup_teardown(who_shows_both_is_whom_the_token_names, set_up, tear_down),
      cmocka_unit_test_setup_teardown(who_shows_nothing_is_nobody, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_name_that_was_enrolled_is_proven_by_its_token_alone, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_device_token_ends_when_it_was_said_to, set_up, tear_down),
      cmocka_unit_test_setup_teardown(without_the_time_only_what_never_ends_is_taken, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_clock_that_is_lost_goes_on_from_where_it_stood, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_subject_is_matched_by_whole_values, set_up, tear_down),
      cmocka_unit_test_setup_teardown(rules_that_make_no_sense_are_refused, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_is_switched_off_is_not_taken, set_up, tear_down),
      cmocka_unit_test_setup_teardown(each_proof_says_its_way, set_up, tear_down),
      cmocka_unit_test_setup_teardown(what_is_configured_as_before_or_wider_withdraws_nothing, set_up, tear_down),
      cmocka_unit_test_setup_teardown(only_who_came_by_what_is_gone_has_to_come_anew, set_up, tear_down),
      cmocka_unit_test_setup_teardown(another_key_by_the_same_name_withdraws_the_first, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_key_that_left_unasked_is_withdrawn_by_the_next_reload, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_key_that_was_replaced_unasked_is_withdrawn_by_the_next_reload, set_up,
                                      tear_down),
      cmocka_unit_test_setup_teardown(a_plan_that_is_refused_changes_nothing, set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
