// SPDX-License-Identifier: Apache-2.0
//
// What gridctl imports: CSV, NDJSON and JSON arrays. The first byte chooses the file's name and the key's field.
#include <string>
#include <vector>

#include "cli/csv.h"
#include "cli/rows.h"
#include "cli/text.h"
#include "crdt/base/check.h"
#include "crdt/cell.h"
#include "crdt/value.h"
#include "tests/fuzz/target.h"
#include "transport/json/value_json.h"

namespace {

using namespace grid;

bool is_same(const std::vector<cli::Row>& a, const std::vector<cli::Row>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const cli::Row& x, const cli::Row& y) { return x.key == y.key && x.value == y.value; });
}

// As export writes them: what was read must read back.
void check_export(const std::vector<cli::Row>& rows) {
  std::string lines, array;
  for (const cli::Row& row : rows) {
    const std::string line = "{\"key\":" + cli::json_text(row.key) +
                             ",\"value\":" + json::json_from_value(crdt::Value(as_bytes(row.value))) + "}";
    lines += line + "\n";
    array += (array.empty() ? "[" : ",\n") + line;
  }
  GRID_CHECK(is_same(cli::read_rows("again.ndjson", lines, {}), rows));
  if (!rows.empty()) GRID_CHECK(is_same(cli::read_rows("again.json", array + "]", {}), rows));
}

void check_rows(const std::string& file, std::string_view content, std::string_view key_field) {
  std::vector<cli::Row> rows;
  try {
    rows = cli::read_rows(file, content, key_field);
  } catch (const cli::Failure& failure) {
    const std::string sentence = failure.what();
    GRID_CHECK(failure.exit() == cli::Exit::failure && sentence.starts_with(file + ":"));
    const char first = sentence[file.size() + 1];
    GRID_CHECK(first >= '1' && first <= '9' && crdt::is_utf8(sentence));
    return;
  }
  for (const cli::Row& row : rows) {
    GRID_CHECK(row.line > 0 && crdt::check_name({"map", row.key}) == Status::ok);
    GRID_CHECK(crdt::check_value(as_bytes(row.value)) == Status::ok && row.value.size() <= kValueBytesMax);
  }
  check_export(rows);
}

using Cells = std::vector<std::vector<std::string>>;

Cells cells_of(std::string_view text) {
  Cells cells;
  cli::CsvReader reader(text);
  while (reader.next()) {
    cells.emplace_back();
    for (const cli::CsvCell& cell : reader.row()) cells.back().push_back(cell.text);
  }
  return cells;
}

// Written with every cell in quotes, a table reads back as it is.
void check_csv(std::string_view content) {
  Cells cells;
  try {
    cells = cells_of(content);
  } catch (const cli::CsvError& error) {
    GRID_CHECK(error.line > 0);
    return;
  }
  std::string again;
  for (const auto& row : cells) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      again += i == 0 ? "\"" : ",\"";
      for (const char byte : row[i]) again += byte == '"' ? std::string("\"\"") : std::string(1, byte);
      again += '"';
    }
    again += "\r\n";
  }
  GRID_CHECK(cells_of(again) == cells);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr const char* kFiles[] = {"a.csv", "a.ndjson", "a.json", "a"};
  constexpr std::string_view kFields[] = {"", "", "id", "n"};
  const std::string_view content = as_text(Bytes(data, size).subspan(1));
  check_rows(kFiles[data[0] & 3], content, kFields[data[0] >> 2 & 3]);
  check_csv(content);
  return 0;
}
