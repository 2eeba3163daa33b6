// SPDX-License-Identifier: Apache-2.0
//
// Subscriptions to attributes: who is told which facts of whom.

#include "crdt/facts.h"
#include "runtime/query/row_tests.h"
#include "tests/unit/server/bench.h"

namespace {

using namespace grid;
using namespace grid::server::test;
using crdt::FactName;

runtime::Scope of(std::string_view attributes) { return {wire::ScopeKind::facts, "climate", attributes}; }

// A writes facts, B reads them.
class Story {
 public:
  explicit Story(Bench& bench) : bench_(bench) {
    bench.open(1, kA);
    bench.open(2, kB);
  }
  void set(std::string_view entity, std::string_view attribute) { write(entity, attribute, kOne); }
  void unset(std::string_view entity, std::string_view attribute) { write(entity, attribute, {}); }
  void bury(std::string_view entity) { send(entity, crdt::kMarker, {}); }
  // What B gets: "entity.attribute", a removal with an x before it.
  std::string told() {
    std::string text;
    for (const Frame& frame : bench_.all(2)) {
      if (kind_of(frame) != Kind::delta) continue;
      wire::OpsReader reader;
      assert_ok(reader.open(frame));
      for (crdt::Op op; reader.next(op);) {
        assert_ok(reader.status());
        text += (text.empty() ? "" : " ") + std::string(op.cell.is_tombstone() ? "x" : "");
        text += std::string(op.cell.name.key) + "." + std::string(crdt::attribute_of(op.cell.name.sub));
      }
    }
    return text;
  }

 private:
  void write(std::string_view entity, std::string_view attribute, Bytes value) {
    std::uint8_t room[FactName::kBytesMax];
    send(entity, *FactName::write(attribute, false, {}, room), value);
  }
  void send(std::string_view entity, std::string_view sub, Bytes value) {
    ++seq_;
    crdt::Op op = put(seq_, entity, kWallMs + seq_, kA, value);
    op.cell.name.sub = sub;
    bench_.send(1, push({op}));
    bench_.flush();
    bench_.all(1);
  }

  Bench& bench_;
  crdt::Seq seq_ = 0;
};

void only_facts_under_the_attributes_are_sent(void** state) {
  Bench& bench = bench_of(state);
  Story story(bench);
  story.set("ann", "age");
  story.set("ann", "name");
  bench.send(2, subscribe(1, {}, false, of("agenda\nname")));
  assert_string_equal(story.told().c_str(), "ann.name");
  story.set("bob", "age");
  story.set("bob", "agenda");
  story.unset("ann", "name");
  story.unset("ann", "age");
  assert_string_equal(story.told().c_str(), "bob.agenda xann.name");
  assert_int_equal(bench.coordinator->digest(of("agenda\nname")).count, 1);
  assert_int_equal(bench.coordinator->digest(of("age")).count, 1);
}

void a_deletion_of_an_entity_is_told_to_whoever_has_any_attribute(void** state) {
  Bench& bench = bench_of(state);
  Story story(bench);
  story.set("ann", "name");
  bench.send(2, subscribe(1, {}, false, of("name")));
  assert_string_equal(story.told().c_str(), "ann.name");
  story.bury("ann");
  assert_string_equal(story.told().c_str(), "xann.");
}

void attributes_out_of_order_or_too_long_are_no_scope(void** state) {
  static_cast<void>(state);
  const std::string most(crdt::kPredicateBytesMax, 'a');
  assert_ok(runtime::check_attributes("a\nb"));
  assert_ok(runtime::check_attributes(most));
  for (const std::string& text : {std::string(), std::string("b\na"), std::string("a\na"), std::string("a\n"),
                                  std::string("\na"), std::string("\xff"), most + "a"}) {
    assert_int_equal(runtime::check_attributes(text), Status::invalid);
  }
  assert_ok(of("a\nb").check());
  assert_int_equal(of("").check(), Status::invalid);
  assert_int_equal(of(std::string(300, 'a')).check(), Status::too_large);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(only_facts_under_the_attributes_are_sent, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_deletion_of_an_entity_is_told_to_whoever_has_any_attribute, set_up, tear_down),
      cmocka_unit_test(attributes_out_of_order_or_too_long_are_no_scope),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
