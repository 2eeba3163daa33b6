// SPDX-License-Identifier: Apache-2.0
//
// Typed reads of the embedding API: which fields are read as what, and what is said of the others.

#include <grid/grid.h>
#include <grid/linux.h>

#include <cstring>
#include <string>

#include "crdt/stub.h"
#include "tests/check.h"

namespace {

using namespace grid;

struct Fixture {
  Fixture() {
    node = host.open({.app = "farm"});
    assert_non_null(node);
    std::uint8_t room[512];
    ValueWriter writer(room);
    writer.begin_record();
    writer.field("big"), writer.integer(300);
    writer.field("blob"), writer.bytes(as_bytes("\x01\x02"));
    writer.field("fan"), writer.boolean(true);
    writer.field("list"), writer.begin_list(), writer.integer(1), writer.end_list();
    writer.field("none"), writer.null();
    writer.field("outside"), writer.begin_record();
    writer.field("a.b"), writer.text("dotted");
    writer.field("temp"), writer.number(-4.5);
    writer.end_record();
    writer.field("parent"), writer.ref("bench/2");
    writer.field("seen"), writer.timestamp(1'700'000'000'000);
    writer.field("site"), writer.text("Oslo");
    writer.field("temp"), writer.number(21.5);
    writer.end_record();
    const Result<Bytes> bytes = writer.finish();
    assert_true(bytes.ok());
    assert_ok(map().put("bench/1", Value(*bytes)).status());
  }
  Map map() { return node->map("climate"); }

  LinuxHost host;
  Node* node = nullptr;
};

template <typename T>
T got(Fixture& fixture, std::string_view path) {
  const Result<T> field = fixture.map().get<T>("bench/1", path);
  assert_ok(field.status());
  return *field;
}

void a_field_is_read_as_the_type_that_it_is(void**) {
  Fixture fixture;
  assert_true(got<double>(fixture, "temp") == 21.5);
  assert_true(got<double>(fixture, "outside.temp") == -4.5);
  assert_true(got<double>(fixture, "big") == 300.0);
  assert_true(got<bool>(fixture, "fan"));
  assert_int_equal(got<std::int64_t>(fixture, "big"), 300);
  assert_int_equal(got<int>(fixture, "big"), 300);
  assert_true(got<std::string_view>(fixture, "site") == "Oslo");
  assert_true(got<std::string_view>(fixture, "parent") == "bench/2");
  assert_true(got<std::string_view>(fixture, "outside.\"a.b\"") == "dotted");
  assert_true(equal(got<Bytes>(fixture, "blob"), as_bytes("\x01\x02")));
  assert_true(got<Timestamp>(fixture, "seen").ms == 1'700'000'000'000);
  assert_int_equal(got<Value>(fixture, "list").kind(), ValueKind::list);
  assert_int_equal(got<Value>(fixture, "none").kind(), ValueKind::null);
  assert_int_equal(got<Value>(fixture, "").kind(), ValueKind::record);
}

void what_is_not_there_is_not_found(void**) {
  Fixture fixture;
  for (const char* path : {"none at all", "outside.none", "temp.inside", "list.x"}) {
    assert_status(fixture.map().get<double>("bench/1", path).status(), Status::not_found);
  }
  assert_status(fixture.map().get<double>("bench/2", "temp").status(), Status::not_found);
  assert_true(fixture.map().get<double>("bench/2", "temp").value_or(7) == 7.0);
  assert_ok(fixture.map().remove("bench/1").status());
  assert_status(fixture.map().get<double>("bench/1", "temp").status(), Status::not_found);
}

template <typename T>
void refuses(Fixture& fixture, const char* path, Status status, const char* sentence) {
  assert_status(fixture.map().get<T>("bench/1", path).status(), status);
  assert_string_equal(fixture.host.problem(), sentence);
}

void what_is_of_another_kind_is_said_to_be(void**) {
  Fixture fixture;
  refuses<double>(fixture, "site", Status::invalid, "site is text, and is read as number");
  refuses<std::int64_t>(fixture, "temp", Status::invalid, "temp is number, and is read as integer");
  refuses<bool>(fixture, "none", Status::invalid, "none is null, and is read as boolean");
  refuses<std::string_view>(fixture, "blob", Status::invalid, "blob is bytes, and is read as text");
  refuses<Bytes>(fixture, "site", Status::invalid, "site is text, and is read as bytes");
  refuses<Timestamp>(fixture, "big", Status::invalid, "big is integer, and is read as timestamp");
  refuses<double>(fixture, "", Status::invalid, "the value is record, and is read as number");
  refuses<std::uint8_t>(fixture, "big", Status::too_large, "big is integer beyond the type that it is read as");
}

void a_path_that_is_none_is_refused(void**) {
  Fixture fixture;
  for (const char* path : {".", ".temp", "outside.", "outside..temp", "\"temp", "\"\"", "\"outside\"temp", "\""}) {
    refuses<double>(fixture, path, Status::invalid, ("no path of a field: " + std::string(path)).c_str());
  }
}

void a_stub_says_that_it_is_too_large(void**) {
  std::uint8_t room[crdt::Stub::kBytes];
  crdt::Stub{100'000, 1}.write(room);
  const Value stub{Bytes(room)};
  assert_status(field<double>(stub, "temp").status(), Status::too_large);
  assert_status(field<Value>(stub, "").status(), Status::too_large);
}

void rows_that_are_visited_are_read_by_field_too(void**) {
  Fixture fixture;
  assert_ok(fixture.map().put("bench/2", {{"temp", 20}}).status());
  assert_ok(fixture.map().put("bench/3", {{"temp", "?"}}).status());
  assert_ok(fixture.map().put("door/1", {{"temp", 1'000}}).status());
  double sum = 0;
  const auto add = [&sum](const Change& row) { sum += field<double>(row.now, "temp").value_or(0); };
  assert_ok(fixture.map().scan("bench/", add));
  assert_true(sum == 41.5);
  assert_ok(fixture.map().scan_range("bench/2", "bench/3", add));
  assert_true(sum == 61.5);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_field_is_read_as_the_type_that_it_is),
      cmocka_unit_test(what_is_not_there_is_not_found),
      cmocka_unit_test(what_is_of_another_kind_is_said_to_be),
      cmocka_unit_test(a_path_that_is_none_is_refused),
      cmocka_unit_test(a_stub_says_that_it_is_too_large),
      cmocka_unit_test(rows_that_are_visited_are_read_by_field_too),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
