// SPDX-License-Identifier: Apache-2.0
//
// What a question is subscribed to: the entities that the server names, those that were known before, or attributes.

#include <set>

#include "runtime/query/fact_pull.h"
#include "runtime/replica_status.h"
#include "tests/unit/query/fact_bench.h"

namespace grid::runtime {
namespace {

using test::FactBench;

constexpr const char* kNobody = "=\"";  // The scope of no entity: while it stands, what no scope has goes.
constexpr const char* kSelective = "[:find ?n :in $ ?least :where [?p :age ?a] [(> ?a ?least)] [?p :name ?n]]";

// The other guest of the link, which has nothing to say.
class Nobody final : public LinkGuest {
 public:
  void welcomed(const Welcomed&, std::uint64_t, Problem&) override {}
  void link_down() override {}
  Status receive(Bytes, Problem&) override { return Status::corrupt; }
  bool take_news() override { return false; }
  void deliver(Bytes) override {}
  bool wants_write(std::uint64_t) const override { return false; }
  Bytes write(MutBytes, std::uint64_t) override { return {}; }
  std::uint64_t wake_at_ms() const override { return UINT64_MAX; }
  Status perform(ChannelCall&, Problem&) override { return Status::invalid; }
  void tell(ReplicaStatus&) const override {}
};

// A replica's subscriptions by their texts, and the server at the other end of its link.
struct Story final : FactPull::Scopes {
  Nobody nobody;
  EntityGuest guest{nobody};
  Problem problem;
  FactBench bench;
  std::map<std::uint32_t, std::string> scopes;
  std::size_t scopes_max = 100;
  std::uint32_t last_scope = 0;
  std::uint32_t asked = 0;  // The id of the last ask.
  std::string question;
  std::string swept;
  bool is_pending = false;

  Status pull(const Scope& scope, std::uint32_t& id) override {
    if (scopes.size() >= scopes_max) return Status::full;
    id = ++last_scope;
    const char* const mark = scope.kind == ScopeKind::entity ? "=" : scope.kind == ScopeKind::facts ? ":" : "*";
    scopes.emplace(id, mark + std::string(scope.text));
    return Status::ok;
  }
  void release(std::uint32_t id, const Scope&) override { assert_int_equal(scopes.erase(id), 1); }
  bool has_pending() const override { return is_pending; }
  void sweep(std::string_view map) override { swept += std::string(map); }

  std::unique_ptr<FactPull> begin(std::string_view text, std::string_view inputs,
                                  const std::vector<std::string>& known = {}) {
    auto one = std::make_unique<FactPull>(static_cast<FactPull::Scopes&>(*this), guest, "m", *bench.read(text, inputs));
    assert_ok(one->begin(&known));
    return one;
  }
  std::string held() const {
    std::set<std::string> texts;
    for (const auto& [id, text] : scopes) texts.insert(text);
    std::string all;
    for (const std::string& text : texts) all += (all.empty() ? "" : " ") + text;
    return all;
  }
  // A link to a server of these features, which is sent what is due.
  void link(std::uint32_t features = wire::kFeatureEntities) {
    guest.welcomed({7, features}, 0, problem);
    if (guest.take_news()) guest.deliver({});
    std::vector<std::uint8_t> room(wire::kEntitiesAskBytesMax);
    while (guest.wants_write(0)) {
      wire::EntitiesAsk ask;
      assert_ok(wire::decode(guest.write(room, 0), ask));
      asked = ask.id;
      question = ask.question;
    }
  }
  void answer(std::initializer_list<std::string_view> keys, Status status = Status::ok, bool more = false) {
    std::vector<std::uint8_t> room(wire::EntitiesReplyWriter::kBytesMax);
    wire::EntitiesReplyWriter writer({.id = asked, .status = status, .more = more}, room);
    for (const std::string_view key : keys) assert_true(writer.add(key));
    assert_ok(guest.receive(writer.finish(), problem));
    assert_true(guest.take_news());
    guest.deliver(writer.finish());
  }
  bool is_current() const {
    ReplicaStatus status;
    status.current = true;
    guest.tell(status);
    return status.current;
  }
};

void assert_held(const Story& story, const char* expected) { assert_string_equal(story.held().c_str(), expected); }

void the_entities_that_the_server_names_are_held(void**) {
  Story story;
  const auto pull = story.begin(kSelective, "[18]");
  assert_held(story, kNobody);
  story.link();
  assert_string_equal(story.question.c_str(),
                      "[:find ?p :in $ ?least :where [?p :age ?a] [(> ?a ?least)] [?p :name ?n]]");
  assert_false(story.is_current());
  story.answer({"1", "ann"});
  assert_held(story, "=\" =1 =ann");
  assert_true(story.is_current());
  story.answer({"ann", "bob"});
  assert_held(story, "=\" =ann =bob");
  story.answer({});
  assert_held(story, kNobody);
  story.answer({"eve"});
  assert_held(story, "=\" =eve");
  pull->end();
  assert_held(story, "");
}

// Its scope goes on behind its cursor.
void an_entity_that_stays_keeps_its_subscription(void**) {
  Story story;
  const auto pull = story.begin(kSelective, "[18]", {"ann"});
  const std::map<std::uint32_t, std::string> before = story.scopes;
  story.link();
  story.answer({"ann", "bob"});
  for (const auto& [id, text] : before) assert_string_equal(story.scopes[id].c_str(), text.c_str());
  assert_int_equal(story.scopes.size(), before.size() + 1);
}

void what_was_known_before_is_held_until_the_server_says_otherwise(void**) {
  Story story;
  const auto pull = story.begin(kSelective, "[18]", {"ann", "bob"});
  assert_held(story, "=\" =ann =bob");
  story.link();
  story.answer({"bob"});
  assert_held(story, "=\" =bob");
  story.guest.link_down();
  assert_held(story, "=\" =bob");
  story.link();
  assert_false(story.is_current());
  story.answer({"bob"});
  assert_true(story.is_current());
}

void attributes_are_held_where_entities_can_not_be_told(void**) {
  for (const int how : {0, 1, 2}) {
    Story story;
    const auto pull = story.begin(how == 0 ? "[:find ?n :where [_ :name ?n]]" : kSelective, how == 0 ? "[]" : "[18]");
    if (how == 0) assert_held(story, ":name");
    if (how == 0) continue;
    story.link();
    if (how == 1) story.answer({"ann"});
    story.answer({}, how == 1 ? Status::ok : Status::full, how == 1);
    assert_held(story, ":age\nname");
    assert_true(story.is_current());
  }
}

void where_nobody_knows_or_too_many_are_known_attributes_are_held_at_once(void**) {
  Story story;
  const std::vector<std::string> many(FactPull::kEntitiesMax + 1, "x");
  const auto one = story.begin(kSelective, "[18]", many);
  assert_held(story, ":age\nname");
  one->end();
  FactPull other(story, story.guest, "m", *story.bench.read(kSelective, "[18]"));
  assert_ok(other.begin(nullptr));
  assert_held(story, ":age\nname");
}

// What is needed does not fit: the replica is not current, and the next link tries again.
void where_there_is_no_room_the_replica_is_not_current(void**) {
  Story story;
  story.scopes_max = 2;
  const auto pull = story.begin(kSelective, "[18]");
  story.link();
  story.answer({"ann"});
  assert_true(story.is_current());
  story.scopes_max = 0;  // Nor for attributes, when entities are let go of.
  story.answer({"bob", "eve"});
  assert_held(story, "");
  assert_false(story.is_current());
  story.scopes_max = 2;
  story.guest.link_down();
  story.link();
  story.answer({"bob"});
  assert_held(story, "=\" =bob");
  assert_true(story.is_current());
}

// The server can't name what it does not know of yet.
void what_was_known_here_stays_while_the_server_is_behind(void**) {
  Story story;
  const auto pull = story.begin(kSelective, "[18]", {"ann", "bob"});
  story.is_pending = true;
  story.link();
  story.answer({"bob", "eve"});
  assert_held(story, "=\" =ann =bob =eve");
  story.is_pending = false;
  assert_true(pull->settled("ann"));
  assert_false(story.is_current());
  story.link();
  story.answer({"bob", "eve"});
  assert_held(story, "=\" =bob =eve");
}

// A device's own write about an entity of no answer is let go of when the server has answered in the knowledge of it.
void a_write_about_another_entity_is_asked_about(void**) {
  Story story;
  const auto pull = story.begin(kSelective, "[18]");
  story.link();
  story.answer({"ann"});
  assert_false(pull->settled("ann"));
  assert_true(story.is_current());
  assert_string_equal(story.swept.c_str(), "");
  assert_true(pull->settled("bob"));
  assert_false(story.is_current());
  std::vector<std::uint8_t> room(wire::kEntitiesAskBytesMax);
  assert_true(story.guest.wants_write(0));
  assert_false(story.guest.write(room, 0).empty());
  story.answer({"ann"});
  assert_true(story.is_current());
  assert_held(story, "=\" =ann");
  assert_string_equal(story.swept.c_str(), "m");
  story.answer({"ann"});
  assert_string_equal(story.swept.c_str(), "m");
}

// Such an answer may be from before the write.
void an_answer_that_crosses_its_ask_does_not_make_the_replica_current(void**) {
  Story story;
  const auto pull = story.begin(kSelective, "[18]");
  story.link();
  story.answer({"ann"});
  assert_true(pull->settled("bob"));
  story.answer({"ann"});
  assert_false(story.is_current());
  std::vector<std::uint8_t> room(wire::kEntitiesAskBytesMax);
  assert_false(story.guest.write(room, 0).empty());
  story.answer({"ann"});
  assert_true(story.is_current());
}

void a_server_that_answers_none_is_subscribed_to_by_attributes(void**) {
  Story story;
  const auto pull = story.begin(kSelective, "[18]", {"ann"});
  story.link(0);
  assert_held(story, ":age\nname");
  assert_true(story.is_current());
}

void entities_that_a_question_names_itself_need_no_server(void**) {
  Story story;
  const auto pull = story.begin("[:find ?n :where [\"ann\" :name ?n] [7 :age 3]]", "[]");
  assert_held(story, "=\" =7 =ann");
  assert_null(pull->entities());
  story.link();
  assert_int_equal(story.asked, 0);
}

void an_end_is_told_to_the_server_that_was_asked(void**) {
  Story story;
  auto pull = story.begin(kSelective, "[18]");
  story.link();
  pull.reset();
  assert_true(story.guest.wants_write(0));
  std::vector<std::uint8_t> room(wire::kEntitiesAskBytesMax);
  wire::EntitiesAsk ask;
  assert_ok(wire::decode(story.guest.write(room, 0), ask));
  assert_true(ask.id == story.asked && ask.map.empty());
  assert_false(story.guest.wants_write(0));
}

}  // namespace
}  // namespace grid::runtime

int main() {
  using namespace grid::runtime;
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_entities_that_the_server_names_are_held),
      cmocka_unit_test(an_entity_that_stays_keeps_its_subscription),
      cmocka_unit_test(what_was_known_before_is_held_until_the_server_says_otherwise),
      cmocka_unit_test(attributes_are_held_where_entities_can_not_be_told),
      cmocka_unit_test(where_nobody_knows_or_too_many_are_known_attributes_are_held_at_once),
      cmocka_unit_test(where_there_is_no_room_the_replica_is_not_current),
      cmocka_unit_test(what_was_known_here_stays_while_the_server_is_behind),
      cmocka_unit_test(a_write_about_another_entity_is_asked_about),
      cmocka_unit_test(an_answer_that_crosses_its_ask_does_not_make_the_replica_current),
      cmocka_unit_test(a_server_that_answers_none_is_subscribed_to_by_attributes),
      cmocka_unit_test(entities_that_a_question_names_itself_need_no_server),
      cmocka_unit_test(an_end_is_told_to_the_server_that_was_asked),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
