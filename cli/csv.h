// SPDX-License-Identifier: Apache-2.0
//
// CSV as RFC 4180 has it, strictly: what is not CSV is refused with its line, never guessed at.
//
// Place     Lowest of cli/. Knows cells of text, not what they mean.
// Promises  Rows end with LF or CRLF; the last one may lack it. A quoted cell may hold commas, line ends and doubled
//           quotes. Blank lines are skipped. Linear in the text.
// Ownership Borrows the text; cells are its own copies until the next row.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace grid::cli {

struct CsvCell {
  std::string text;
  bool quoted = false;
};

class CsvError : public std::runtime_error {
 public:
  CsvError(std::size_t at_line, const std::string& sentence) : std::runtime_error(sentence), line(at_line) {}
  const std::size_t line;
};

class CsvReader {
 public:
  explicit CsvReader(std::string_view text);

  // Reads the next row into row(); false at the end. Throws a CsvError.
  bool next();
  const std::vector<CsvCell>& row() const { return row_; }
  // Where the row began; the first line is 1.
  std::size_t line() const { return row_line_; }

 private:
  bool at_end() const { return at_ == text_.size(); }
  bool skip_line_end();
  void skip_blank_lines();
  void read_cell();
  void read_quoted(CsvCell& cell);
  void read_plain(CsvCell& cell);

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::size_t row_line_ = 0;
  std::vector<CsvCell> row_;
};

}  // namespace grid::cli
