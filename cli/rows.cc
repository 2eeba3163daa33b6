// SPDX-License-Identifier: Apache-2.0
#include "cli/rows.h"

#include <string>
#include <unordered_map>

#include "cli/csv_rows.h"
#include "cli/failure.h"
#include "cli/json_rows.h"
#include "cli/names.h"
#include "cli/text.h"
#include "crdt/cell.h"

namespace grid::cli {
namespace {

enum class Layout : std::uint8_t { csv, ndjson, array };

Layout layout_of(std::string_view file, std::string_view content) {
  if (file.ends_with(".csv")) return Layout::csv;
  if (file.ends_with(".ndjson") || file.ends_with(".jsonl")) return Layout::ndjson;
  const std::size_t first = content.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return Layout::ndjson;
  if (content[first] == '[') return Layout::array;
  return content[first] == '{' || file.ends_with(".json") ? Layout::ndjson : Layout::csv;
}

void check_utf8(std::string_view file, std::string_view content) {
  std::size_t line = 1;
  for (std::size_t at = 0; at < content.size(); ++line) {
    const std::size_t end = std::min(content.find('\n', at), content.size());
    if (!crdt::is_utf8(content.substr(at, end - at))) throw trouble_at(file, line, "not UTF-8");
    at = end + 1;
  }
}

// What no two rows may share: the key of a view, and of a set the value as well.
std::string identity_of(const Row& row) {
  std::string identity = std::to_string(static_cast<int>(row.view)) + " " + row.key;
  if (row.view == crdt::View::facts) identity += '\0' + row.predicate;
  const bool is_one_of_many = row.view == crdt::View::or_map || row.is_many;
  return is_one_of_many ? identity + '\0' + row.value : identity;
}

void check_keys(std::string_view file, const std::vector<Row>& rows) {
  std::unordered_map<std::string, std::size_t> line_of;
  line_of.reserve(rows.size());
  for (const Row& row : rows) {
    if (const std::string trouble = trouble_with_key(row.key); !trouble.empty())
      throw trouble_at(file, row.line, trouble);
    const auto [standing, is_new] = line_of.emplace(identity_of(row), row.line);
    if (is_new) continue;
    const std::string what = row.view == crdt::View::or_map  ? "this value of the key "
                             : row.view == crdt::View::facts ? "this fact of the entity "
                                                             : "the key ";
    throw trouble_at(file, row.line,
                     what + json_text(row.key) + " is on line " + std::to_string(standing->second) + " already");
  }
}

std::vector<Row> rows_of(std::string_view file, std::string_view content, std::string_view key_field) {
  switch (layout_of(file, content)) {
    case Layout::csv:
      return csv_rows(file, content, key_field);
    case Layout::ndjson:
      return keyed_rows(file, ndjson_values(file, content), key_field);
    case Layout::array:
      return keyed_rows(file, array_values(file, content), key_field);
  }
  return {};
}

}  // namespace

Failure trouble_at(std::string_view file, std::size_t line, const std::string& sentence) {
  return {Exit::failure, std::string(file) + ":" + std::to_string(line) + ": " + sentence};
}

std::vector<Row> read_rows(std::string_view file, std::string_view content, std::string_view key_field) {
  if (content.starts_with("\xef\xbb\xbf")) content.remove_prefix(3);
  check_utf8(file, content);
  std::vector<Row> rows = rows_of(file, content, key_field);
  check_keys(file, rows);
  return rows;
}

}  // namespace grid::cli
