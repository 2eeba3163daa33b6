// SPDX-License-Identifier: Apache-2.0
//
// A CSV with a header as rows of records: a field a column, typed by how its cell is written.
//
// Place     Above csv.h; used by rows.cc.
// Promises  A bare cell that is a JSON number is an integer where it is whole and fits, else a number; true and false
//           are truths; a bare empty cell is no field at all; everything else, and every quoted cell, is text. So 007
//           and "7" stay text.
#pragma once

#include <string_view>
#include <vector>

#include "cli/rows.h"

namespace grid::cli {

// As read_rows(), for a CSV.
std::vector<Row> csv_rows(std::string_view file, std::string_view content, std::string_view key_field);

}  // namespace grid::cli
