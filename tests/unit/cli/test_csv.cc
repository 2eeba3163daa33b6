// SPDX-License-Identifier: Apache-2.0
#include <random>
#include <string>
#include <vector>

#include "cli/csv.h"
#include "tests/check.h"

namespace {

using grid::cli::CsvCell;
using grid::cli::CsvError;
using grid::cli::CsvReader;
using Rows = std::vector<std::vector<std::string>>;

Rows read_all(std::string_view text) {
  Rows rows;
  for (CsvReader reader(text); reader.next();) {
    rows.emplace_back();
    for (const CsvCell& cell : reader.row()) rows.back().push_back(cell.text);
  }
  return rows;
}

// "LINE: sentence", or nothing when the text is good.
std::string trouble_with(std::string_view text) {
  try {
    (void)read_all(text);
  } catch (const CsvError& error) {
    return std::to_string(error.line) + ": " + error.what();
  }
  return {};
}

void rows_end_with_either_line_end_or_with_the_text(void**) {
  assert_true(read_all("a,b\nc,d\r\ne,f") == (Rows{{"a", "b"}, {"c", "d"}, {"e", "f"}}));
  assert_true(read_all("").empty());
  assert_true(read_all("\n\r\n\n").empty());
}

void empty_cells_are_cells(void**) {
  assert_true(read_all(",\n,,\na,\n") == (Rows{{"", ""}, {"", "", ""}, {"a", ""}}));
  assert_true(read_all("\"\"\n") == (Rows{{""}}));
}

void quoted_cells_hold_anything(void**) {
  assert_true(read_all("\"a,b\",\"c\"\"d\",\"e\r\nf\"\n") == (Rows{{"a,b", "c\"d", "e\r\nf"}}));
  assert_true(read_all("\"\"\"\"") == (Rows{{"\""}}));
}

void quoting_is_told(void**) {
  CsvReader reader("\"1\",1,\"\",");
  assert_true(reader.next());
  const bool quoted[] = {true, false, true, false};
  assert_int_equal(reader.row().size(), 4);
  for (std::size_t i = 0; i < 4; ++i) assert_int_equal(reader.row()[i].quoted, quoted[i]);
}

void a_row_knows_the_line_it_began_on(void**) {
  CsvReader reader("a\n\n\"b\nc\"\r\nd");
  for (const std::size_t line : {1u, 3u, 5u}) {
    assert_true(reader.next());
    assert_int_equal(reader.line(), line);
  }
  assert_false(reader.next());
}

void what_is_not_csv_is_refused_with_its_line(void**) {
  assert_string_equal(trouble_with("a\n\"b\nc").c_str(), "2: a quote is opened and never closed");
  assert_string_equal(trouble_with("a\n\"b\nc\"d").c_str(), "3: text behind a closing quote");
  assert_string_equal(trouble_with("a\nb\"c\"").c_str(), "2: a quote inside a cell that does not begin with one");
  assert_string_equal(trouble_with("a\rb").c_str(), "1: a carriage return without a line feed behind it");
  assert_string_equal(trouble_with("a\r").c_str(), "1: a carriage return without a line feed behind it");
}

std::string random_cell(std::mt19937& dice) {
  const char* const pieces[] = {"a", ",", "\"", "\n", "\r\n", "\r", "\xc3\xa4", " ", ""};
  std::string cell;
  for (auto left = dice() % 5; left > 0; --left) cell += pieces[dice() % std::size(pieces)];
  return cell;
}

std::string written(const std::string& cell, bool alone, std::mt19937& dice) {
  const bool must_quote = cell.find_first_of(",\"\r\n") != std::string::npos || (alone && cell.empty());
  if (!must_quote && dice() % 2 == 0) return cell;
  std::string text = "\"";
  for (const char byte : cell) text += byte == '"' ? "\"\"" : std::string(1, byte);
  return text + "\"";
}

void any_table_is_read_back_as_it_was_written(void**) {
  for (unsigned seed = 1; seed <= 2'000; ++seed) {
    std::mt19937 dice(seed);
    Rows rows(dice() % 4);
    std::string text;
    for (std::vector<std::string>& row : rows) {
      row.resize(1 + dice() % 4);
      for (std::string& cell : row) {
        cell = random_cell(dice);
        text += (&cell == row.data() ? "" : ",") + written(cell, row.size() == 1, dice);
      }
      text += dice() % 2 == 0 ? "\n" : "\r\n";
    }
    if (read_all(text) != rows) print_error("seed %u\n", seed);
    assert_true(read_all(text) == rows);
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(rows_end_with_either_line_end_or_with_the_text),
      cmocka_unit_test(empty_cells_are_cells),
      cmocka_unit_test(quoted_cells_hold_anything),
      cmocka_unit_test(quoting_is_told),
      cmocka_unit_test(a_row_knows_the_line_it_began_on),
      cmocka_unit_test(what_is_not_csv_is_refused_with_its_line),
      cmocka_unit_test(any_table_is_read_back_as_it_was_written),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
