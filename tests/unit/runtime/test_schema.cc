// SPDX-License-Identifier: Apache-2.0
//
// Schemas: what a record must be, named by the path of the first field that is not so, and how others' records read.

#include "runtime/schema.h"
#include "tests/check.h"

namespace grid {

using crdt::Value;
using crdt::ValueKind;
using crdt::ValueWriter;

namespace {

constexpr std::string_view kSites[] = {"Oslo", "Bergen"};
constexpr SchemaField kFields[] = {
    {.path = "temp", .kind = ValueKind::number, .required = true, .min = -60, .max = 125, .number_otherwise = 20},
    {.path = "site", .kind = ValueKind::text, .size_max = 8, .one_of = kSites, .otherwise = "Oslo"},
    {.path = "place.lat", .kind = ValueKind::number, .min = -90, .max = 90},
    {.path = "tags", .kind = ValueKind::list, .size_max = 2},
};
constexpr Schema kSchema(kFields);

std::uint8_t room[512];

template <typename Write>
Value record(Write write) {
  ValueWriter writer(room);
  writer.begin_record();
  write(writer);
  writer.end_record();
  return Value(*writer.finish());
}

void assert_trouble(const Value& value, std::string_view expected) {
  SchemaTrouble trouble;
  char line[128];
  assert_status(kSchema.check(value, trouble), Status::invalid);
  const std::string_view sentence = trouble.sentence(line);
  if (sentence != expected) print_error("%.*s\n", static_cast<int>(sentence.size()), sentence.data());
  assert_true(sentence == expected);
}

}  // namespace

static void a_record_that_is_as_it_should_be_passes_whatever_else_it_has(void**) {
  SchemaTrouble trouble;
  assert_ok(kSchema.check(record([](ValueWriter& w) {
                            w.field("temp"), w.integer(125);
                            w.field("site"), w.text("Bergen");
                            w.field("later_version"), w.boolean(true);
                          }),
                          trouble));
  assert_ok(kSchema.check(record([](ValueWriter& w) {
                            w.field("temp"), w.number(-60);
                            w.field("site"), w.null();
                          }),
                          trouble));
}

static void the_first_field_that_breaks_a_rule_is_named_by_its_path(void**) {
  assert_trouble(record([](ValueWriter&) {}), "temp: is required");
  assert_trouble(record([](ValueWriter& w) { w.field("temp"), w.null(); }), "temp: is required");
  assert_trouble(record([](ValueWriter& w) { w.field("temp"), w.text("x"); }), "temp: is to be number, and is text");
  assert_trouble(record([](ValueWriter& w) { w.field("temp"), w.number(125.5); }),
                 "temp: is greater than its range ends with");
  assert_trouble(record([](ValueWriter& w) { w.field("temp"), w.integer(-61); }),
                 "temp: is less than its range begins with");
  assert_trouble(record([](ValueWriter& w) { w.field("temp"), w.number(std::numeric_limits<double>::quiet_NaN()); }),
                 "temp: is less than its range begins with");
  assert_trouble(record([](ValueWriter& w) {
                   w.field("temp"), w.integer(1);
                   w.field("site"), w.text("Rome");
                 }),
                 "site: is none of what it may be");
  assert_trouble(record([](ValueWriter& w) {
                   w.field("temp"), w.integer(1);
                   w.field("site"), w.text("Trondheim");
                 }),
                 "site: is larger than it may be");
  assert_trouble(record([](ValueWriter& w) {
                   w.field("temp"), w.integer(1);
                   w.field("place"), w.begin_record(), w.field("lat"), w.integer(91), w.end_record();
                 }),
                 "place.lat: is greater than its range ends with");
  assert_trouble(record([](ValueWriter& w) {
                   w.field("temp"), w.integer(1);
                   w.field("tags"), w.begin_list(), w.integer(1), w.integer(2), w.integer(3), w.end_list();
                 }),
                 "tags: is larger than it may be");
  ValueWriter writer(room);
  writer.integer(3);
  assert_trouble(Value(*writer.finish()), "the value is to be a record, and is integer");
}

static void what_another_version_wrote_reads_as_absent_where_it_is_of_another_kind(void**) {
  std::uint64_t mistyped = 0;
  const Value other = record([](ValueWriter& w) {
    w.field("temp"), w.text("warm");
    w.field("unknown"), w.integer(7);
  });
  assert_false(kSchema.read(other, "temp", mistyped).exists());
  assert_int_equal(mistyped, 1);
  assert_true(kSchema.number(other, "temp", mistyped) == 20);
  assert_int_equal(mistyped, 2);
  assert_true(kSchema.text(other, "site", mistyped) == "Oslo");
  assert_int_equal(kSchema.read(other, "unknown", mistyped).integer_or(0), 7);
  assert_int_equal(mistyped, 2);
}

}  // namespace grid

int main() {
  using namespace grid;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_record_that_is_as_it_should_be_passes_whatever_else_it_has),
      cmocka_unit_test(the_first_field_that_breaks_a_rule_is_named_by_its_path),
      cmocka_unit_test(what_another_version_wrote_reads_as_absent_where_it_is_of_another_kind),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
