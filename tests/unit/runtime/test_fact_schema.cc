// SPDX-License-Identifier: Apache-2.0
//
// Schemas of facts: objects come as their attribute has them, or stay as they are.

#include <string>

#include "runtime/fact_schema.h"
#include "tests/check.h"

namespace grid {

using crdt::Value;
using crdt::ValueKind;
using crdt::ValueWriter;

namespace {

constexpr Attribute kHuts[] = {
    {.name = "beds", .kind = ValueKind::number}, {.name = "count", .kind = ValueKind::integer},
    {.name = "name", .kind = ValueKind::text},   {.name = "open", .kind = ValueKind::boolean},
    {.name = "warden", .kind = ValueKind::ref},  {.name = "since", .kind = ValueKind::timestamp},
    {.name = "offers", .is_many = true},         {.name = "photo", .kind = ValueKind::bytes},
};
constexpr FactSchema kSchema(kHuts);

// The kind of what becomes of an object, and what it says.
template <typename Write>
std::string coerced(std::string_view attribute, Write write) {
  std::uint8_t room[300], other[300];
  ValueWriter writer(room);
  write(writer);
  const Value value = kSchema.coerced(attribute, Value(*writer.finish()), other);
  assert_ok(crdt::check_value(value.canonical()));
  std::string said = name_of(value.kind());
  if (value.kind() == ValueKind::integer) said += " " + std::to_string(value.integer_or(0));
  if (value.kind() == ValueKind::timestamp) said += " " + std::to_string(value.timestamp_or(0));
  if (value.kind() == ValueKind::number) said += " " + std::to_string(value.number_or(0));
  if (value.kind() == ValueKind::boolean) said += value.truth_or(false) ? " true" : " false";
  return said.append(value.kind() == ValueKind::text || value.kind() == ValueKind::ref ? " " : "")
      .append(value.text_or({}));
}
auto text(const char* value) {
  return [value](ValueWriter& writer) { writer.text(value); };
}
auto integer(std::int64_t value) {
  return [value](ValueWriter& writer) { writer.integer(value); };
}
auto number(double value) {
  return [value](ValueWriter& writer) { writer.number(value); };
}

// {"beds": .., "note": "7", "offers": .., "since": null, "warden": [..]}
template <typename Beds, typename Offers, typename Wardens>
Value record(MutBytes room, Beds beds, Offers offers, Wardens wardens) {
  ValueWriter writer(room);
  writer.begin_record();
  writer.field("beds"), beds(writer);
  writer.field("note"), writer.text("7");
  writer.field("offers"), offers(writer);
  writer.field("since"), writer.null();
  writer.field("warden"), writer.begin_list(), wardens(writer), writer.end_list();
  writer.end_record();
  return Value(*writer.finish());
}

void a_record_is_brought_to_its_schema_field_by_field(void**) {
  std::uint8_t room[300], other[300], wanted[300];
  const Value given = record(room, text("40"), text("soup"), [](ValueWriter& w) { w.integer(21), w.text("ann"); });
  const auto list = [](ValueWriter& w) { w.begin_list(), w.text("soup"), w.end_list(); };
  const Value right = record(wanted, integer(40), list, [](ValueWriter& w) { w.ref("21"), w.ref("ann"); });
  const Result<Value> brought = kSchema.coerced_record(given, other);
  assert_ok(brought.status());
  assert_true(equal(brought->canonical(), right.canonical()));
  assert_status(kSchema.coerced_record(given, MutBytes(other).first(20)).status(), Status::too_large);
  assert_status(kSchema.coerced_record(given["beds"], other).status(), Status::invalid);
}

void objects_are_brought_to_the_kind_of_their_attribute(void**) {
  assert_string_equal(coerced("beds", text("40")).c_str(), "integer 40");
  assert_string_equal(coerced("beds", text("-2.5e1")).c_str(), "number -25.000000");
  assert_string_equal(coerced("count", text("7")).c_str(), "integer 7");
  assert_string_equal(coerced("name", integer(-12)).c_str(), "text -12");
  assert_string_equal(coerced("name", number(0.5)).c_str(), "text 0.5");
  assert_string_equal(coerced("open", text("true")).c_str(), "boolean true");
  assert_string_equal(coerced("warden", integer(21)).c_str(), "ref 21");
  assert_string_equal(coerced("warden", text("ann")).c_str(), "ref ann");
  assert_string_equal(coerced("warden", text("21")).c_str(), "ref \"21\"");
  assert_string_equal(coerced("since", integer(1'000)).c_str(), "timestamp 1000");
}

void what_cannot_be_brought_to_its_kind_stays_as_it_is(void**) {
  assert_string_equal(coerced("beds", text("many")).c_str(), "text many");
  assert_string_equal(coerced("count", text("7.5")).c_str(), "text 7.5");
  assert_string_equal(coerced("count", text("99999999999999999999")).c_str(), "text 99999999999999999999");
  assert_string_equal(coerced("open", text("yes")).c_str(), "text yes");
  assert_string_equal(coerced("open", integer(1)).c_str(), "integer 1");
  assert_string_equal(coerced("warden", text("")).c_str(), "text ");
  assert_string_equal(coerced("warden", number(0.5)).c_str(), "number 0.500000");
  assert_string_equal(coerced("photo", text("x")).c_str(), "text x");
}

void what_no_schema_names_and_what_is_right_already_is_not_touched(void**) {
  assert_string_equal(coerced("height", text("40")).c_str(), "text 40");
  assert_string_equal(coerced("offers", text("40")).c_str(), "text 40");
  assert_string_equal(coerced("beds", integer(40)).c_str(), "integer 40");
  assert_true(kSchema.is_many("offers"));
  assert_false(kSchema.is_many("beds"));
  assert_false(kSchema.is_many("height"));
}

}  // namespace
}  // namespace grid

int main() {
  using namespace grid;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_record_is_brought_to_its_schema_field_by_field),
      cmocka_unit_test(objects_are_brought_to_the_kind_of_their_attribute),
      cmocka_unit_test(what_cannot_be_brought_to_its_kind_stays_as_it_is),
      cmocka_unit_test(what_no_schema_names_and_what_is_right_already_is_not_touched),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
