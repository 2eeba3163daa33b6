// SPDX-License-Identifier: Apache-2.0
//
// A configuration as it was written: a tree of values that know where they stand.
//
// Place     Lowest of server/host/config. Knows TOML, never what a key means.
// Promises  Whatever is wrong with a file is one sentence that begins "FILE:LINE:COLUMN: ".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "crdt/base/status.h"

namespace grid::server::config {

// Where something was written; outside of files, `file` says where, and there is no line.
struct At {
  std::string file{};
  std::uint32_t line = 0;
  std::uint32_t column = 0;

  // "FILE:LINE:COLUMN"; with no line, the file alone.
  std::string text() const;
};

struct Node {
  enum class Kind : std::uint8_t { text, integer, real, boolean, time, list, table };

  Kind kind = Kind::table;
  At at{};
  std::string name{};  // In a table, which has each once,
  At named_at{};       // and where that stands; a table's, where it is first spoken of.
  std::string text{};  // Of a text.
  std::int64_t integer = 0;
  bool truth = false;
  std::vector<Node> items{};  // Of a list or a table.

  bool is(Kind one) const { return kind == one; }
  // Null: there is none of this name.
  const Node* find(std::string_view wanted) const;
  Node* find(std::string_view wanted);
};

// "text", "a whole number" ..., for sentences.
std::string_view name_of(Node::Kind kind);

// `problem` becomes "FILE:LINE:COLUMN: sentence".
//   invalid  Always.
Status refuse(const At& at, std::string_view sentence, std::string& problem);

//   invalid  Not TOML.
Status parse(const std::string& file, std::string_view text, Node& root, std::string& problem);
//   not_found  There is no such file, or it can't be read, or it is larger than a mebibyte.
//   invalid    Not TOML.
Status parse_file(const std::string& file, Node& root, std::string& problem);

// Lays `over` upon `under`: tables become one, everything else is replaced.
void lay_over(Node& under, const Node& over);

// "; did you mean X?", or which there are, or nothing when there are none.
std::string suggestion(std::string_view word, const std::vector<std::string_view>& known);

}  // namespace grid::server::config
