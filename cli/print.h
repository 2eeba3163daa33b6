// SPDX-License-Identifier: Apache-2.0
//
// stdout: data only, in the format that was asked for: a table on a terminal, NDJSON in a pipe, or what -o says.
//
// Place     Above transport/json; below the verbs.
// Promises  What can't be written is a Failure, never lost silently.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/verbs.h"
#include "crdt/value.h"
#include "crdt/view.h"
#include "runtime/grid/facts.h"

namespace grid::cli {

using crdt::Value;

// What `automatic` comes to.
Format resolved(Format format);

void print(std::string_view data);
void flush_output();

// Rows of a map, in the order in which they come.
//   table   KEY and VALUE side by side        json  one array of {"key", "value"}
//   ndjson  {"key", "value"} a line           raw   the keys alone, a line each
// What is no row has a "view" as well.
class RowPrinter {
 public:
  explicit RowPrinter(Format format) : format_(resolved(format)) {}
  // A row, one value of a set, or the sum of a counter. The values of a set come one after another, and so do the facts
  // of an entity.
  void row(std::string_view key, const Value& value, crdt::View view = crdt::View::lww_map);
  void fact(std::string_view entity, const Fact& fact);
  void finish();

 private:
  void line(std::string_view key, const std::string& shown, const std::string& whole);

  Format format_;
  std::size_t count_ = 0;
  std::string last_key_;
  std::vector<std::pair<std::string, std::string>> table_;
};

// One thing with named fields. Its values are JSON already.
//   table  a field a line, in columns   json, ndjson  one object   raw  name=value, a field a line
class Report {
 public:
  Report& text(std::string_view name, std::string_view value);
  Report& number(std::string_view name, std::int64_t value);
  Report& count(std::string_view name, std::uint64_t value);
  // To one digit behind the point.
  Report& decimal(std::string_view name, double value);
  Report& value(std::string_view name, const Value& value);
  Report& truth(std::string_view name, bool value);
  Report& nothing(std::string_view name);
  void print(Format format) const;

 private:
  friend void print_all(const std::vector<Report>& reports, Format format);
  struct Entry {
    std::string name, json, plain;
  };
  std::string json() const;
  std::string plain() const;

  std::vector<Entry> entries_;
};

// Several of a kind.
//   table, raw  a line each, in the order of their fields   json  one array   ndjson  an object a line
void print_all(const std::vector<Report>& reports, Format format);

// Pads `text` to `columns`, counting characters.
std::string padded(std::string_view text, std::size_t columns);
std::size_t columns_of(std::string_view text);

}  // namespace grid::cli
