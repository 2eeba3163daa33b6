// SPDX-License-Identifier: Apache-2.0
//
// What the tests of queries share: rows from JSON, and predicates with the memory that they stand in.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "crdt/query/compile.h"
#include "tests/check.h"
#include "transport/json/value_json.h"

namespace grid::test {

// The canonical bytes of a value; of "absent", none.
inline std::string canonical(std::string_view json) {
  if (json == "absent") return {};
  std::string encoded;
  json::JsonError error;
  const Status status = json::value_from_json(json, encoded, error);
  if (status != Status::ok) fail_msg("%s: %s", std::string(json).c_str(), error.sentence.c_str());
  return encoded;
}

class Question {
 public:
  explicit Question(std::string_view text, std::span<const query::Parameter> parameters = {}) : text_(text) {
    room_.resize(Predicate::kProgramBytesMax);
    const Result<Predicate> compiled = query::compile(text_, parameters, room_, trouble_);
    status_ = compiled.status();
    if (compiled.ok()) predicate_ = *compiled;
  }
  Question(const Question&) = delete;
  Question& operator=(const Question&) = delete;

  Status status() const { return status_; }
  const query::Predicate& predicate() const { return predicate_; }
  std::string trouble() const {
    char room[300];
    return std::string(trouble_.sentence(room));
  }
  bool accepts(std::string_view json, std::string_view key = "k") const {
    if (status_ != Status::ok) fail_msg("%s: %s", text_.c_str(), trouble().c_str());
    const std::string value = canonical(json);
    return predicate_.matches({key, crdt::Value(as_bytes(value))});
  }

 private:
  using Predicate = query::Predicate;
  std::string text_;
  std::vector<std::uint8_t> room_;
  query::Trouble trouble_;
  Status status_ = Status::ok;
  Predicate predicate_;
};

}  // namespace grid::test
