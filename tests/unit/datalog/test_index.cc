// SPDX-License-Identifier: Apache-2.0
//
// The index against a model: what it holds, in which order, what it counts, and what memory it keeps.

#include <map>
#include <set>
#include <tuple>

#include "tests/unit/crdt/dice.h"
#include "tests/unit/datalog/answer_bench.h"

namespace grid::test {
namespace {

using datalog::Atom;
using datalog::Fact;
using datalog::FactCursor;
using datalog::Index;

struct Cell {
  std::string key, predicate, object;  // The object as JSON.
  bool is_one;
  auto operator<=>(const Cell&) const = default;
};

class Model {
 public:
  explicit Model(Facts& facts) : facts_(facts) {}

  void add(const Cell& cell) {
    if (cell.is_one) cut_single(cell);
    cells_.insert(cell);
    facts_.add(line_of(cell));
  }
  void remove(const Cell& cell) {
    if (cell.is_one) cut_single(cell);
    cells_.erase(cell);
    facts_.remove(line_of(cell));
  }
  void drop(const std::string& key) {
    std::erase_if(cells_, [&](const Cell& cell) { return cell.key == key; });
    assert_ok(facts_.index().drop(key));
  }
  const std::set<Cell>& cells() const { return cells_; }

 private:
  static std::string line_of(const Cell& cell) {
    return cell.key + " " + cell.predicate + (cell.is_one ? "" : "*") + " " + cell.object;
  }
  void cut_single(const Cell& cell) {
    std::erase_if(cells_, [&](const Cell& standing) {
      return standing.is_one && standing.key == cell.key && standing.predicate == cell.predicate;
    });
  }

  Facts& facts_;
  std::set<Cell> cells_;
};

std::string object_of(Dice& dice) {
  switch (dice.below(7)) {
    case 0:
      return std::to_string(static_cast<std::int64_t>(dice.below(40)) - 20);
    case 1:
      return std::to_string(dice.below(30)) + ".25";
    case 2:
      return "\"a shared beginning of " + std::to_string(dice.below(20)) + "\"";
    case 3:
      return "{\"$ref\":\"" + std::to_string(dice.below(12)) + "\"}";
    case 4:
      return dice.one_in(2) ? "true" : "false";
    case 5:
      return "9223372036854775" + std::to_string(100 + dice.below(20));
    default:
      return "\"" + std::string(1, static_cast<char>('a' + dice.below(5))) + "\"";
  }
}

Cell cell_of(Dice& dice) {
  const std::uint64_t predicate = dice.below(5);
  std::string key = std::to_string(dice.below(12));
  if (dice.one_in(4)) key = "entity" + key;
  return {key, "p" + std::to_string(predicate), object_of(dice), predicate < 2};
}

std::set<Cell> held_by(const Index& index, const std::set<std::string>& keys) {
  std::set<Cell> held;
  std::vector<std::uint8_t> room(1'000);
  for (const std::string& key : keys) {
    for (datalog::FactsOf facts(index, key); facts.next();) {
      const Result<crdt::Value> object = facts.object(room);
      assert_ok(object.status());
      held.insert({key, std::string(facts.predicate()), json::json_from_value(*object), facts.is_one()});
    }
  }
  return held;
}

// DLX-2
void expect_counts(const Index& index, const std::set<Cell>& cells) {
  std::set<std::string> entities;
  std::map<std::string, std::set<std::string>> entities_of;
  std::map<std::string, std::uint32_t> facts_of;
  for (const Cell& cell : cells) {
    entities.insert(cell.key);
    entities_of[cell.predicate].insert(cell.key);
    ++facts_of[cell.predicate];
  }
  assert_int_equal(index.size(), cells.size());
  assert_int_equal(index.entities(), entities.size());
  std::size_t attributes = 0;
  for (std::uint32_t i = 0; i < index.attribute_count(); ++i) {
    const Index::Attribute& attribute = index.attribute(i);
    if (!attribute.name.exists()) continue;
    ++attributes;
    const std::string name(datalog::text_of(attribute.name, index.symbols()));
    assert_int_equal(attribute.facts, facts_of[name]);
    assert_int_equal(attribute.entities, entities_of[name].size());
    std::set<std::uint64_t> values;
    for (FactCursor at = index.from_value(i, {}, {}, index.symbols()); !at.is_at_end() && at.fact().attribute() == i;
         at.next())
      values.insert(at.value().word);
    assert_int_equal(attribute.values, values.size());
  }
  assert_int_equal(attributes, facts_of.size());
}

// DLX-1
void expect_orders(const Index& index) {
  std::size_t count = 0;
  const datalog::ValueOrder order{&index.symbols()};
  for (std::uint32_t i = 0; i < index.attribute_count(); ++i) {
    Fact before{};
    for (FactCursor at = index.from_value(i, {}, {}, index.symbols()); !at.is_at_end() && at.fact().attribute() == i;
         at.next()) {
      if (before.entity.exists()) assert_true(order(before, at.fact()) < 0);
      before = at.fact();
      ++count;
      assert_true(index.count_before(i, before.value, index.symbols()) <
                  index.count_up_to(i, before.value, index.symbols()));
    }
  }
  assert_int_equal(count, index.size());
}

// DLX-1
void it_holds_what_was_added_and_not_removed(void**) {
  Dice dice;
  Facts facts;
  Model model(facts);
  std::set<std::string> keys;
  for (int i = 0; i < 20'000; ++i) {
    const Cell cell = cell_of(dice);
    keys.insert(cell.key);
    if (dice.one_in(40)) {
      model.drop(cell.key);
    } else if (dice.one_in(3)) {
      model.remove(cell);
    } else {
      model.add(cell);
    }
    if (i % 500 != 0) continue;
    assert_true(held_by(facts.index(), keys) == model.cells());
    expect_counts(facts.index(), model.cells());
    expect_orders(facts.index());
  }
  for (const std::string& key : keys) model.drop(key);
  assert_int_equal(facts.index().size(), 0);
  assert_int_equal(facts.index().symbols().size(), 0);
}

// DLX-3
void texts_of_facts_that_went_take_no_memory(void**) {
  Facts facts;
  std::size_t after_first = 0;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 5'000; ++i) {
      const std::string number = std::to_string(round * 5'000 + i);
      facts.add("entity" + number + " name* \"a text that is long enough " + number + "\"");
    }
    if (round == 0) after_first = facts.region().taken();
    for (int i = 0; i < 5'000; ++i) assert_ok(facts.index().drop("entity" + std::to_string(round * 5'000 + i)));
    assert_int_equal(facts.index().symbols().size(), 0);
  }
  assert_true(facts.region().taken() < after_first * 3 / 2);
}

void a_load_builds_what_adding_builds(void**) {
  Dice dice;
  Facts added, loaded;
  std::map<std::pair<std::string, std::string>, Cell> singles;
  std::set<Cell> cells;
  for (int i = 0; i < 30'000; ++i) {
    Cell cell = cell_of(dice);
    cell.key += std::to_string(dice.below(300));
    if (cell.is_one) {
      singles[{cell.key, cell.predicate}] = cell;
    } else {
      cells.insert(cell);
    }
  }
  for (const auto& [name, cell] : singles) cells.insert(cell);
  std::set<std::string> keys;
  for (const Cell& cell : cells) {
    keys.insert(cell.key);
    const std::string object = canonical_of(cell.object);
    assert_ok(added.index().add(cell.key, cell.predicate, crdt::Value(as_bytes(object)), cell.is_one));
    assert_ok(loaded.index().load(cell.key, cell.predicate, crdt::Value(as_bytes(object)), cell.is_one));
    assert_ok(loaded.index().load(cell.key, cell.predicate, crdt::Value(as_bytes(object)), cell.is_one));
  }
  assert_ok(loaded.index().finish_load());
  assert_true(held_by(loaded.index(), keys) == cells);
  assert_true(held_by(added.index(), keys) == cells);
  expect_counts(loaded.index(), cells);
  expect_orders(loaded.index());
  // What was loaded changes like any other.
  int i = 0;
  for (const Cell& cell : cells) {
    if (++i % 2 == 0) continue;
    const std::string object = canonical_of(cell.object);
    assert_ok(loaded.index().remove(cell.key, cell.predicate, crdt::Value(as_bytes(object)), cell.is_one));
  }
  expect_orders(loaded.index());
  assert_int_equal(loaded.index().size(), cells.size() / 2);
}

// DLX-3
void a_change_without_memory_changes_nothing(void**) {
  CountedChunks chunks;
  {
    Region region(chunks, 4'096, 60'000);
    Index index(region);
    std::set<std::string> keys;
    std::set<Cell> held;
    bool is_full = false;
    for (int i = 0; i < 3'000 && !is_full; ++i) {
      const Cell cell{"entity" + std::to_string(i * 7 % 3'000), "p" + std::to_string(i % 90),
                      "\"a text of some length " + std::to_string(i) + "\"", false};
      const std::string object = canonical_of(cell.object);
      const Status status = index.add(cell.key, cell.predicate, crdt::Value(as_bytes(object)), false);
      keys.insert(cell.key);
      is_full = status == Status::full;
      if (!is_full) held.insert(cell);
    }
    assert_true(is_full);
    assert_true(held_by(index, keys) == held);
    expect_counts(index, held);
    expect_orders(index);
  }
  assert_int_equal(chunks.lent(), 0);
}

void numbers_are_one_value_whatever_their_kind(void**) {
  Facts facts(
      "1 v* 1\n1 v* 1.0\n1 v* 1.5\n1 v* 0.1\n1 v* 1e300\n1 v* 9007199254740993\n1 v* -4611686018427387905\n1 v* 3e18");
  expect_answer(facts.index(), "[:find ?v :where [1 :v ?v]]",
                "-4611686018427387905 0.1 1 1.5 9007199254740993 3000000000000000000 1e+300");
  assert_int_equal(facts.index().size(), 7);
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(it_holds_what_was_added_and_not_removed),
      cmocka_unit_test(texts_of_facts_that_went_take_no_memory),
      cmocka_unit_test(a_load_builds_what_adding_builds),
      cmocka_unit_test(a_change_without_memory_changes_nothing),
      cmocka_unit_test(numbers_are_one_value_whatever_their_kind),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
