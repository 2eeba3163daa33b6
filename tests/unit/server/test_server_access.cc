// SPDX-License-Identifier: Apache-2.0
//
// Principals on their links: whose node it is, until when they may stay, what their writes come to, and which rows they
// hold as these and their rights change.

#include "server/peers.h"
#include "server/permit.h"
#include "tests/unit/server/access_story.h"
#include "transport/wire_auth.h"

namespace grid::server {
namespace {

using namespace test;
using wire::PullMode;
using wire::ScopeKind;

const Grant kOwn{.map = "climate", .rights = {Right::read, Right::put, Right::remove}, .where = "owner = $user"};
const Grant kAll{.map = "climate", .rights = {Right::read, Right::put, Right::remove}};
const runtime::Scope kRows{ScopeKind::where, "climate", "owner exists"};

std::unique_ptr<Story> story_of(const std::vector<Grant>& grants) { return std::make_unique<Story>(grants); }

grid_Bye bye_of(const Frame& frame) {
  assert_int_equal(kind_of(frame), Kind::bye);
  return decoded<grid_Bye>(frame);
}
grid_Subscribed answer(Story& story, std::uint32_t id) {
  for (const Frame& frame : story.told()) {
    if (kind_of(frame) == Kind::subscribed && decoded<grid_Subscribed>(frame).id == id)
      return decoded<grid_Subscribed>(frame);
  }
  fail_msg("no answer");
  return {};
}
std::string ask_names(Story& story, const std::vector<std::string>& keys) {
  std::vector<crdt::Op> names;
  for (const std::string& key : keys) names.emplace_back().cell.name = {"climate", key, {}};
  story.bench.send(kAnn, ops_frame(Kind::cells_ask, {.id = 1, .map = "climate"}, names));
  return story.rows();
}

// ---- whose node

// PROTOCOL P1, P2
void a_node_is_its_principals_for_good(void**) {
  const auto story = story_of({kAll});
  story->ann();
  story->bench.close(kAnn);
  const grid_Bye bye = bye_of(story->come(3, "root", kB));
  assert_int_equal(bye.status, Status::denied);
  assert_string_equal(bye.reason,
                      "this store is another principal's: who logs in as somebody else needs a store of its own");
  story->bench.restart();
  assert_int_equal(bye_of(story->come(4, "root", kB)).status, Status::denied);
  assert_int_equal(kind_of(story->come(5, "ann", kB)), Kind::welcome);
}

// A record of a release that knew no principals, and of a gateway for development.
void a_node_that_nobody_proved_is_its_who_does_first(void**) {
  const auto story = story_of({kAll});
  story->bench.options.access = nullptr;
  story->bench.restart();
  const std::uint64_t token = story->bench.open(kAnn, kB).fork_token;
  story->bench.close(kAnn);
  assert_true(load_peer(story->bench.store, kB)->principal.empty());
  story->give({kAll});
  story->bench.options.access = &story->grants();
  story->bench.restart();
  assert_int_equal(kind_of(story->come(3, "ann", kB, "{}", token)), Kind::welcome);
  assert_string_equal(load_peer(story->bench.store, kB)->principal.c_str(), "ann");
  assert_int_equal(bye_of(story->come(4, "root", kB, "{}", token)).status, Status::denied);
}

void who_proves_nothing_is_not_let_in(void**) {
  const auto story = story_of({kAll});
  assert_int_equal(bye_of(story->come(kAnn, "", kB)).status, Status::denied);
  const std::string long_name(Permit::kIdentityBytesMax + 1, 'a');
  assert_int_equal(bye_of(story->come(3, long_name, kB)).status, Status::denied);
  story->bench.step({.kind = Event::Kind::link_up, .link = 4, .bytes = as_bytes("no value"), .identity = "ann"});
  story->bench.send(4, hello(kB));
  assert_int_equal(story->bench.farewell(4).status, Status::denied);
  assert_false(load_peer(story->bench.store, kB).ok());
}

// ---- until when

void a_session_ends_when_its_token_does(void**) {
  const auto story = story_of({kAll});
  const std::uint64_t seconds = kWallMs / 1'000;
  const std::string in_a_minute = "{\"exp\": " + std::to_string(seconds + 60) + "}";
  assert_int_equal(kind_of(story->come(kAnn, "ann", kB, in_a_minute)), Kind::welcome);
  assert_true(story->bench.coordinator->wake_at_ms() <= story->bench.now_ms + 60'000);
  story->bench.after(59'999);
  assert_true(story->told().empty());
  story->bench.after(1);
  const grid_Bye bye = story->bench.farewell(kAnn);
  assert_int_equal(bye.status, Status::denied);
  assert_string_equal(bye.reason, "the token has expired");
  // What says of its end what is no time has ended.
  for (const char* claims : {"{\"exp\": \"never\"}", "{\"exp\": -1}", "{\"exp\": 0}",
                             "{\"exp\": {\"$timestamp\": \"2026-01-01T00:00:00Z\"}}"}) {
    assert_int_equal(bye_of(story->come(3, "ann", kB, claims)).status, Status::denied);
  }
  assert_int_equal(kind_of(story->come(4, "ann", kB, "{\"exp\": 1e300}")), Kind::welcome);
}

Frame token(std::string_view text) {
  std::uint8_t room[64];
  const Result<Bytes> frame = wire::encode_auth(text, room);
  return {frame->begin(), frame->end()};
}
void prove(Story& story, std::string_view who, Status status = Status::ok, std::string_view claims = "{}") {
  const std::string value = value_of(claims);
  story.bench.step(
      {.kind = Event::Kind::proven, .link = kAnn, .bytes = as_bytes(value), .status = status, .identity = who});
}

void a_newer_token_goes_on_where_the_older_one_ends(void**) {
  const auto story = story_of({kAll});
  const std::uint64_t seconds = kWallMs / 1'000;
  const Frame welcome = story->come(kAnn, "ann", kB, "{\"exp\": " + std::to_string(seconds + 60) + "}");
  assert_true((decoded<grid_Welcome>(welcome).features & wire::kFeatureAuth) != 0);
  story->bench.send(kAnn, token("a.newer.one"));
  assert_int_equal(story->bench.proving.first, kAnn);
  assert_string_equal(story->bench.proving.second.c_str(), "a.newer.one");
  prove(*story, "ann", Status::ok, "{\"exp\": " + std::to_string(seconds + 3'600) + "}");
  story->bench.after(3'000'000);
  assert_true(story->told().empty());
  story->bench.after(600'000);
  assert_string_equal(story->bench.farewell(kAnn).reason, "the token has expired");
}

void a_token_that_is_no_good_ends_the_session(void**) {
  const auto refused = [](std::string_view who, Status status) {
    const auto story = story_of({kAll});
    story->ann();
    story->bench.send(kAnn, token("t"));
    prove(*story, who, status);
    return static_cast<Status>(story->bench.farewell(kAnn).status);
  };
  assert_status(refused("ann", Status::denied), Status::denied);
  assert_status(refused("root", Status::ok), Status::denied);
  assert_status(refused("", Status::ok), Status::denied);
  const auto revoked = story_of({kAll});
  revoked->ann();
  prove(*revoked, "ann", Status::denied);  // Which nobody asked for, as the next one.
  assert_int_equal(revoked->bench.farewell(kAnn).status, Status::denied);
  const auto story = story_of({kAll});
  story->ann();
  prove(*story, "root");
  story->bench.send(kAnn, token("t"));
  assert_true(story->told().empty());
  story->bench.send(kAnn, token("t"));
  assert_string_equal(story->bench.farewell(kAnn).reason, "one token at a time");
  story->bench.options.access = nullptr;
  story->bench.restart();
  story->bench.open(5, 0xc);
  story->bench.send(5, token("t"));
  assert_int_equal(story->bench.farewell(5).status, Status::corrupt);
}

void rights_that_change_end_the_session_and_others_do_not(void**) {
  const auto story = story_of({kAll});
  story->ann();
  story->give({kAll});
  assert_true(story->told().empty());
  story->give({kOwn});
  const grid_Bye bye = story->bench.farewell(kAnn);
  assert_int_equal(bye.status, Status::busy);
  assert_true(bye.retry_after_ms > 0);
  assert_true(story->told(kRoot).empty());
}

// ---- rows

// SEC-1
void rows_come_and_go_as_they_become_whose_they_are(void**) {
  const auto story = story_of({kOwn});
  story->ann();
  story->bench.send(kAnn, subscribe(1, {}, false, kRows));
  assert_string_equal(story->rows().c_str(), "anns");
  story->put(kRoot, "bobs", R"({"owner": "ann"})");
  assert_string_equal(story->rows().c_str(), "bobs");
  story->put(kRoot, "anns", R"({"owner": "bob"})");
  assert_string_equal(story->rows().c_str(), "-anns");
  story->put(kRoot, "anns", R"({"owner": "bob", "n": 1})");
  story->put(kRoot, "anns", "");
  story->put(kRoot, "more", R"({"owner": "eve"})");
  assert_string_equal(story->rows().c_str(), "");
  story->put(kRoot, "bobs", "");
  assert_string_equal(story->rows().c_str(), "xbobs -bobs");
}

// SEC-1
void a_digest_counts_only_what_may_be_read(void**) {
  const auto story = story_of({kOwn});
  story->ann();
  story->bench.send(kAnn, subscribe(1, {}, false, kRows));
  story->told();
  story->bench.send(kAnn, encoded(grid_Verify{1, false}));
  const std::vector<Frame> frames = story->told();
  assert_int_equal(frames.size(), 1);
  assert_int_equal(decoded<grid_Current>(frames[0]).count, 1);
}

// PROTOCOL P13
void a_cursor_of_other_rights_does_not_stand(void**) {
  const auto story = story_of({kOwn});
  story->ann();
  story->bench.send(kAnn, subscribe(1, {}, false, kRows));
  story->rows();
  const Frame narrow = story->cursor;
  story->bench.send(kAnn, subscribe(2, narrow, true, kRows));
  assert_int_equal(answer(*story, 2).mode, PullMode::resume);
  story->give({kAll});
  story->bench.close(kAnn);
  story->ann();
  story->bench.send(kAnn, subscribe(1, narrow, true, kRows));
  assert_int_equal(answer(*story, 1).mode, PullMode::compare);
  story->put(kRoot, "new", R"({"owner": "eve"})");
  story->rows();
  const Frame wide = story->cursor;
  story->give({kOwn});
  story->bench.close(kAnn);
  story->ann();
  story->bench.send(kAnn, subscribe(1, wide, true, kRows));
  assert_int_equal(answer(*story, 1).mode, PullMode::compare);
  assert_string_equal(ask_names(*story, {"anns", "bobs", "new"}).c_str(), "anns -bobs -new");
}

// SEC-1  Who may read nothing any more is told to let go of what it holds, and not what there is.
void who_may_read_nothing_any_more_lets_go(void**) {
  const auto story = story_of({});
  story->ann();
  story->bench.send(kAnn, subscribe(1, {}, false, kRows));
  assert_int_equal(answer(*story, 1).status, Status::denied);
  story->bench.send(kAnn, subscribe(1, {}, true, kRows));
  assert_int_equal(answer(*story, 1).mode, PullMode::compare);
  assert_string_equal(ask_names(*story, {"anns", "bobs", "never"}).c_str(), "-anns -bobs -never");
  story->put(kRoot, "anns", R"({"owner": "ann", "n": 2})");
  assert_string_equal(story->rows().c_str(), "");
}

void a_scope_without_a_predicate_is_refused_where_rows_are_told_apart(void**) {
  const auto story = story_of({kOwn});
  story->ann();
  std::uint32_t id = 0;
  for (const runtime::Scope& scope :
       {runtime::Scope{}, runtime::Scope{ScopeKind::map, "climate", {}},
        runtime::Scope{ScopeKind::prefix, "climate", "an"}, runtime::Scope{ScopeKind::key, "climate", "anns"}}) {
    story->bench.send(kAnn, subscribe(++id, {}, true, scope));
    assert_int_equal(answer(*story, id).status, Status::denied);
  }
}

// PROTOCOL P21  On the old value and on the new one.
void rows_of_others_are_neither_taken_nor_given_away(void**) {
  const auto story = story_of({kOwn});
  story->ann();
  const auto verdict = [&story](std::string_view key, std::string_view json, std::string_view sub = {}) {
    story->put(kAnn, key, json, sub);
    return story->verdict();
  };
  assert_status(verdict("anns", R"({"owner": "ann", "n": 1})"), Status::ok);
  assert_status(verdict("anns", R"({"owner": "bob"})"), Status::denied);
  assert_status(verdict("anns", R"({"n": 1})"), Status::denied);
  assert_status(verdict("bobs", R"({"owner": "ann"})"), Status::denied);
  assert_status(verdict("bobs", ""), Status::denied);
  assert_status(verdict("new", R"({"owner": "ann"})"), Status::ok);
  // What lies beside a row goes by the row.
  assert_status(verdict("new", R"(7)", "tag"), Status::ok);
  assert_status(verdict("bobs", R"(7)", "tag"), Status::denied);
  assert_status(verdict("none", R"(7)", "tag"), Status::denied);
  // No tombstone for a row that is yet to come.
  assert_status(verdict("never", ""), Status::denied);
  assert_string_equal(story->standing("never").c_str(), "none");
  assert_status(verdict("new", ""), Status::ok);
  assert_string_equal(story->standing("new").c_str(), "");
  assert_string_equal(story->standing("bobs").c_str(),
                      value_of("{\"owner\": \"bob\", \"note\": \"only for bob\"}").c_str());
}

// PROTOCOL P9
void a_unit_is_taken_as_a_whole_or_not(void**) {
  const auto story = story_of({kOwn});
  story->ann();
  const auto unit = [&story](crdt::Op first, crdt::Op second) {
    first.unit = {.before = 0, .left = 1};
    second.unit = {.before = 1, .left = 0};
    story->bench.send(kAnn, push({first, second}));
    return story->verdict();
  };
  const crdt::Op own = story->op(kAnn, "x", R"({"owner": "ann"})"), bobs = story->op(kAnn, "bobs", "");
  assert_status(unit(own, bobs), Status::denied);
  assert_string_equal(story->standing("x").c_str(), "none");
  // On what it leaves behind: the tag comes before the row that it belongs to.
  const crdt::Op tag = story->op(kAnn, "x", "7", "tag"), row = story->op(kAnn, "x", R"({"owner": "ann"})");
  assert_status(unit(tag, row), Status::ok);
  assert_string_equal(story->standing("x", "tag").c_str(), value_of("7").c_str());
}

// PROTOCOL P21
void a_refusal_shows_only_what_may_be_read(void**) {
  const auto story = story_of({{.map = "climate", .rights = {Right::put}, .where = "owner = $user"}});
  story->ann();
  for (const char* key : {"anns", "bobs"}) {
    story->put(kAnn, key, R"({"owner": "eve"})");
    bool is_refused = false;
    for (const Frame& frame : story->told()) {
      wire::OpsReader reader;
      crdt::Op op;
      if (kind_of(frame) != Kind::reject || reader.open(frame) != Status::ok || !reader.next(op)) continue;
      is_refused = true;
      assert_true(op.cell.stamp.is_none() && op.cell.value.empty());
      assert_string_equal(std::string(reader.head().reason).c_str(), "no grant to put this in map climate");
    }
    assert_true(is_refused);
  }
  assert_false(story->was_told(kSecret));
  // But what it wrote itself.
  story->put(kAnn, "new", R"({"owner": "ann"})");
  story->told();
  story->put(kAnn, "new", R"({"owner": "eve"})");
  story->told();
  assert_true(story->was_told(value_of(R"({"owner": "ann"})")));
}

// SEC-1  A device that writes what it can't see learns nothing of what becomes of it.
void who_writes_blindly_is_not_told_what_stands(void**) {
  const auto story = story_of({{.map = "climate", .rights = {Right::read}, .where = "owner = $user"},
                               {.map = "climate", .rights = {Right::put, Right::remove}}});
  story->put(kRoot, "gone", R"({"owner": "bob"})");
  story->put(kRoot, "gone", "");
  story->ann();
  story->bench.send(kAnn, subscribe(1, {}, false, kRows));
  story->rows();
  const std::string value = value_of(R"({"owner": "ann"})");
  for (const char* key : {"gone", "bobs"}) {
    crdt::Op late = put(story->op(kAnn, key, "1").seq, key, kWallMs - 1'000, kB, as_bytes(value));
    story->bench.send(kAnn, push({late}));
    story->bench.flush();
    assert_string_equal(story->rows().c_str(), (std::string("-") + key).c_str());
  }
  assert_false(story->was_told(kSecret));
}

// PROTOCOL P7
void what_was_relayed_before_is_answered_by_a_newer_write(void**) {
  const auto story = story_of({kAll});
  story->ann();
  story->put(kAnn, "anns", R"({"owner": "ann", "n": 1})");
  const crdt::Stamp before = story->bench.store.find({"climate", "anns", {}})->cell.stamp;
  story->told();
  story->give({{.map = "climate", .rights = {Right::read}}});
  story->bench.close(kAnn);
  story->ann();
  crdt::Op again = story->op(kAnn, "anns", R"({"owner": "ann", "n": 2})");
  again.was_applied = true;
  story->bench.send(kAnn, push({again}));
  assert_status(story->verdict(), Status::denied);
  const Result<crdt::Op> standing = story->bench.store.find({"climate", "anns", {}});
  assert_true(standing->cell.stamp > again.cell.stamp && before < again.cell.stamp);
  assert_string_equal(std::string(as_text(standing->cell.value)).c_str(),
                      value_of(R"({"owner": "ann", "n": 1})").c_str());
  // Whoever had nothing taken here makes nothing be written by saying so.
  story->come(3, "ann", 0xc);
  crdt::Op never{.cell = {{"climate", "never", {}}, crdt::Stamp::of(kWallMs + 900, 0, 0xc), 0, kOne}};
  never.seq = 1;
  never.was_applied = true;
  story->bench.send(3, push({never}));
  story->bench.flush();
  assert_string_equal(story->standing("never").c_str(), "none");
}

// PROTOCOL P1  Its node must know it again; but it is not written again, and nothing else is in its place.
void what_was_taken_before_rights_went_is_acknowledged(void**) {
  const auto story = story_of({kAll});
  story->ann();
  const crdt::Op op = story->op(kAnn, "anns", R"({"owner": "ann", "n": 1})");
  story->bench.send(kAnn, push({op}));
  story->told();
  story->put(kRoot, "anns", "");
  story->give({});
  story->bench.close(kAnn);
  story->ann();
  story->bench.send(kAnn, push({op}));
  assert_status(story->verdict(), Status::ok);
  assert_string_equal(story->standing("anns").c_str(), "");
  crdt::Op forged = story->op(kAnn, "anns", R"({"owner": "ann", "n": 9})");
  forged.cell.stamp = op.cell.stamp;
  story->bench.send(kAnn, push({forged}));
  assert_status(story->verdict(), Status::denied);
}

// PROTOCOL P19, P21
void who_gives_back_what_was_lost_does_not_see_what_was_not(void**) {
  const auto story = story_of({kOwn});
  story->ann(crdt::Stamp::of(kWallMs + 90'000, 0, 0).time);
  story->bench.send(kAnn, subscribe(1, {}, true, kRows));
  const grid_Subscribed subscribed = answer(*story, 1);
  assert_true(subscribed.mode == static_cast<std::uint32_t>(PullMode::compare) && subscribed.heal);
  story->put(kRoot, "gone", R"({"owner": "ann"})");
  story->put(kRoot, "gone", "");
  story->told();
  assert_string_equal(ask_names(*story, {"anns", "bobs", "gone", "lost"}).c_str(), "anns -bobs -gone ?lost");
  story->bench.send(
      kAnn, ops_frame(Kind::heal, {.id = 1, .map = "climate"},
                      {story->op(kAnn, "bobs", R"({"owner": "ann"})"), story->op(kAnn, "lost", R"({"owner": "ann"})"),
                       story->op(kAnn, "other", R"({"owner": "eve"})")}));
  story->told();
  assert_string_equal(story->standing("lost").c_str(), value_of(R"({"owner": "ann"})").c_str());
  assert_string_equal(story->standing("other").c_str(), "none");
  assert_true(story->standing("bobs").find(kSecret) != std::string::npos);
}

// A device that may write nothing keeps what the gateway lacks, and says so.
void who_may_not_put_gives_nothing_back(void**) {
  const auto story = story_of({{.map = "climate", .rights = {Right::read}}});
  story->ann(crdt::Stamp::of(kWallMs + 90'000, 0, 0).time);
  story->bench.send(kAnn, subscribe(1, {}, true, {ScopeKind::map, "climate", {}}));
  assert_false(answer(*story, 1).heal);
  assert_string_equal(ask_names(*story, {"lost"}).c_str(), "?lost");
  story->bench.send(kAnn, ops_frame(Kind::heal, {.id = 1, .map = "climate"}, {story->op(kAnn, "lost", "1")}));
  story->told();
  assert_string_equal(story->standing("lost").c_str(), "none");
}

// ---- looking in

void who_inspects_some_maps_sees_subscriptions_to_these(void**) {
  const auto story = story_of({{.map = "clim*", .rights = {Right::inspect}}});
  story->bench.send(kRoot, subscribe(1, {}, false, {ScopeKind::map, "climate", {}}));
  story->bench.send(kRoot, subscribe(2, {}, false, {ScopeKind::where, "people", "name = 'eve'"}));
  story->bench.send(kRoot, subscribe(3));
  story->told(kRoot);
  story->ann();
  grid_InspectAsk ask = grid_InspectAsk_init_zero;
  ask.id = 7;
  set(ask.topic, "subs");
  story->bench.send(kAnn, encoded(ask));
  wire::OpsReader reader;
  const std::vector<Frame> frames = story->told();
  assert_ok(reader.open(frames.at(0)));
  std::size_t count = 0;
  for (crdt::Op op; reader.next(op); ++count) {
    assert_string_equal(std::string(crdt::Value(op.cell.value)["map"].text_or({})).c_str(), "climate");
  }
  assert_int_equal(count, 1);
  assert_false(story->was_told("eve"));
}

}  // namespace
}  // namespace grid::server

int main() {
  using namespace grid::server;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_node_is_its_principals_for_good),
      cmocka_unit_test(a_node_that_nobody_proved_is_its_who_does_first),
      cmocka_unit_test(who_proves_nothing_is_not_let_in),
      cmocka_unit_test(a_session_ends_when_its_token_does),
      cmocka_unit_test(a_newer_token_goes_on_where_the_older_one_ends),
      cmocka_unit_test(a_token_that_is_no_good_ends_the_session),
      cmocka_unit_test(rights_that_change_end_the_session_and_others_do_not),
      cmocka_unit_test(rows_come_and_go_as_they_become_whose_they_are),
      cmocka_unit_test(a_digest_counts_only_what_may_be_read),
      cmocka_unit_test(a_cursor_of_other_rights_does_not_stand),
      cmocka_unit_test(who_may_read_nothing_any_more_lets_go),
      cmocka_unit_test(a_scope_without_a_predicate_is_refused_where_rows_are_told_apart),
      cmocka_unit_test(rows_of_others_are_neither_taken_nor_given_away),
      cmocka_unit_test(a_unit_is_taken_as_a_whole_or_not),
      cmocka_unit_test(a_refusal_shows_only_what_may_be_read),
      cmocka_unit_test(who_writes_blindly_is_not_told_what_stands),
      cmocka_unit_test(what_was_relayed_before_is_answered_by_a_newer_write),
      cmocka_unit_test(what_was_taken_before_rights_went_is_acknowledged),
      cmocka_unit_test(who_gives_back_what_was_lost_does_not_see_what_was_not),
      cmocka_unit_test(who_may_not_put_gives_nothing_back),
      cmocka_unit_test(who_inspects_some_maps_sees_subscriptions_to_these),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
