// SPDX-License-Identifier: Apache-2.0
//
// JSON Web Tokens: which hold, and every way in which one doesn't. SEC-2

#include <string>

#include "server/host/auth/jwt_judge.h"
#include "tests/check.h"
#include "tests/unit/auth/signer.h"

namespace {

using namespace grid;
using namespace grid::server;
using crdt::Value;
using test::Signer;

constexpr std::uint64_t kNowS = 1'900'000'000;
constexpr std::uint64_t kNowMs = kNowS * 1'000;
constexpr const char* kSecret = "a secret of more than thirty-two bytes";
constexpr const char* kClaims = R"({"sub":"anna","iss":"https://id.farm","aud":"grid","exp":1900000600})";

struct Fixture {
  test::Folder folder;
  Signer hs = Signer::secret(kSecret);
  Signer rs = Signer::rsa();
  Signer es = Signer::p256();
  Signer stranger = Signer::p256();
  Signer p384 = Signer::p384();
  JwtOptions options;

  Fixture() {
    folder.write("hs.hs256", std::string(kSecret) + "\n");
    folder.write("rs.pem", rs.file(), 0644);
    folder.write("es.pem", es.file(), 0644);
    folder.write("README", "no key", 0644);
    options.keys = folder.path();
    options.rules = {.issuer = "https://id.farm", .audience = "grid"};
  }
};

Fixture* fixture = nullptr;

int set_up(void**) {
  fixture = new Fixture;
  return 0;
}

int tear_down(void**) {
  delete fixture;
  return 0;
}

Verdict judge(const std::string& token, std::uint64_t wall_ms = kNowMs) {
  JwtJudge jwt(fixture->options);
  std::vector<std::string> complaints;
  [[maybe_unused]] const Status read = jwt.reload(complaints);
  return jwt.judge(token, 1'000'000, wall_ms);
}

void expect_good(const Verdict& verdict) {
  if (!verdict.ok()) fail_msg("refused: %s", verdict.reason.c_str());
}

void expect_refused(const std::string& token, const char* part) {
  const Verdict verdict = judge(token);
  if (verdict.ok()) fail_msg("taken, in spite of: %s", part);
  assert_status(verdict.status, Status::denied);
  assert_true(verdict.proven.name.empty() && verdict.proven.claims.empty());
  if (verdict.reason.find(part) == std::string::npos) fail_msg("\"%s\" is not in: %s", part, verdict.reason.c_str());
  // Nothing of a token is to come into a log with the reason, not even of its signature.
  if (token.size() > 40) assert_true(verdict.reason.find(token.substr(token.size() - 16)) == std::string::npos);
}

std::string hs(std::string_view claims) { return fixture->hs.token(R"({"alg":"HS256","kid":"hs"})", claims); }

void each_algorithm_is_taken_by_its_key(void**) {
  for (const std::string& token : {hs(kClaims), fixture->rs.token(R"({"alg":"RS256","kid":"rs","typ":"JWT"})", kClaims),
                                   fixture->es.token(R"({"typ":"JWT","alg":"ES256","kid":"es"})", kClaims)}) {
    const Verdict verdict = judge(token);
    expect_good(verdict);
    assert_string_equal(verdict.proven.name.c_str(), "anna");
    assert_int_equal(verdict.proven.expires_s, 1'900'000'630);
    assert_ok(crdt::check_value(as_bytes(verdict.proven.claims)));
  }
}

void a_token_without_kid_is_taken_by_the_only_key_of_its_algorithm(void**) {
  expect_good(judge(fixture->es.token(R"({"alg":"ES256"})", kClaims)));
  expect_refused(fixture->stranger.token(R"({"alg":"ES256"})", kClaims), "signature");
  fixture->folder.write("es-2.pem", fixture->stranger.file());
  expect_refused(fixture->es.token(R"({"alg":"ES256"})", kClaims), "not exactly one");
  fixture->folder.remove("es-2.pem");
}

void what_a_token_says_becomes_a_record(void**) {
  const Verdict verdict =
      judge(hs(R"({"sub":"anna","iss":"https://id.farm","aud":["x","grid"],"exp":1900000600.75,"roles":["a","b","a"],)"
               R"("site":"Oslo","level":3,"share":0.5,"ok":true,"none":null,"deep":{"list":[1,"x"]}})"));
  expect_good(verdict);
  const Value claims(as_bytes(verdict.proven.claims));
  assert_ok(crdt::check_value(claims.canonical()));
  assert_true(claims["sub"].text_or({}) == "anna" && claims["site"].text_or({}) == "Oslo");
  assert_int_equal(claims["exp"].integer_or(0), 1'900'000'630);
  assert_int_equal(claims["level"].integer_or(0), 3);
  assert_true(claims["share"].number_or(0) == 0.5 && claims["ok"].truth_or(false));
  assert_true(claims["deep"]["list"].kind() == crdt::ValueKind::list);
  Value::Walk roles(claims["roles"]);
  assert_true(roles.next() && roles.value().text_or({}) == "a");
  assert_true(roles.next() && roles.value().text_or({}) == "b");
  assert_false(roles.next());
}

void roles_come_from_the_claim_that_is_configured(void**) {
  fixture->options.rules.roles_claim = "realm.roles";
  fixture->options.rules.default_roles = {"member"};
  const Verdict listed = judge(hs(
      R"({"sub":"anna","iss":"https://id.farm","aud":"grid","exp":1900000600,"roles":["admin"],"realm":{"roles":["x"]}})"));
  expect_good(listed);
  std::string seen;
  for (Value::Walk walk(Value(as_bytes(listed.proven.claims))["roles"]); walk.next();) {
    seen.append(walk.value().text_or({})).append(" ");
  }
  assert_string_equal(seen.c_str(), "member x ");
  fixture->options.rules.roles_claim = "scope";
  const Verdict spaced =
      judge(hs(R"({"sub":"anna","iss":"https://id.farm","aud":"grid","exp":1900000600,"scope":"read  write"})"));
  expect_good(spaced);
  fixture->options.rules.roles_claim = "roles";
  fixture->options.rules.default_roles.clear();
  expect_refused(hs(R"({"sub":"a","iss":"https://id.farm","aud":"grid","exp":1900000600,"roles":[1]})"), "roles");
  expect_refused(hs(R"({"sub":"a","iss":"https://id.farm","aud":"grid","exp":1900000600,"roles":["a b"]})"), "roles");
  expect_refused(hs(R"({"sub":"a","iss":"https://id.farm","aud":"grid","exp":1900000600,"roles":{"a":1}})"), "roles");
}

void times_are_judged_with_leeway(void**) {
  const auto with = [](const char* times) {
    return hs(R"({"sub":"anna","iss":"https://id.farm","aud":"grid",)" + std::string(times) + "}");
  };
  expect_good(judge(with(R"("exp":1899999971)")));
  expect_refused(with(R"("exp":1899999970)"), "expired 30 s ago");
  expect_refused(with(R"("exp":0)"), "expired");
  expect_good(judge(with(R"("exp":1900000600,"nbf":1900000030)")));
  expect_refused(with(R"("exp":1900000600,"nbf":1900000031)"), "not valid before");
  expect_refused(with(R"("nbf":1)"), "no exp");
  for (const char* bad : {R"("exp":"1900000600")", R"("exp":null)", R"("exp":-1)", R"("exp":1e300)", R"("exp":[1])",
                          R"("exp":253402300800)", R"("exp":9223372036854775807)", R"("exp":true)"}) {
    expect_refused(with(bad), "its exp is no time");
  }
  expect_refused(with(R"("exp":1900000600,"nbf":"x")"), "its nbf is no time");
  expect_refused(with(R"("exp":1900000600,"nbf":1e99)"), "its nbf is no time");
}

void nothing_is_taken_while_the_time_is_unknown(void**) {
  const Verdict verdict = judge(hs(kClaims), 0);
  assert_status(verdict.status, Status::busy);
  assert_true(verdict.proven.claims.empty());
  // Whoever could not sign does not hear about the clock.
  assert_status(judge(fixture->stranger.token(R"({"alg":"ES256","kid":"es"})", kClaims), 0).status, Status::denied);
}

void issuer_audience_and_subject_are_judged(void**) {
  expect_refused(hs(R"({"sub":"anna","iss":"https://other","aud":"grid","exp":1900000600})"), "iss");
  expect_refused(hs(R"({"sub":"anna","aud":"grid","exp":1900000600})"), "iss");
  expect_refused(hs(R"({"sub":"anna","iss":["https://id.farm"],"aud":"grid","exp":1900000600})"), "iss");
  expect_refused(hs(R"({"sub":"anna","iss":"https://id.farm","aud":"else","exp":1900000600})"), "aud");
  expect_refused(hs(R"({"sub":"anna","iss":"https://id.farm","aud":["a","b"],"exp":1900000600})"), "aud");
  expect_refused(hs(R"({"sub":"anna","iss":"https://id.farm","aud":{"grid":1},"exp":1900000600})"), "aud");
  expect_refused(hs(R"({"sub":"anna","iss":"https://id.farm","exp":1900000600})"), "aud");
  expect_refused(hs(R"({"iss":"https://id.farm","aud":"grid","exp":1900000600})"), "sub");
  expect_refused(hs(R"({"sub":7,"iss":"https://id.farm","aud":"grid","exp":1900000600})"), "sub");
  expect_refused(hs(R"({"sub":"","iss":"https://id.farm","aud":"grid","exp":1900000600})"), "sub");
  expect_refused(hs(R"({"sub":"a\nb","iss":"https://id.farm","aud":"grid","exp":1900000600})"), "sub");
  expect_refused(hs(R"({"sub":"a\u0000b","iss":"https://id.farm","aud":"grid","exp":1900000600})"), "");
  fixture->options.rules.audience.clear();
  expect_refused(hs(kClaims), "for an audience");
  expect_good(judge(hs(R"({"sub":"anna","iss":"https://id.farm","exp":1900000600})")));
  fixture->options.rules.issuer.clear();
  expect_good(judge(hs(R"({"sub":"anna","exp":1900000600})")));
  fixture->options.rules = {.issuer = "https://id.farm", .audience = "grid"};
}

void a_token_that_nobody_signed_is_refused(void**) {
  const std::string claims = test::base64url(kClaims);
  expect_refused(test::base64url(R"({"alg":"none"})") + "." + claims + ".", "form");
  expect_refused(test::base64url(R"({"alg":"none"})") + "." + claims + ".AAAA", "alg");
  for (const char* alg : {"None", "NONE", "hs256", "HS384", "HS512", "RS384", "ES384", "ES512", "EdDSA", "PS256", ""}) {
    expect_refused(fixture->hs.token(R"({"kid":"hs","alg":")" + std::string(alg) + "\"}", kClaims), "alg");
  }
  expect_refused(fixture->hs.token(R"({"kid":"hs"})", kClaims), "alg");
  expect_refused(fixture->hs.token(R"({"kid":"hs","alg":["HS256"]})", kClaims), "alg");
}

// The public key is known to everybody, and so would be the secret.
void a_public_key_is_no_secret(void**) {
  for (const Signer* key : {&fixture->rs, &fixture->es}) {
    const Signer confused = Signer::secret(key->file());
    const char* kid = key == &fixture->rs ? "rs" : "es";
    expect_refused(confused.token(R"({"alg":"HS256","kid":")" + std::string(kid) + "\"}", kClaims), "is for");
  }
  expect_refused(fixture->rs.token(R"({"alg":"ES256","kid":"rs"})", kClaims), "is for RS256");
  expect_refused(fixture->es.token(R"({"alg":"RS256","kid":"es"})", kClaims), "is for ES256");
  expect_refused(fixture->es.token(R"({"alg":"ES256","kid":"hs"})", kClaims), "is for HS256");
}

void a_signature_of_somebody_else_is_refused(void**) {
  expect_refused(Signer::secret("another secret, of thirty-two bytes").token(R"({"alg":"HS256","kid":"hs"})", kClaims),
                 "signature");
  expect_refused(fixture->stranger.token(R"({"alg":"ES256","kid":"es"})", kClaims), "signature");
  expect_refused(fixture->p384.token(R"({"alg":"ES256","kid":"es"})", kClaims), "signature");
  expect_refused(fixture->hs.token(R"({"alg":"RS256","kid":"rs"})", kClaims), "signature");
  expect_refused(fixture->es.token(R"({"alg":"ES256","kid":"nobody"})", kClaims), "no key nobody");
  expect_refused(fixture->es.token(R"({"alg":"ES256","kid":"../es"})", kClaims), "no key ../es");
  expect_refused(fixture->es.token("{\"alg\":\"ES256\",\"kid\":\"a\\nb\"}", kClaims), "no key a?b");
  expect_refused(fixture->es.token(R"({"alg":"ES256","kid":7})", kClaims), "kid");
}

void a_token_that_was_changed_is_refused(void**) {
  const std::string good = fixture->es.token(R"({"alg":"ES256","kid":"es"})", kClaims);
  expect_good(judge(good));
  int taken = 0;
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string changed = good;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    taken += judge(changed).ok() ? 1 : 0;
    taken += judge(good.substr(0, at)).ok() ? 1 : 0;
  }
  assert_int_equal(taken, 0);
  for (const char* more : {"=", ".", ".AAAA", " ", "\n", "A"}) assert_false(judge(good + more).ok());
  // Another payload, with the signature of the first.
  const std::size_t second = good.rfind('.');
  const std::string forged = test::base64url(R"({"sub":"root","iss":"https://id.farm","aud":"grid","exp":1900000600})");
  expect_refused(good.substr(0, good.find('.') + 1) + forged + good.substr(second), "signature");
}

void what_is_no_token_is_refused(void**) {
  for (const char* text : {"", ".", "..", "a.b", "a..c", ".b.c", "a.b.", "a.b.c.d", "abc", "\xff.\xff.\xff"}) {
    assert_false(judge(text).ok());
  }
  expect_refused(fixture->hs.token("[]", kClaims), "head");
  expect_refused(fixture->hs.token("{\"alg\":\"HS256\"", kClaims), "head");
  expect_refused(fixture->hs.token(R"({"alg":"HS256","alg":"none","kid":"hs"})", kClaims), "head");
  expect_refused(fixture->hs.token(R"({"alg":"HS256","kid":"hs","crit":["exp"],"exp":1})", kClaims), "crit");
  expect_refused(hs("[]"), "no JSON object");
  expect_refused(hs("\"anna\""), "no JSON object");
  expect_refused(hs(""), "form");
  expect_refused(hs(R"({"sub":"anna","sub":"root","iss":"https://id.farm","aud":"grid","exp":1900000600})"), "object");
  expect_refused(hs(R"({"sub":"anna","iss":"https://id.farm","aud":"grid","exp":1900000600,"x":1,"x":1})"), "object");
  expect_refused(hs(R"({"sub":"anna","iss":"https://id.farm","aud":"grid","exp":99999999999999999999})"), "object");
  expect_refused(hs(R"({"sub":"anna","exp":1900000600,"x":1e999})"), "object");
  expect_refused(hs("{\"sub\":\"\xff\"}"), "object");
}

void a_token_is_as_long_and_as_deep_as_it_may_be(void**) {
  const auto padded = [](std::size_t bytes) {
    return hs(R"({"sub":"anna","iss":"https://id.farm","aud":"grid","exp":1900000600,"pad":")" +
              std::string(bytes, 'x') + "\"}");
  };
  expect_good(judge(padded(2'000)));
  assert_true(padded(2'200).size() > kTokenBytesMax);
  expect_refused(padded(2'200), "longer than");
  expect_refused(padded(1'000'000), "longer than");
  const auto deep = [](std::size_t depth) {
    return hs(R"({"sub":"anna","iss":"https://id.farm","aud":"grid","exp":1900000600,"x":)" + std::string(depth, '[') +
              std::string(depth, ']') + "}");
  };
  expect_good(judge(deep(7)));
  expect_refused(deep(8), "too much");
  expect_refused(deep(1'000), "too much");
  std::string open(1'500, '[');
  expect_refused(hs(R"({"x":)" + open), "object");
  expect_refused(fixture->hs.token(R"({"alg":"HS256","kid":"hs","x":)" + open, kClaims), "head");
}

void keys_are_rotated_without_a_restart(void**) {
  const test::Folder folder;
  folder.write("old.pem", fixture->es.file());
  JwtOptions options = fixture->options;
  options.keys = folder.path();
  JwtJudge jwt(options);
  std::vector<std::string> complaints;
  assert_ok(jwt.reload(complaints));
  const std::string old_token = fixture->es.token(R"({"alg":"ES256","kid":"old"})", kClaims);
  const std::string new_token = fixture->rs.token(R"({"alg":"RS256","kid":"new"})", kClaims);
  std::uint64_t now_ms = 77;
  assert_true(jwt.judge(old_token, now_ms, kNowMs).ok());
  assert_false(jwt.judge(new_token, now_ms, kNowMs).ok());  // It has looked, and will not again for a while.
  folder.write("new.pem", fixture->rs.file());
  assert_false(jwt.judge(new_token, now_ms += JwtJudge::kRereadMs - 1, kNowMs).ok());
  assert_true(jwt.judge(new_token, now_ms += 1, kNowMs).ok());
  assert_true(jwt.judge(old_token, now_ms, kNowMs).ok());
  // A key that is taken away holds until somebody says so, and then no more.
  folder.remove("old.pem");
  assert_true(jwt.judge(old_token, now_ms, kNowMs).ok());
  assert_ok(jwt.reload(complaints));
  assert_false(jwt.judge(old_token, now_ms, kNowMs).ok());
  assert_true(complaints.empty());
}

void keys_that_are_none_are_complained_of(void**) {
  const test::Folder folder;
  const auto complaint_of = [&](const char* name, const std::string& content, unsigned mode) {
    folder.write(name, content, mode);
    KeyRing ring(folder.path());
    std::vector<std::string> complaints;
    const Status status = ring.read(complaints);
    folder.remove(name);
    assert_int_equal(complaints.size(), status == Status::ok ? 0 : 1);
    return complaints.empty() ? std::string() : complaints.front();
  };
  const auto expect = [&](const char* name, const std::string& content, unsigned mode, const char* part) {
    const std::string complaint = complaint_of(name, content, mode);
    if (complaint.find(part) == std::string::npos) fail_msg("\"%s\" is not in: %s", part, complaint.c_str());
    assert_true(complaint.find(kSecret) == std::string::npos);
  };
  const std::string pem = fixture->es.file();
  assert_true(complaint_of("a.pem", pem, 0644).empty());
  assert_true(complaint_of("a.hs256", kSecret, 0640).empty());
  expect("a.hs256", kSecret, 0644, "everybody on this machine may read");
  expect("a.hs256", kSecret, 0602, "everybody on this machine");
  expect("a.pem", pem, 0646, "may be written by everybody");
  expect("a.hs256", "short\n", 0600, "of 5 bytes");
  expect("a.hs256", "", 0600, "of 0 bytes");
  expect("a.pem", "", 0600, "no public key");
  expect("a.pem", pem.substr(0, pem.size() / 2), 0600, "no public key");
  expect("a.pem", fixture->es.private_file(), 0600, "private key");
  expect("a.pem", Signer::rsa(1'024).file(), 0600, "less than 2048 bits");
  expect("a.pem", fixture->p384.file(), 0600, "curve P-256");
  expect("a b.pem", pem, 0600, "no kid");
  expect("a.pem", std::string(KeyRing::kKeyFileBytesMax + 1, 'x'), 0600, "larger than any key");
  expect("README", "", 0600, "holds none");
  KeyRing nowhere(folder.path("nowhere"));
  std::vector<std::string> complaints;
  assert_status(nowhere.read(complaints), Status::io);
  folder.write("a.pem", pem);
  folder.write("a.hs256", kSecret);
  KeyRing twice(folder.path());
  assert_status(twice.read(complaints), Status::invalid);
  assert_null(twice.find("a"));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(each_algorithm_is_taken_by_its_key),
      cmocka_unit_test(a_token_without_kid_is_taken_by_the_only_key_of_its_algorithm),
      cmocka_unit_test(what_a_token_says_becomes_a_record),
      cmocka_unit_test(roles_come_from_the_claim_that_is_configured),
      cmocka_unit_test(times_are_judged_with_leeway),
      cmocka_unit_test(nothing_is_taken_while_the_time_is_unknown),
      cmocka_unit_test(issuer_audience_and_subject_are_judged),
      cmocka_unit_test(a_token_that_nobody_signed_is_refused),
      cmocka_unit_test(a_public_key_is_no_secret),
      cmocka_unit_test(a_signature_of_somebody_else_is_refused),
      cmocka_unit_test(a_token_that_was_changed_is_refused),
      cmocka_unit_test(what_is_no_token_is_refused),
      cmocka_unit_test(a_token_is_as_long_and_as_deep_as_it_may_be),
      cmocka_unit_test(keys_are_rotated_without_a_restart),
      cmocka_unit_test(keys_that_are_none_are_complained_of),
  };
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
