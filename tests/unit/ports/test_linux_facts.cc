// SPDX-License-Identifier: Apache-2.0
//
// Facts through the embedding API over a store on disk.

#include <grid/facts.h>
#include <grid/grid.h>
#include <grid/linux.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/check.h"
#include "transport/json/value_json.h"

namespace {

using namespace grid;
using Verb = FactWrite::Verb;

struct Fixture {
  Fixture() {
    char name[] = "/tmp/grid-facts-XXXXXX";
    assert_non_null(mkdtemp(name));
    directory = name;
    start();
  }
  ~Fixture() {
    host.reset();
    std::filesystem::remove_all(directory);
  }
  void start() {
    host.reset();
    host = std::make_unique<LinuxHost>();
    node = host->open({.app = "farm", .store = directory + "/store"});
    assert_non_null(node);
    facts = Facts(*node, "people");
  }
  std::string record(std::string_view entity, std::size_t depth = 0) {
    std::uint8_t room[4'096];
    const Result<Value> value = facts.record(entity, room, depth);
    return value.ok() ? json::json_from_value(*value) : name_of(value.status());
  }
  bool complains(std::string_view of) const {
    return std::string_view(host->problem()).find(of) != std::string_view::npos;
  }

  std::string directory;
  std::unique_ptr<LinuxHost> host;
  Node* node = nullptr;
  Facts facts;
};

struct Ref {
  explicit Ref(std::string_view key) {
    ValueWriter writer(room);
    writer.ref(key);
    value = Value(*writer.finish());
  }
  std::uint8_t room[300];
  Value value;
};

std::vector<std::uint8_t> encoded(const Scalar& scalar) {
  std::uint8_t room[300];
  ValueWriter writer(room);
  scalar.write(writer);
  const Result<Bytes> bytes = writer.finish();
  assert_ok(bytes.status());
  return {bytes->begin(), bytes->end()};
}

std::vector<std::string> entities_of(const Facts& facts, std::string_view prefix = {}) {
  std::vector<std::string> keys;
  assert_ok(facts.entities(prefix, [&keys](std::string_view key) { keys.emplace_back(key); }));
  return keys;
}

void an_entity_has_one_object_or_many_and_keeps_them(void**) {
  Fixture fixture;
  assert_ok(fixture.facts.set("ann", "name", "Ann").status());
  assert_ok(fixture.facts.set("ann", "name", "Anna").status());
  for (const char* tag : {"tall", "quick", "tall"}) assert_ok(fixture.facts.add("ann", "tag", tag).status());
  assert_ok(fixture.facts.add("ann", "number", 1).status());
  assert_ok(fixture.facts.add("ann", "number", 1.0).status());
  fixture.start();
  const Facts& facts = fixture.facts;
  assert_true(facts.get("ann", "name").text_or({}) == "Anna");
  assert_true(facts.has("ann", "tag", "tall") && facts.has("ann", "tag", "quick") && !facts.has("ann", "tag", "slow"));
  assert_true(facts.has("ann", "number", 1.0) && facts.has("ann", "number", 1));
  std::size_t count = 0;
  assert_ok(facts.each("ann", [&count](const Fact& fact) { count += fact.object.exists() && !fact.stamp.is_none(); }));
  assert_int_equal(count, 4);
  assert_string_equal(fixture.record("ann").c_str(), R"({"name":"Anna","number":[1],"tag":["tall","quick"]})");
  assert_false(facts.get("ann", "nothing").exists());
  assert_false(facts.get("bob", "name").exists());
  assert_string_equal(fixture.record("bob").c_str(), "not_found");
}

void objects_are_removed_one_or_all(void**) {
  Fixture fixture;
  Facts& facts = fixture.facts;
  for (const char* tag : {"a", "b", "c"}) assert_ok(facts.add("ann", "tag", tag).status());
  assert_ok(facts.set("ann", "tags", "other").status());
  assert_ok(facts.remove("ann", "tag", "a").status());
  assert_status(facts.remove("ann", "tag", "a").status(), Status::not_found);
  assert_status(facts.remove("ann", "tags", "another").status(), Status::not_found);
  assert_string_equal(fixture.record("ann").c_str(), R"({"tag":["b","c"],"tags":"other"})");
  assert_ok(facts.remove_all("ann", "tag").status());
  assert_status(facts.remove_all("ann", "tag").status(), Status::not_found);
  assert_string_equal(fixture.record("ann").c_str(), R"({"tags":"other"})");
  assert_ok(facts.remove("ann", "tags", "other").status());
  assert_string_equal(fixture.record("ann").c_str(), "not_found");
  assert_false(facts.is_deleted("ann"));
}

// TRI-1
void a_deleted_entity_takes_no_more_writes(void**) {
  Fixture fixture;
  assert_ok(fixture.facts.set("ann", "name", "Ann").status());
  assert_ok(fixture.facts.add("ann", "tag", "a").status());
  assert_ok(fixture.facts.set("bob", "name", "Bob").status());
  assert_false(fixture.facts.is_deleted("ann"));
  const Write write = fixture.facts.delete_entity("ann");
  assert_ok(write.status());
  assert_true(write.outcome() == Outcome::pending);
  fixture.start();
  assert_true(fixture.facts.is_deleted("ann"));
  assert_true(entities_of(fixture.facts) == std::vector<std::string>{"bob"});
  assert_status(fixture.facts.set("ann", "name", "Ann").status(), Status::invalid);
  assert_true(
      fixture.complains("entity ann was deleted, and a deleted entity stays deleted: give a new one another id"));
  assert_status(fixture.facts.add("ann", "tag", "a").status(), Status::invalid);
  assert_status(fixture.facts.put_record("ann", {{"name", "Ann"}}).status(), Status::invalid);
  assert_ok(fixture.facts.delete_entity("ann").status());
}

void a_transaction_is_all_or_nothing(void**) {
  Fixture fixture;
  Facts& facts = fixture.facts;
  const auto one = encoded(1), list = std::vector<std::uint8_t>{0x4a, 0x00};
  const FactWrite good[] = {{"ann", Verb::set, "a", one}, {"ann", Verb::add, "b", one}, {"bob", Verb::set, "a", one}};
  assert_ok(facts.transact(good).status());
  assert_string_equal(fixture.record("ann").c_str(), R"({"a":1,"b":[1]})");
  assert_true(facts.has("bob", "a", 1));
  const FactWrite no_object[] = {{"cid", Verb::set, "a", one}, {"cid", Verb::set, "b", list}};
  assert_status(facts.transact(no_object).status(), Status::invalid);
  assert_true(fixture.complains("the object of b is list"));
  const FactWrite twice[] = {{"cid", Verb::set, "a", one}, {"bob", Verb::set, "b", one}, {"cid", Verb::set, "a", one}};
  assert_status(facts.transact(twice).status(), Status::invalid);
  const FactWrite both[] = {{"cid", Verb::set, "a", one}, {"cid", Verb::delete_entity}};
  assert_status(facts.transact(both).status(), Status::invalid);
  assert_status(facts.transact({}).status(), Status::invalid);
  const std::vector<FactWrite> many(runtime::kFactWritesMax + 1, FactWrite{"cid", Verb::set, "a", one});
  assert_status(facts.transact(many).status(), Status::too_large);
  assert_string_equal(fixture.record("cid").c_str(), "not_found");
  assert_string_equal(fixture.record("bob").c_str(), R"({"a":1})");
  const FactWrite gone[] = {
      {"ann", Verb::delete_entity}, {"bob", Verb::remove, "a", one}, {"dan", Verb::set, "a", one}};
  assert_ok(facts.transact(gone).status());
  assert_true(entities_of(facts) == std::vector<std::string>{"dan"});
}

void what_is_no_fact_is_refused_by_name(void**) {
  Fixture fixture;
  Facts& facts = fixture.facts;
  assert_status(facts.set("ann", "", 1).status(), Status::invalid);
  assert_true(fixture.complains("a predicate must be 1 to 60 bytes"));
  assert_status(facts.set("ann", std::string(61, 'p'), 1).status(), Status::too_large);
  assert_status(facts.set("", "p", 1).status(), Status::invalid);
  assert_status(facts.set("\"ann\"", "p", 1).status(), Status::invalid);
  assert_true(fixture.complains("is a key that no id has"));
  assert_status(facts.set("ann", "p", nullptr).status(), Status::invalid);
  assert_true(fixture.complains("the object of p is null"));
  assert_status(facts.add("ann", "p", Ref("\"").value).status(), Status::invalid);
  assert_status(facts.set("ann", "p", Value()).status(), Status::invalid);
  assert_true(entities_of(facts).empty());
}

void entities_come_in_order_and_by_prefix(void**) {
  Fixture fixture;
  for (const char* key : {"b/2", "a", "b/1", "c"}) assert_ok(fixture.facts.add(key, "p", 1).status());
  assert_ok(fixture.node->map("people").put("b/0", {{"n", 1}}).status());
  assert_true(entities_of(fixture.facts, "b/") == (std::vector<std::string>{"b/1", "b/2"}));
  assert_int_equal(entities_of(fixture.facts).size(), 4);
}

void ids_are_drawn_from_the_alphabet_and_differ(void**) {
  Fixture fixture;
  std::set<std::string> seen;
  std::set<char> used;
  for (int i = 0; i < 500; ++i) {
    const Result<std::string_view> id = fixture.facts.new_id();
    assert_ok(id.status());
    assert_int_equal(id->size(), 21);
    for (const char c : *id) {
      assert_true((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-');
      used.insert(c);
    }
    assert_true(seen.emplace(*id).second);
  }
  assert_int_equal(used.size(), 64);
}

void a_record_is_put_as_facts(void**) {
  Fixture fixture;
  Facts& facts = fixture.facts;
  const auto put = [&](const char* text) {
    std::string value;
    json::JsonError error;
    assert_ok(json::value_from_json(text, value, error));
    return facts.put_record("ann", Value(as_bytes(value))).status();
  };
  assert_ok(put(R"({"name":"Ann","tag":["a","b","a"],"age":40,"number":[1,1.0]})"));
  assert_string_equal(fixture.record("ann").c_str(), R"({"age":40,"name":"Ann","number":[1],"tag":["a","b"]})");
  const std::uint64_t pending = fixture.node->status().ops_pending;
  assert_ok(put(R"({"name":"Ann","tag":["b","a"]})"));
  assert_int_equal(fixture.node->status().ops_pending, pending);  // Nothing has changed.
  assert_ok(put(R"({"tag":["b","c"],"name":null,"age":["forty"],"number":2})"));
  assert_string_equal(fixture.record("ann").c_str(), R"({"age":["forty"],"number":2,"tag":["b","c"]})");
  assert_status(put(R"({"at":{"x":1}})"), Status::invalid);
  assert_true(fixture.complains("a record in a record is an entity of its own"));
  assert_status(put(R"(17)"), Status::invalid);
  assert_ok(facts.put_record("bob", {{"name", "Bob"}, {"age", 3}}).status());
  assert_string_equal(fixture.record("bob").c_str(), R"({"age":3,"name":"Bob"})");
}

void a_document_nests_what_it_refers_to(void**) {
  Fixture fixture;
  Facts& facts = fixture.facts;
  assert_ok(facts.set("ann", "name", "Ann").status());
  assert_ok(facts.set("42", "name", "Bob").status());
  assert_ok(facts.set("\"42\"", "name", "Cid").status());
  assert_ok(facts.set("ann", "boss", Ref("42").value).status());
  assert_ok(facts.add("42", "friend", Ref("ann").value).status());
  assert_ok(facts.add("42", "friend", Ref("\"42\"").value).status());
  assert_ok(facts.add("42", "friend", Ref("nobody").value).status());
  assert_string_equal(fixture.record("ann").c_str(), R"({"boss":{"$ref":"42"},"name":"Ann"})");
  assert_string_equal(fixture.record("ann", 1).c_str(),
                      R"({"boss":{"db/id":42,)"
                      R"("friend":[{"$ref":"ann"},{"$ref":"\"42\""},{"$ref":"nobody"}],"name":"Bob"},"name":"Ann"})");
  assert_string_equal(
      fixture.record("ann", 5).c_str(),
      R"({"boss":{"db/id":42,)"
      R"("friend":[{"$ref":"ann"},{"db/id":"42","name":"Cid"},{"$ref":"nobody"}],"name":"Bob"},"name":"Ann"})");
  std::uint8_t small[16];
  assert_status(facts.record("ann", small).status(), Status::too_large);
}

void a_watch_tells_which_entity_has_changed(void**) {
  Fixture fixture;
  static std::vector<std::string> told;
  told.clear();
  Watch watch = fixture.node->map("people").watch("", [](const Change& change) {
    assert_true(change.view == crdt::View::facts && !change.now.exists());
    told.emplace_back(change.key);
  });
  assert_ok(fixture.facts.set("ann", "name", "Ann").status());
  assert_ok(fixture.facts.delete_entity("ann").status());
  assert_ok(fixture.facts.set("bob", "name", "Bob").status());
  fixture.host->run_for(50);
  assert_true(told == (std::vector<std::string>{"ann", "bob"}));
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(an_entity_has_one_object_or_many_and_keeps_them),
      cmocka_unit_test(objects_are_removed_one_or_all),
      cmocka_unit_test(a_deleted_entity_takes_no_more_writes),
      cmocka_unit_test(a_transaction_is_all_or_nothing),
      cmocka_unit_test(what_is_no_fact_is_refused_by_name),
      cmocka_unit_test(entities_come_in_order_and_by_prefix),
      cmocka_unit_test(ids_are_drawn_from_the_alphabet_and_differ),
      cmocka_unit_test(a_record_is_put_as_facts),
      cmocka_unit_test(a_document_nests_what_it_refers_to),
      cmocka_unit_test(a_watch_tells_which_entity_has_changed),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
