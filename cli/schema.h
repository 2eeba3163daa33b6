// SPDX-License-Identifier: Apache-2.0
//
// The schema of a map as a replica on disk keeps it, and what gridctl writes is held against.
//
// Place     Between the verbs and runtime/schema.h.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "cli/session.h"
#include "runtime/schema.h"

namespace grid::cli {

class MapSchema {
 public:
  // Throws a Failure that names the path, when `value` is no schema.
  explicit MapSchema(const Value& value);

  // What is wrong with the record, as a sentence; empty: nothing.
  std::string trouble_with(const Value& record) const;
  bool is_empty() const { return fields_.empty(); }

 private:
  void take(SchemaField& field, std::string_view rule, const Value& value);
  std::string_view kept(std::string_view text) { return texts_.emplace_back(text); }

  std::deque<std::string> texts_;
  std::deque<std::vector<std::string_view>> lists_;
  std::vector<SchemaField> fields_;
};

// The one that the session's store has for `map`.
std::optional<MapSchema> schema_of(Session& session, const std::string& map);

}  // namespace grid::cli
