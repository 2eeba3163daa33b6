// SPDX-License-Identifier: Apache-2.0
#include "cli/csv_rows.h"

#include <charconv>
#include <cmath>
#include <optional>

#include "cli/csv.h"
#include "cli/text.h"
#include "crdt/value.h"

namespace grid::cli {
namespace {

using crdt::ValueWriter;

struct Header {
  std::vector<std::string> names;
  std::size_t key_column = 0;
};

std::optional<std::size_t> column_of(const Header& header, std::string_view name) {
  for (std::size_t i = 0; i < header.names.size(); ++i) {
    if (header.names[i] == name) return i;
  }
  return std::nullopt;
}

std::size_t key_column_of(std::string_view file, std::size_t line, const Header& header, std::string_view key_field) {
  if (key_field.empty()) return column_of(header, "id").value_or(column_of(header, "key").value_or(0));
  if (const std::optional<std::size_t> column = column_of(header, key_field)) return *column;
  throw trouble_at(file, line, "there is no column " + json_text(key_field) + " to take the keys from");
}

Header read_header(std::string_view file, CsvReader& reader, std::string_view key_field) {
  if (!reader.next()) throw trouble_at(file, 1, "there is no header: the file is empty");
  Header header;
  for (const CsvCell& cell : reader.row()) {
    const std::string place = "column " + std::to_string(header.names.size() + 1);
    if (cell.text.empty()) throw trouble_at(file, reader.line(), place + " has no name");
    if (column_of(header, cell.text)) {
      throw trouble_at(file, reader.line(), place + " has the name of another: " + json_text(cell.text));
    }
    header.names.push_back(cell.text);
  }
  header.key_column = key_column_of(file, reader.line(), header, key_field);
  return header;
}

// Whether `text` is a number as JSON writes them: no plus, no needless zero in front, no hexadecimal, no infinity.
bool is_json_number(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  if (text.empty() || text.front() < '0' || text.front() > '9') return false;
  if (text.size() > 1 && text[0] == '0' && text[1] >= '0' && text[1] <= '9') return false;
  const std::size_t dot = text.find('.');
  return dot == std::string_view::npos || (dot + 1 < text.size() && text[dot + 1] >= '0' && text[dot + 1] <= '9');
}

bool is_whole(std::string_view text) { return text.find_first_of(".eE") == std::string_view::npos; }

// Reads all of `text` as a T.
template <typename T>
bool read_number(std::string_view text, T& number) {
  const char* end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && rest == end;
}

void write_bare(ValueWriter& writer, std::string_view text) {
  std::int64_t integer = 0;
  double number = 0;
  if (text == "true" || text == "false") {
    writer.boolean(text == "true");
  } else if (is_json_number(text) && read_number(text, integer)) {
    writer.integer(integer);
  } else if (is_json_number(text) && !is_whole(text) && read_number(text, number) && std::isfinite(number)) {
    writer.number(number);
  } else {
    writer.text(text);
  }
}

Result<Bytes> record_of(const Header& header, const std::vector<CsvCell>& row, MutBytes room) {
  ValueWriter writer(room);
  writer.begin_record();
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (row[i].text.empty() && !row[i].quoted) continue;
    writer.field(header.names[i]);
    row[i].quoted ? writer.text(row[i].text) : write_bare(writer, row[i].text);
  }
  writer.end_record();
  return writer.finish();
}

Row read_row(std::string_view file, const CsvReader& reader, const Header& header, MutBytes room) {
  const std::vector<CsvCell>& cells = reader.row();
  if (cells.size() != header.names.size()) {
    throw trouble_at(file, reader.line(),
                     counted(cells.size(), "cell") + " where the header has " + std::to_string(header.names.size()));
  }
  const std::string& key = cells[header.key_column].text;
  if (key.empty()) {
    throw trouble_at(file, reader.line(), "no key: column " + json_text(header.names[header.key_column]) + " is empty");
  }
  const Result<Bytes> record = record_of(header, cells, room);
  if (record.status() == Status::full) {
    throw trouble_at(file, reader.line(),
                     "the row is too large: " + std::to_string(kValueBytesMax) + " bytes is the most");
  }
  if (!record.ok()) {
    throw trouble_at(file, reader.line(), "more than " + std::to_string(crdt::kRecordFieldsMax) + " columns");
  }
  return {reader.line(), key, std::string(as_text(*record))};
}

}  // namespace

std::vector<Row> csv_rows(std::string_view file, std::string_view content, std::string_view key_field) {
  std::vector<std::uint8_t> room(kValueBytesMax);
  std::vector<Row> rows;
  CsvReader reader(content);
  try {
    const Header header = read_header(file, reader, key_field);
    while (reader.next()) rows.push_back(read_row(file, reader, header, room));
  } catch (const CsvError& error) {
    throw trouble_at(file, error.line, error.what());
  }
  return rows;
}

}  // namespace grid::cli
