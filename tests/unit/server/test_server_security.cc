// SPDX-License-Identifier: Apache-2.0
//
// SEC-1: every way into a gateway, tried with the grant that it takes and without it. A kind of frame, a verb of
// channels, a topic of inspection or a kind of scope that has no row in the table fails the test.

#include <set>

#include "crdt/facts.h"
#include "crdt/or_map.h"
#include "crdt/pn_counter.h"
#include "server/session.h"
#include "tests/unit/server/access_story.h"
#include "transport/wire_auth.h"
#include "transport/wire_channel.h"
#include "transport/wire_entities.h"
#include "transport/wire_search.h"

namespace grid::server {
namespace {

using namespace test;
using wire::ChannelItem;
using wire::ChannelVerb;
using wire::PullMode;
using wire::ScopeKind;

bool has_kind(const std::vector<Frame>& frames, Kind kind) {
  return std::any_of(frames.begin(), frames.end(), [kind](const Frame& frame) { return kind_of(frame) == kind; });
}

// ---- the ways in: each says whether it led to anything

bool subscribes(Story& story, const runtime::Scope& scope) {
  story.ann();
  story.bench.send(kAnn, subscribe(1, {}, false, scope));
  return story.rows().find("anns") != std::string::npos;
}
bool subscribes_everything(Story& story) { return subscribes(story, {}); }
bool subscribes_map(Story& story) { return subscribes(story, {ScopeKind::map, "climate", {}}); }
bool subscribes_prefix(Story& story) { return subscribes(story, {ScopeKind::prefix, "climate", "an"}); }
bool subscribes_key(Story& story) { return subscribes(story, {ScopeKind::key, "climate", "anns"}); }
bool subscribes_where(Story& story) { return subscribes(story, {ScopeKind::where, "climate", "owner exists"}); }
std::string_view owner_fact(std::uint8_t (&room)[crdt::FactName::kBytesMax]) {
  return *crdt::FactName::write("owner", false, {}, room);
}
bool subscribes_facts(Story& story) {
  std::uint8_t room[crdt::FactName::kBytesMax];
  story.put(kRoot, "anns hut", R"("ann")", owner_fact(room));
  return subscribes(story, {ScopeKind::facts, "climate", "owner"});
}
bool subscribes_entity(Story& story) {
  std::uint8_t room[crdt::FactName::kBytesMax];
  story.put(kRoot, "anns hut", R"("ann")", owner_fact(room));
  return subscribes(story, {ScopeKind::entity, "climate", "anns hut"});
}
bool hears_deltas(Story& story) {
  story.ann();
  story.bench.send(kAnn, subscribe(1, {}, false, {ScopeKind::where, "climate", "owner exists"}));
  story.told();
  story.put(kRoot, "late", R"({"owner": "ann"})");
  return story.rows().find("late") != std::string::npos;
}

bool puts(Story& story, std::string_view sub) {
  story.ann();
  story.put(kAnn, "anns", R"({"owner": "ann", "n": 1})", sub);
  const bool is_denied = story.verdict() == Status::denied;
  const std::string value = value_of(R"({"owner": "ann", "n": 1})");
  assert_int_equal(story.standing("anns", sub) == value, !is_denied);
  return !is_denied;
}
bool puts_a_row(Story& story) { return puts(story, {}); }
bool adds_to_a_set(Story& story) {
  std::uint8_t room[crdt::OrTag::kBytes];
  return puts(story, crdt::OrTag{kB, 7}.write(room));
}
bool counts(Story& story) {
  std::uint8_t room[crdt::CounterPart::kNameBytes];
  return puts(story, crdt::CounterPart::name(kB, room));
}
bool writes_a_fact(Story& story) {
  std::uint8_t room[crdt::FactName::kBytesMax];
  story.ann();
  story.put(kAnn, "anns hut", R"("ann")", owner_fact(room));
  const bool is_denied = story.verdict() == Status::denied;
  assert_int_equal(story.standing("anns hut", owner_fact(room)) == value_of(R"("ann")"), !is_denied);
  return !is_denied;
}
bool deletes_an_entity(Story& story) {
  std::uint8_t room[crdt::FactName::kBytesMax];
  story.put(kRoot, "anns hut", R"("ann")", owner_fact(room));
  story.ann();
  story.put(kAnn, "anns hut", "", crdt::kMarker);
  const bool is_denied = story.verdict() == Status::denied;
  assert_int_equal(story.standing("anns hut", owner_fact(room)) == value_of(R"("ann")"), is_denied);
  return !is_denied;
}
bool removes_a_row(Story& story) {
  story.ann();
  story.put(kAnn, "anns", "");
  const bool is_denied = story.verdict() == Status::denied;
  assert_int_equal(story.standing("anns").empty(), !is_denied);
  return !is_denied;
}
// The shape of a heal: a device that was promised more than the gateway has.
bool heals(Story& story) {
  story.ann(crdt::Stamp::of(kWallMs + 90'000, 0, 0).time);
  story.bench.send(kAnn, subscribe(1, {}, true, {ScopeKind::where, "climate", "owner exists"}));
  story.told();
  story.bench.send(kAnn,
                   ops_frame(Kind::heal, {.id = 1, .map = "climate"}, {story.op(kAnn, "lost", R"({"owner": "ann"})")}));
  story.told();
  return story.standing("lost") != "none";
}

// Who has something of before compares it.
void begin_to_compare(Story& story) {
  story.ann();
  story.bench.send(kAnn, subscribe(1, {}, true, {ScopeKind::map, "climate", {}}));
  story.told();
}
bool asks_for_digests(Story& story) {
  begin_to_compare(story);
  Frame room(1'024);
  wire::DigestsWriter ask(Kind::digest_ask, 1, "climate", room);
  assert_true(ask.add_ask({wire::kWholeMap, 0}));
  room.resize(ask.finish(true).size());
  story.bench.send(kAnn, room);
  return has_kind(story.told(), Kind::digest_reply);
}
bool asks_for_what_it_has_not(Story& story) {
  begin_to_compare(story);
  Frame room(1'024);
  wire::DigestsWriter have(Kind::have, 1, "climate", room);
  const std::uint16_t partition = crdt::position_of("farm", "climate", "anns").partition;
  assert_true(have.add_digests({partition, 0, 0}, {}));
  room.resize(have.finish(true).size());
  story.bench.send(kAnn, room);
  return story.rows().find("anns") != std::string::npos;
}
bool asks_for_a_name(Story& story) {
  begin_to_compare(story);
  crdt::Op name;
  name.cell.name = {"climate", "anns", {}};
  story.bench.send(kAnn, ops_frame(Kind::cells_ask, {.id = 1, .map = "climate"}, {name}));
  return story.rows() == "anns";
}
bool verifies(Story& story) {
  begin_to_compare(story);
  story.bench.send(kAnn, encoded(grid_Verify{1, true}));
  return has_kind(story.told(), Kind::current);
}

bool inspects(Story& story, std::string_view topic, LinkId link, crdt::NodeId node) {
  story.come(link, "ann", node);
  story.bench.send(kRoot, subscribe(1, {}, false, {ScopeKind::map, "climate", {}}));
  story.told(kRoot);
  grid_InspectAsk ask = grid_InspectAsk_init_zero;
  ask.id = 7;
  set(ask.topic, topic);
  story.bench.send(link, encoded(ask));
  wire::OpsReader reader;
  crdt::Op op;
  const std::vector<Frame> frames = story.told(link);
  assert_int_equal(frames.size(), 1);
  assert_ok(reader.open(frames[0]));
  return reader.head().status == Status::ok && reader.next(op);
}
bool inspects_status(Story& story) { return inspects(story, "status", kAnn, kB); }
bool inspects_subscriptions(Story& story) { return inspects(story, "subs", kAnn, kB); }
bool inspects_devices(Story& story) { return inspects(story, "devices", kAnn, kB); }
bool looks_on(Story& story) { return inspects(story, "status", 3, wire::kOnlookerNode); }

bool searches(Story& story) {
  story.ann();
  std::uint8_t room[wire::kSearchAskBytesMax];
  const Bytes ask = wire::encode(wire::SearchAsk{.id = 7, .map = "climate", .text = "bob"}, room);
  story.bench.wants_search = false;
  story.bench.send(kAnn, {ask.begin(), ask.end()});
  const bool is_refused = has_kind(story.told(), Kind::search_reply);
  assert_int_equal(story.bench.wants_search, !is_refused);
  return !is_refused;
}

bool asks_for_entities(Story& story) {
  story.ann();
  std::vector<std::uint8_t> ask(wire::kEntitiesAskBytesMax);
  ask.resize(wire::encode(wire::EntitiesAsk{7, "climate", "[:find ?e :where [?e :owner]]", {}, 1}, ask).size());
  story.bench.send(kAnn, ask);
  const bool is_refused = has_kind(story.told(), Kind::entities_reply);
  assert_int_equal(story.bench.coordinator->entities().has_work(), !is_refused);
  return !is_refused;
}

// Whether it was done: an item that is refused is told so.
bool says(Story& story, const ChannelItem& item) {
  Frame room(4'096);
  wire::ChannelWriter writer(room);
  assert_true(writer.add(item));
  room.resize(writer.finish().size());
  story.bench.send(kAnn, room);
  for (const Frame& frame : story.told()) {
    wire::ChannelReader reader(frame);
    for (ChannelItem answer; kind_of(frame) == Kind::channel && reader.next(answer);) {
      if (answer.verb == ChannelVerb::refused) assert_status(answer.status, Status::denied);
      if (answer.verb == ChannelVerb::refused) return false;
    }
  }
  return true;
}
void root_joins(Story& story) {
  Frame room(4'096);
  wire::ChannelWriter writer(room);
  assert_true(writer.add({.verb = ChannelVerb::join, .name = "hall", .value = kOne}));
  room.resize(writer.finish().size());
  story.bench.send(kRoot, room);
}
bool says_alone(Story& story, ChannelVerb verb) {
  root_joins(story);
  story.ann();
  return says(story, {.verb = verb,
                      .name = "hall",
                      .value = verb == ChannelVerb::attend || verb == ChannelVerb::subscribe ? Bytes{} : Bytes(kOne)});
}
bool publishes(Story& story) { return says_alone(story, ChannelVerb::publish); }
bool listens(Story& story) { return says_alone(story, ChannelVerb::subscribe); }
bool joins(Story& story) { return says_alone(story, ChannelVerb::join); }
bool attends(Story& story) { return says_alone(story, ChannelVerb::attend); }
bool sets_the_rooms_status(Story& story) { return says_alone(story, ChannelVerb::set_room_status); }
bool tells(Story& story) { return says_alone(story, ChannelVerb::tell); }
// Who is in no room has no status there.
bool sets_its_status(Story& story) {
  root_joins(story);
  story.ann();
  return says(story, {.verb = ChannelVerb::join, .name = "hall", .value = kOne}) &&
         says(story, {.verb = ChannelVerb::set_status, .name = "hall", .value = kTwo});
}

// By HTTP: of all facts of the map, or not at all.
bool asks_datalog(Story& story) {
  const std::string claims = value_of("{}");
  return story.bench.coordinator->may_ask_facts("ann", as_bytes(claims), "climate") == Status::ok;
}

const std::vector<Right> kHear{Right::subscribe}, kSay{Right::publish}, kBoth{Right::subscribe, Right::publish};
const Grant kRead{.map = "climate", .rights = {Right::read}}, kReadAll{.map = "*", .rights = {Right::read}},
    kPut{.map = "climate", .rights = {Right::put}}, kRemove{.map = "climate", .rights = {Right::remove}},
    kReadPut{.map = "climate", .rights = {Right::read, Right::put}}, kInspect{.rights = {Right::inspect}},
    kListen{.channel = "hall", .rights = kHear}, kSpeak{.channel = "hall", .rights = kSay},
    kMeet{.channel = "hall", .rights = kBoth};

struct Way {
  const char* name;
  Kind kind;
  bool (*try_it)(Story&);
  Grant takes;
};
const Way kWays[] = {
    {"subscribe everything", Kind::subscribe, subscribes_everything, kReadAll},
    {"subscribe map", Kind::subscribe, subscribes_map, kRead},
    {"subscribe prefix", Kind::subscribe, subscribes_prefix, kRead},
    {"subscribe key", Kind::subscribe, subscribes_key, kRead},
    {"subscribe where", Kind::subscribe, subscribes_where, kRead},
    {"subscribe facts", Kind::subscribe, subscribes_facts, kRead},
    {"subscribe entity", Kind::subscribe, subscribes_entity, kRead},
    {"live deltas", Kind::subscribe, hears_deltas, kRead},
    {"put", Kind::push, puts_a_row, kPut},
    {"add to a set", Kind::push, adds_to_a_set, kPut},
    {"count", Kind::push, counts, kPut},
    {"write a fact", Kind::push, writes_a_fact, kPut},
    {"delete an entity", Kind::push, deletes_an_entity, kRemove},
    {"remove", Kind::push, removes_a_row, kRemove},
    {"heal", Kind::heal, heals, kReadPut},
    {"digests", Kind::digest_ask, asks_for_digests, kRead},
    {"have", Kind::have, asks_for_what_it_has_not, kRead},
    {"cells by name", Kind::cells_ask, asks_for_a_name, kRead},
    {"verify", Kind::verify, verifies, kRead},
    {"inspect status", Kind::inspect_ask, inspects_status, kInspect},
    {"inspect subs", Kind::inspect_ask, inspects_subscriptions, kInspect},
    {"inspect devices", Kind::inspect_ask, inspects_devices, kInspect},
    {"look on", Kind::inspect_ask, looks_on, kInspect},
    {"datalog", Kind::subscribe, asks_datalog, kRead},
    {"search", Kind::search_ask, searches, kRead},
    {"entities", Kind::entities_ask, asks_for_entities, kRead},
    {"channel publish", Kind::channel, publishes, kSpeak},
    {"channel subscribe", Kind::channel, listens, kListen},
    {"channel join", Kind::channel, joins, kMeet},
    {"channel attend", Kind::channel, attends, kListen},
    {"channel room_status", Kind::channel, sets_the_rooms_status, kSpeak},
    {"channel tell", Kind::channel, tells, kSpeak},
    {"channel status", Kind::channel, sets_its_status, kMeet},
};
// They lead nowhere by themselves: who they are from is judged before (hello, auth), what they are about was granted
// (unsubscribe, pull_ack), or they ask for nothing (bye).
constexpr Kind kHarmless[] = {Kind::hello, Kind::auth, Kind::unsubscribe, Kind::pull_ack, Kind::bye};
constexpr Kind kOfServer[] = {Kind::welcome,      Kind::subscribed,   Kind::ack,           Kind::reject,
                              Kind::delta,        Kind::current,      Kind::lacks,         Kind::inspect_reply,
                              Kind::digest_reply, Kind::search_reply, Kind::entities_reply};
// To give up what one has, and to say that one is there, is free.
constexpr ChannelVerb kFreeVerbs[] = {ChannelVerb::unsubscribe, ChannelVerb::leave, ChannelVerb::beat};

// Everything, but elsewhere.
std::vector<Grant> rights_elsewhere(Right but) {
  std::vector<Grant> grants{
      {.map = "weather", .rights = {Right::read, Right::put, Right::remove}},
      {.map = "climat", .rights = {Right::read, Right::put, Right::remove}},
      {.app = "house", .map = "*", .rights = {Right::read, Right::put, Right::remove, Right::inspect}},
      {.channel = "hall/+", .rights = {Right::subscribe, Right::publish}}};
  // And here, all that this way does not take.
  for (const Right right : {Right::read, Right::put, Right::remove, Right::inspect, Right::subscribe, Right::publish}) {
    const bool is_channel = right == Right::subscribe || right == Right::publish;
    const bool goes_along = but == Right::read && right == Right::put;  // Heals take both.
    if (right == but || goes_along) continue;
    grants.push_back(
        {.map = is_channel || right == Right::inspect ? "" : "*", .channel = is_channel ? "#" : "", .rights = {right}});
  }
  return grants;
}

// SEC-1
void every_way_takes_its_grant_and_no_other_will_do(void**) {
  for (const Way& way : kWays) {
    const auto with = std::make_unique<Story>(std::vector<Grant>{way.takes});
    if (!way.try_it(*with)) fail_msg("%s: refused with its grant", way.name);
    const auto nothing = std::make_unique<Story>(std::vector<Grant>{});
    if (way.try_it(*nothing)) fail_msg("%s: taken without a grant", way.name);
    assert_false(nothing->was_told(kSecret));
    for (const Right right : way.takes.rights) {
      const auto without = std::make_unique<Story>(rights_elsewhere(right));
      if (way.try_it(*without)) fail_msg("%s: taken without %s", way.name, name_of(right));
      if (right == Right::read) assert_false(without->was_told(kSecret));
    }
  }
}

// SEC-1  Of a row grant, each way leads to rows of it alone.
void no_way_leads_to_rows_of_others(void**) {
  const Grant own{.map = "climate", .rights = {Right::read, Right::put, Right::remove}, .where = "owner = $user"};
  for (const Way& way : kWays) {
    const auto story = std::make_unique<Story>(std::vector<Grant>{own});
    const std::string before = story->standing("bobs");
    way.try_it(*story);
    story->put(kAnn, "bobs", R"({"owner": "ann"})");
    story->put(kAnn, "bobs", "");
    story->told();
    assert_string_equal(story->standing("bobs").c_str(), before.c_str());
    if (story->was_told(kSecret)) fail_msg("%s: told of a row of bob's", way.name);
  }
}

// An item of no verb is passed over.
bool is_verb(std::uint8_t verb) {
  const std::uint8_t frame[] = {static_cast<std::uint8_t>(Kind::channel), 0x7a, 2, 8, verb};
  wire::ChannelReader reader(frame);
  ChannelItem item;
  return reader.next(item) || reader.status() != Status::ok;
}

// SEC-1  Whoever adds a way says here what it takes.
void every_frame_verb_topic_and_scope_has_its_row(void**) {
  std::set<Kind> kinds(std::begin(kHarmless), std::end(kHarmless));
  kinds.insert(std::begin(kOfServer), std::end(kOfServer));
  std::set<std::string> names;
  for (const Way& way : kWays) {
    kinds.insert(way.kind);
    names.insert(way.name);
  }
  for (unsigned byte = 0; byte < 256; ++byte) {
    const std::uint8_t frame[] = {static_cast<std::uint8_t>(byte)};
    const Result<Kind> kind = wire::kind_of(frame);
    if (kind.ok() && !kinds.contains(*kind)) fail_msg("frames of kind %u have no row in the table", byte);
  }
  std::set<ChannelVerb> free(std::begin(kFreeVerbs), std::end(kFreeVerbs));
  for (std::uint8_t verb = 1; wire::is_for_server(static_cast<ChannelVerb>(verb)); ++verb) {
    if (!is_verb(verb) || free.contains(static_cast<ChannelVerb>(verb))) continue;
    const std::string name = std::string("channel ") + wire::name_of(static_cast<ChannelVerb>(verb));
    if (!names.contains(name)) fail_msg("%s has no row in the table", name.c_str());
  }
  for (const std::string_view topic : kInspectTopics) assert_true(names.contains("inspect " + std::string(topic)));
  const char* const scopes[] = {"everything", "map", "prefix", "key", "where", "facts", "entity"};
  for (unsigned kind = 0; kind < 256; ++kind) {
    const Status status =
        runtime::Scope{static_cast<ScopeKind>(kind), kind == 0 ? "" : "m", kind < 2 ? "" : "k"}.check();
    if (status != Status::ok) continue;
    assert_true(kind < std::size(scopes) && names.contains(std::string("subscribe ") + scopes[kind]));
  }
}

// What is sent by nobody but a gateway is refused from everybody.
void what_only_a_gateway_says_ends_the_session(void**) {
  for (const Kind kind : kOfServer) {
    const auto story = std::make_unique<Story>(std::vector<Grant>{});
    story->ann();
    story->bench.send(kAnn, {static_cast<std::uint8_t>(kind)});
    assert_int_not_equal(story->bench.farewell(kAnn).status, Status::ok);
  }
}

// Whoever has no grant and tells of a loss that never was: nothing is written for it, least of all far ahead.
void a_loss_that_is_made_up_has_nothing_written_for_it(void**) {
  const auto story = std::make_unique<Story>(std::vector<Grant>{{.map = "other", .rights = {Right::read}}});
  const crdt::Stamp before = story->bench.store.find({"climate", "bobs", {}})->cell.stamp;
  story->ann(1);
  story->bench.send(kAnn, subscribe(1, {}, true, {wire::ScopeKind::where, "climate", "owner exists"}));
  story->told();
  grid_Verify verify = grid_Verify_init_zero;
  verify.id = 1;
  story->bench.send(kAnn, encoded(verify));
  story->told();
  constexpr std::uint64_t kDecadeMs = 10ull * 365 * 86'400'000;
  crdt::Seq seq = 0;
  for (const std::uint64_t wall_ms : {kWallMs + 900, kWallMs + kDecadeMs}) {
    for (const char* key : {"bobs", "never"}) {
      crdt::Op made_up{.cell = {{"climate", key, {}}, crdt::Stamp::of(wall_ms, 0, kB), 0, kOne}};
      made_up.seq = ++seq;
      made_up.was_applied = true;
      story->bench.send(kAnn, push({made_up}));
      story->told();
    }
  }
  assert_true(story->bench.store.find({"climate", "bobs", {}})->cell.stamp == before);
  assert_string_equal(story->standing("never").c_str(), "none");
}

}  // namespace
}  // namespace grid::server

int main() {
  using namespace grid::server;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_loss_that_is_made_up_has_nothing_written_for_it),
      cmocka_unit_test(every_way_takes_its_grant_and_no_other_will_do),
      cmocka_unit_test(no_way_leads_to_rows_of_others),
      cmocka_unit_test(every_frame_verb_topic_and_scope_has_its_row),
      cmocka_unit_test(what_only_a_gateway_says_ends_the_session),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
