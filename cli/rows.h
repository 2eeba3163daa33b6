// SPDX-License-Identifier: Apache-2.0
//
// Rows: what a file to be imported holds, read and checked as a whole: either every row of it is good, or none is
// used. CSV with a header, NDJSON, or a JSON array.
//
// Place     Above csv.h and transport/json. Knows no replica.
// Promises  Every key and value that comes out can be put as it is, and no key comes twice but with other values of a
//           set, or other facts. Trouble is a Failure that begins with FILE:LINE.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "cli/failure.h"
#include "crdt/view.h"

namespace grid::cli {

struct Row {
  std::size_t line = 0;
  std::string key;
  std::string value;  // Canonical. Of a set one of its values, each in a Row; of a counter its sum, an integer.
  crdt::View view = crdt::View::lww_map;
  std::string predicate{};  // Of a fact, of which the value is the object,
  bool is_many = false;     // one of many under the predicate.
};

// Reads `content`, which is called `file` in messages; its extension names the layout, or else its first byte does.
// `key_field` is the field or column that holds each key. Empty: `id`, or else `key`, or else the first column of a
// CSV; and where every row is {"key": ..., "value": ...}, as export writes them, those are key and value; with
// "view": "set" or "counter" beside them they are no row, but of that view; and with "predicate", and "view": "fact" or
// "facts", the one object of an entity or one of many.
std::vector<Row> read_rows(std::string_view file, std::string_view content, std::string_view key_field);

// "FILE:LINE: sentence".
Failure trouble_at(std::string_view file, std::size_t line, const std::string& sentence);

}  // namespace grid::cli
