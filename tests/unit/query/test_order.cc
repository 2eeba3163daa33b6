// SPDX-License-Identifier: Apache-2.0
//
// The order of values against tests/golden/order.txt, sorting, cursors, and numbers as text.

#include <charconv>
#include <fstream>

#include "crdt/query/cursor.h"
#include "crdt/query/literal.h"
#include "crdt/query/order.h"
#include "tests/unit/crdt/dice.h"
#include "tests/unit/query/query_bench.h"

namespace grid::test {
namespace {

using query::Path;
using query::Place;
using query::Predicate;
using query::Row;
using query::Sort;

struct Ranked {
  int rank;
  std::string value;
};

std::vector<Ranked> golden_order() {
  std::ifstream file(GRID_GOLDEN "/order.txt");
  std::vector<Ranked> all;
  int rank = 0;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    rank += line[0] == '<' ? 1 : 0;
    all.push_back({rank, canonical(line.substr(2))});
  }
  assert_true(all.size() > 60);
  return all;
}

int sign(int number) { return number < 0 ? -1 : number > 0 ? 1 : 0; }

// QRY-1
void every_two_values_stand_as_the_golden_order_says(void**) {
  const std::vector<Ranked> all = golden_order();
  for (const Ranked& a : all) {
    for (const Ranked& b : all) {
      const int order = query::compare(crdt::Value(as_bytes(a.value)), crdt::Value(as_bytes(b.value)));
      if (sign(order) != sign(a.rank - b.rank)) {
        fail_msg("%s and %s: %d", json::json_from_value(crdt::Value(as_bytes(a.value))).c_str(),
                 json::json_from_value(crdt::Value(as_bytes(b.value))).c_str(), order);
      }
    }
  }
}

// The shortest text of a double reads back the same, and so do 17 digits of it.
void a_number_is_the_double_nearest_to_its_text(void**) {
  Dice dice;
  for (int i = 0; i < 20'000; ++i) {
    const double number = std::bit_cast<double>(dice.any() & 0x7fff'ffff'ffff'ffff);
    if (!(number <= 1.7976931348623157e308)) continue;
    for (const int digits : {0, 16}) {
      char text[64];
      const char* end = digits == 0 ? std::to_chars(text, text + 64, number, std::chars_format::scientific).ptr
                                    : std::to_chars(text, text + 64, number, std::chars_format::scientific, digits).ptr;
      const Result<query::Number> read = query::parse_number({text, static_cast<std::size_t>(end - text)});
      assert_ok(read.status());
      assert_true(read->is_integer ? static_cast<double>(read->integer) == number : read->number == number);
    }
  }
}

void numbers_at_the_edges_are_read_exactly(void**) {
  const struct {
    const char* text;
    double number;
  } kTexts[] = {{"4.9e-324", 5e-324},
                {"2.4703282292062327e-324", 0},
                {"2.4703282292062328e-324", 5e-324},
                {"2.2250738585072011e-308", 2.2250738585072011e-308},
                {"2.2250738585072014e-308", 2.2250738585072014e-308},
                {"1.7976931348623158e308", 1.7976931348623157e308},
                {"0.1", 0.1},
                {"0.000000000000000000000000000001", 1e-30},
                {"9007199254740993e1", 90071992547409930.0},
                {"9007199254740992.5", 9007199254740992.0},
                {"9007199254740993.5", 9007199254740994.0},
                {"1e-400", 0}};
  for (const auto& [text, number] : kTexts) {
    const Result<query::Number> read = query::parse_number(text);
    assert_ok(read.status());
    assert_true((read->is_integer ? static_cast<double>(read->integer) : read->number) == number);
  }
  assert_true(query::parse_number("-9223372036854775808")->integer == INT64_MIN);
  assert_true(query::parse_number("12.50e1")->integer == 125);
  for (const char* text : {"1.7976931348623159e308", "1e309", "9223372036854775808", "12345678901234567890.5"}) {
    assert_status(query::parse_number(text).status(), Status::too_large);
  }
  for (const char* text : {"1.", "1e", "1e+", "--1", "1x", "-"}) {
    assert_status(query::parse_number(text).status(), Status::invalid);
  }
}

class Sorting {
 public:
  explicit Sorting(const char* text) {
    const Result<Sort> compiled = query::compile_sort(text, room_, trouble_);
    status_ = compiled.status();
    if (compiled.ok()) sort_ = *compiled;
  }
  const Sort& sort() const { return sort_; }
  Status status() const { return status_; }
  std::string trouble() const {
    char room[300];
    return std::string(trouble_.sentence(room));
  }

 private:
  std::uint8_t room_[512];
  query::Trouble trouble_;
  Status status_ = Status::ok;
  Sort sort_;
};

void a_sort_compares_key_by_key_and_ends_with_the_rows_key(void**) {
  const Sorting by("a desc, b.c, d");
  const std::string one = canonical(R"({"a":1,"b":{"c":2}})"), two = canonical(R"({"a":1,"b":{"c":3}})"),
                    three = canonical(R"({"a":2})");
  const auto compare = [&by](const Row& a, const Row& b) {
    return sign(by.sort().compare(by.sort().place_of(a), by.sort().place_of(b)));
  };
  const Row first{"z", crdt::Value(as_bytes(three))}, second{"y", crdt::Value(as_bytes(one))},
      third{"x", crdt::Value(as_bytes(two))}, fourth{"x2", crdt::Value(as_bytes(two))};
  assert_int_equal(compare(first, second), -1);
  assert_int_equal(compare(second, third), -1);
  assert_int_equal(compare(third, fourth), -1);
  assert_int_equal(compare(third, third), 0);
  const Sorting back("$key desc");
  assert_true(back.sort().compare(back.sort().place_of(first), back.sort().place_of(second)) < 0);
}

void trouble_with_a_sort_names_the_column(void**) {
  assert_string_equal(Sorting("a dsc").trouble().c_str(),
                      "column 3: `asc`, `desc`, `,` or the end is to come here, but there is dsc; did you mean desc?");
  assert_status(Sorting("a,").status(), Status::invalid);
  assert_status(Sorting("$user").status(), Status::invalid);
  assert_status(Sorting("a,b,c,d,e,f,g,h,i").status(), Status::too_large);
  assert_true(Sorting(" ").sort().is_by_key());
}

void a_cursor_is_read_back_where_it_is_of_the_query_and_whole(void**) {
  const Sorting by("a desc, b");
  const Question where("a > 1"), other("a > 2");
  const std::string value = canonical(R"({"a":[1,"x"]})");
  const Place place = by.sort().place_of({"bench/3", crdt::Value(as_bytes(value))});
  const std::uint64_t hash = query::hash_of("climate", where.predicate(), by.sort());
  char room[256];
  const Result<std::string_view> text = query::write_cursor(place, hash, room);
  assert_ok(text.status());

  std::uint8_t back[256];
  const Result<Place> read = query::read_cursor(*text, hash, by.sort(), back);
  assert_ok(read.status());
  assert_int_equal(by.sort().compare(*read, place), 0);
  assert_true(read->key == "bench/3");

  for (const std::uint64_t foreign : {query::hash_of("weather", where.predicate(), by.sort()),
                                      query::hash_of("climate", other.predicate(), by.sort()),
                                      query::hash_of("climate", where.predicate(), Sort())}) {
    assert_status(query::read_cursor(*text, foreign, by.sort(), back).status(), Status::invalid);
  }
  for (std::size_t i = 0; i < text->size(); ++i) {
    std::string damaged(*text);
    damaged[i] = damaged[i] == 'A' ? 'B' : 'A';
    assert_status(query::read_cursor(damaged, hash, by.sort(), back).status(), Status::corrupt);
    assert_status(query::read_cursor(text->substr(0, i), hash, by.sort(), back).status(), Status::corrupt);
  }
  assert_status(query::read_cursor("not a cursor", hash, by.sort(), back).status(), Status::corrupt);
  assert_status(query::write_cursor(place, hash, std::span(room).first(20)).status(), Status::full);
  assert_status(query::read_cursor(*text, hash, by.sort(), MutBytes(back).first(20)).status(), Status::full);
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(every_two_values_stand_as_the_golden_order_says),
      cmocka_unit_test(a_number_is_the_double_nearest_to_its_text),
      cmocka_unit_test(numbers_at_the_edges_are_read_exactly),
      cmocka_unit_test(a_sort_compares_key_by_key_and_ends_with_the_rows_key),
      cmocka_unit_test(trouble_with_a_sort_names_the_column),
      cmocka_unit_test(a_cursor_is_read_back_where_it_is_of_the_query_and_whole),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
