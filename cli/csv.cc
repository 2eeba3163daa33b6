// SPDX-License-Identifier: Apache-2.0
#include "cli/csv.h"

namespace grid::cli {

CsvReader::CsvReader(std::string_view text) : text_(text) {}

bool CsvReader::next() {
  skip_blank_lines();
  if (at_end()) return false;
  row_.clear();
  row_line_ = line_;
  read_cell();
  while (!at_end() && text_[at_] == ',') {
    ++at_;
    read_cell();
  }
  if (!at_end() && !skip_line_end()) throw CsvError(line_, "a carriage return without a line feed behind it");
  return true;
}

bool CsvReader::skip_line_end() {
  const std::string_view rest = text_.substr(at_);
  const std::size_t size = rest.starts_with("\r\n") ? 2 : rest.starts_with("\n") ? 1 : 0;
  at_ += size;
  line_ += size != 0;
  return size != 0;
}

void CsvReader::skip_blank_lines() {
  while (skip_line_end()) continue;
}

void CsvReader::read_cell() {
  CsvCell& cell = row_.emplace_back();
  cell.quoted = !at_end() && text_[at_] == '"';
  if (cell.quoted) {
    read_quoted(cell);
  } else {
    read_plain(cell);
  }
}

void CsvReader::read_quoted(CsvCell& cell) {
  const std::size_t opened_at_line = line_;
  for (;;) {
    const std::size_t from = at_ + 1;  // Behind the quote that opened the cell, or behind the first of two.
    const std::size_t quote = text_.find('"', from);
    if (quote == std::string_view::npos) throw CsvError(opened_at_line, "a quote is opened and never closed");
    for (char byte : text_.substr(from, quote - from)) line_ += byte == '\n';
    cell.text.append(text_.substr(from, quote - from));
    at_ = quote + 1;
    if (at_end() || text_[at_] != '"') break;
    cell.text += '"';
  }
  if (!at_end() && text_.find_first_of(",\r\n", at_) != at_) throw CsvError(line_, "text behind a closing quote");
}

void CsvReader::read_plain(CsvCell& cell) {
  const std::size_t end = std::min(text_.find_first_of(",\r\n\"", at_), text_.size());
  cell.text.assign(text_.substr(at_, end - at_));
  at_ = end;
  if (!at_end() && text_[at_] == '"') throw CsvError(line_, "a quote inside a cell that does not begin with one");
}

}  // namespace grid::cli
