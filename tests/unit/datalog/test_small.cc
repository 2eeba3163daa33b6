// SPDX-License-Identifier: Apache-2.0
//
// What a machine of little memory has in place of others: the text of a number, facts in an array, a heap sort.

#include <charconv>
#include <cmath>
#include <random>
#include <set>
#include <vector>

#include "crdt/datalog/fact_array.h"
#include "crdt/datalog/number_text.h"
#include "crdt/datalog/sorted.h"
#include "runtime/query/heap_chunks.h"
#include "tests/check.h"

namespace grid::test {
namespace {

using namespace datalog;

void expect_text(double number) {
  char own[kNumberTextMax], wanted[64];
  const std::string_view text = text_of_number(number, own);
  const std::to_chars_result written = std::to_chars(wanted, wanted + sizeof(wanted), number);
  const std::string_view other(wanted, static_cast<std::size_t>(written.ptr - wanted));
  if (text != other) fail_msg("%.*s, and not %.*s", int(text.size()), text.data(), int(other.size()), other.data());
}

// DLQ-1
void a_number_has_the_text_that_it_has_on_larger_machines(void**) {
  for (const double number : {0.0, -0.0, 1.0, 0.1, 1e5, 1e6, 123'456.0, 1e-5, 0.0001, 1.5e-5, 1e21, 1e22, 1e23, 5e-324,
                              1.7976931348623157e308, 2.2250738585072014e-308, 9'007'199'254'740'993.0, -21.37}) {
    expect_text(number);
  }
  for (const double number : {HUGE_VAL, -HUGE_VAL, std::nan("")}) expect_text(number);
  std::mt19937_64 random(7);
  for (int i = 0; i < 3'000; ++i) {
    expect_text(std::bit_cast<double>(random()));
    expect_text(static_cast<double>(random() % 2'000'000) / 1'000 - 1'000);
    expect_text(std::ldexp(1.0, static_cast<int>(random() % 2'098) - 1'074));
    expect_text(static_cast<double>(random() % 10 + 1) * std::pow(10, static_cast<int>(random() % 40) - 20));
    expect_text(static_cast<double>(random()) * 64);
  }
}

struct IsBefore {
  bool operator()(const Fact& a, const Fact& b) const { return EntityOrder{}(a, b) < 0; }
};

void expect_facts(const FactArray& array, const std::set<Fact, IsBefore>& wanted) {
  assert_int_equal(array.size(), wanted.size());
  auto at = wanted.begin();
  for (FactArray::Cursor cursor = array.seek({}, EntityOrder{}); !cursor.is_at_end(); cursor.next(), ++at)
    assert_int_equal(EntityOrder{}(cursor.fact(), *at), 0);
}

// DLX-1
void facts_in_an_array_are_those_that_were_added_and_not_taken_out(void**) {
  runtime::HeapChunks chunks;
  Region region(chunks, 4'096, 1 << 20);
  FactArray array(region, EntityOrder{});
  std::set<Fact, IsBefore> model;
  std::mt19937 random(3);
  const auto draw = [&random](std::uint32_t below) { return static_cast<std::uint32_t>(random() % below); };
  for (int i = 0; i < 4'000; ++i) {
    const Fact fact{atom_of_decimal(draw(20), 0), atom_of_decimal(draw(9), 0), draw(4) << 2};
    const auto place = model.lower_bound(fact);
    const bool is_there = place != model.end() && !IsBefore{}(fact, *place);
    const bool adds = draw(2) == 0;
    FactsBeside beside;
    const Status status = adds ? array.insert(fact, beside) : array.erase(fact, beside);
    const Status other = adds ? Status::conflict : Status::not_found;
    assert_int_equal(status, adds != is_there ? Status::ok : other);
    if (status != Status::ok) continue;
    const auto behind = is_there ? std::next(place) : place;
    assert_true(beside.behind.entity == (behind == model.end() ? Atom{} : behind->entity));
    assert_true(beside.before.entity == (place == model.begin() ? Atom{} : std::prev(place)->entity));
    if (adds) model.insert(fact);
    if (!adds) model.erase(fact);
    assert_int_equal(array.count_before(fact, EntityOrder{}), std::distance(model.begin(), model.lower_bound(fact)));
  }
  expect_facts(array, model);
}

void whatever_is_sorted_is_in_order(void**) {
  std::mt19937 random(5);
  for (std::size_t size = 0; size < 60; ++size) {
    std::vector<unsigned> items(size);
    for (unsigned& item : items) item = static_cast<unsigned>(random() % 40);
    std::vector<unsigned> wanted = items;
    std::sort(wanted.begin(), wanted.end());
    heap_sort(items.data(), items.size(), [](unsigned a, unsigned b) { return a < b; });
    assert_true(items == wanted);
  }
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_number_has_the_text_that_it_has_on_larger_machines),
      cmocka_unit_test(facts_in_an_array_are_those_that_were_added_and_not_taken_out),
      cmocka_unit_test(whatever_is_sorted_is_in_order),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
