// SPDX-License-Identifier: Apache-2.0
//
// A predicate, an order and a cursor, a line each. What is taken says the same when it is moved, and requires no more
// of a row than what every row that it accepts has; what is refused has a sentence with a column within the text; a
// cursor that is taken is written back the same.
#include <string>
#include <vector>

#include "crdt/base/check.h"
#include "crdt/query/analysis.h"
#include "crdt/query/compile.h"
#include "crdt/query/cursor.h"
#include "tests/fuzz/target.h"
#include "transport/json/value_json.h"

namespace {

using namespace grid;
using crdt::Value;
using query::Predicate;
using query::Row;

const std::vector<std::string>& rows() {
  static const std::vector<std::string> kRows = [] {
    std::vector<std::string> all;
    for (const char* json : {"null", "1", "\"a text\"", "[1,[2,\"x\"]]", R"({"a":1,"b":"x","c":{"d":true}})",
                             R"({"a":"aaaaaaaaaaaaaab","b":null,"t":{"$timestamp":5},"r":{"$ref":"k"}})",
                             R"({"a":9007199254740993,"b":1.5,"tags":["x","y",{"$bytes":"AP8="}]})"}) {
      std::string value;
      json::JsonError error;
      GRID_CHECK(json::value_from_json(json, value, error) == Status::ok);
      all.push_back(value);
    }
    return all;
  }();
  return kRows;
}

void check_trouble(const query::Trouble& trouble, std::string_view text) {
  char room[300];
  GRID_CHECK(trouble.column >= 1 && trouble.column <= text.size() + 1);
  GRID_CHECK(trouble.sentence(room).starts_with("column "));
  GRID_CHECK(trouble.sentence(std::span(room).first(9)).size() == 9);
}

// A constraint as a predicate of its own: the test where it stands, with nothing behind it.
std::vector<std::uint8_t> alone(Bytes program, const query::Constraint& constraint) {
  const auto begin =
      static_cast<std::size_t>(constraint.path.encoded().data() - program.data()) - query::Step::kHeadBytes;
  const query::Step step(program, begin);
  std::vector<std::uint8_t> one(program.begin() + static_cast<std::ptrdiff_t>(begin),
                                program.begin() + static_cast<std::ptrdiff_t>(begin + step.size()));
  store_le<2>(Predicate::kAccept, one.data() + 4);
  store_le<2>(Predicate::kReject, one.data() + 6);
  return one;
}

void check_predicate(const Predicate& predicate) {
  const std::vector<std::uint8_t> moved(predicate.program().begin(), predicate.program().end());
  query::Constraint constraints[Predicate::kTestsMax];
  const std::size_t count = query::required(predicate, constraints);
  for (const std::string& value : rows()) {
    const Row row{"key/1", Value(as_bytes(value))};
    const bool accepts = predicate.matches(row);
    GRID_CHECK(Predicate(moved).matches(row) == accepts);
    for (std::size_t i = 0; accepts && i < count; ++i) {
      GRID_CHECK(Predicate(alone(predicate.program(), constraints[i])).matches(row));
    }
  }
}

void check_sort(const query::Sort& sort, std::uint64_t hash, std::string_view cursor) {
  std::vector<query::Place> places;
  for (const std::string& value : rows()) places.push_back(sort.place_of({"key/1", Value(as_bytes(value))}));
  for (const query::Place& a : places) {
    for (const query::Place& b : places) GRID_CHECK((sort.compare(a, b) < 0) == (sort.compare(b, a) > 0));
  }
  std::vector<std::uint8_t> room(cursor.size() + 1);
  const Result<query::Place> place = query::read_cursor(cursor, hash, sort, room);
  if (!place.ok()) return;
  std::vector<char> again(cursor.size());
  const Result<std::string_view> text = query::write_cursor(*place, hash, again);
  GRID_CHECK(text.ok() && *text == cursor);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = as_text({data, size});
  const std::size_t first = std::min(input.find('\n'), size);
  const std::size_t second = std::min(input.find('\n', std::min(first + 1, size)), size);
  const std::string_view where = input.substr(0, first);
  const std::string_view order = input.substr(std::min(first + 1, size), second - std::min(first + 1, second));

  const std::string teams = std::string("\x4a\x05\x0a\x03\x2a\x01", 6) + "x";
  const query::Parameter parameters[] = {{"user", Value(as_bytes(rows()[2]))}, {"teams", Value(as_bytes(teams))}};
  static std::vector<std::uint8_t> room(Predicate::kProgramBytesMax);
  query::Trouble trouble;
  const Result<Predicate> predicate = query::compile(where, parameters, room, trouble);
  predicate.ok() ? check_predicate(*predicate) : check_trouble(trouble, where);

  std::uint8_t sort_room[512];
  trouble = {};
  const Result<query::Sort> sort = query::compile_sort(order, sort_room, trouble);
  sort.ok() ? check_sort(*sort, 7, input.substr(std::min(second + 1, size))) : check_trouble(trouble, order);
  return 0;
}
