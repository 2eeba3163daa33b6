// SPDX-License-Identifier: Apache-2.0
//
// Who is let in at a gateway's door, and who has to go when the ways in change.

#include <string>
#include <vector>

#include "server/host/door.h"
#include "tests/check.h"
#include "tests/unit/auth/signer.h"

namespace {

using namespace grid;
using namespace grid::server;
using test::Signer;

constexpr transport::LinkId kLink = 7;
constexpr const char* kSecret = "a secret of more than thirty-two bytes";
constexpr const char* kOther = "another one of more than thirty-two bytes";

struct Owner final : Door::Owner {
  void say(const char*) override {}
  void refused(std::string_view, std::string_view why) override { refusals.emplace_back(why); }
  void end_link(transport::LinkId, std::string_view) override {}
  void ask_anew(transport::LinkId link) override { asked_anew.push_back(link); }
  void end_requests(std::string_view) override {}
  void end_requests_of(const Authenticator::Withdrawn& gone) override { withdrawn.push_back(gone); }

  std::vector<std::string> refusals;
  std::vector<transport::LinkId> asked_anew;
  std::vector<Authenticator::Withdrawn> withdrawn;
};

struct Fixture {
  test::Folder data;
  test::Folder keys;
  AuthOptions options;
  Owner owner;
  Door door{owner};

  explicit Fixture(bool is_locked = true) {
    keys.write("k1.hs256", kSecret);
    keys.write("k2.hs256", kOther);
    if (is_locked) options.jwt.keys = keys.path();
    assert_ok(door.open(options, data.path()));
  }
  static std::string token(const char* kid, const char* secret) {
    return Signer::secret(secret).token(std::string(R"({"alg":"HS256","kid":")") + kid + "\"}",
                                        R"({"sub":"anna","exp":32503680000})");
  }
  // By what somebody with this token is let in by HTTP; empty: they are not.
  std::string way_of(const std::string& token) {
    std::string way;
    const transport::Admission admission = door.admit({.address = "1.2.3.4", .bearer = token}, way);
    return admission.status == transport::kAdmitted ? way : std::string();
  }
  void enter(transport::LinkId link, const std::string& token) {
    const transport::Admission admission = door.admit_link({.address = "1.2.3.4", .bearer = token});
    assert_int_equal(admission.status, transport::kAdmitted);
    door.entered(link, admission.identity, admission.claims);
  }
  void reload() {
    Authenticator::Plan plan;
    assert_ok(door.prepare(options, plan));
    door.adopt(std::move(plan));
  }
};

void a_key_that_goes_ends_what_came_by_it_without_a_link(void**) {
  Fixture at;
  const std::string first = at.way_of(Fixture::token("k1", kSecret));
  const std::string second = at.way_of(Fixture::token("k2", kOther));
  assert_false(first.empty() || second.empty());
  at.keys.remove("k1.hs256");
  at.reload();
  assert_true(at.owner.asked_anew.empty());
  assert_int_equal(at.owner.withdrawn.size(), 1);
  assert_true(at.owner.withdrawn[0].has(first));
  assert_false(at.owner.withdrawn[0].has(second));
}

void a_key_that_goes_ends_the_links_that_came_by_it(void**) {
  Fixture at;
  at.enter(kLink, Fixture::token("k1", kSecret));
  at.enter(kLink + 1, Fixture::token("k2", kOther));
  at.keys.remove("k1.hs256");
  // Reads the keys anew before the owner asks for it.
  assert_true(at.way_of(Fixture::token("k3", kSecret)).empty());
  at.reload();
  assert_true(at.owner.asked_anew == std::vector<transport::LinkId>{kLink});
}

// Whoever asks whether a gateway is ready, as machines do all day, is no intruder.
void who_shows_nothing_is_not_known_and_not_refused(void**) {
  Fixture at;
  assert_false(at.door.knows({.address = "1.2.3.4"}));
  assert_true(at.owner.refusals.empty());
}

void who_is_known_is_who_would_be_let_in(void**) {
  Fixture at;
  const std::string token = Fixture::token("k1", kSecret), wrong = Fixture::token("k1", kOther);
  assert_true(at.door.knows({.address = "1.2.3.4", .bearer = token}));
  assert_true(at.owner.refusals.empty());
  assert_false(at.door.knows({.address = "1.2.3.4", .bearer = wrong}));
  assert_int_equal(at.owner.refusals.size(), 1);
}

void a_door_without_a_lock_knows_its_neighbours_alone(void**) {
  Fixture at(false);
  assert_true(at.door.knows({.address = "127.0.0.1", .host = "localhost:7271"}));
  assert_false(at.door.knows({.address = "127.0.0.1", .host = "elsewhere.example"}));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_key_that_goes_ends_what_came_by_it_without_a_link),
      cmocka_unit_test(a_key_that_goes_ends_the_links_that_came_by_it),
      cmocka_unit_test(who_shows_nothing_is_not_known_and_not_refused),
      cmocka_unit_test(who_is_known_is_who_would_be_let_in),
      cmocka_unit_test(a_door_without_a_lock_knows_its_neighbours_alone),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
