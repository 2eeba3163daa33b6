// SPDX-License-Identifier: Apache-2.0
//
// A CSV with a header as rows of records: a field a column, typed by how its cell is written.
//
// Place     Above csv.h; used by rows.cc.
// Promises  A bare cell that JSON would take for a number is one: an integer without a point or an exponent, else a
//           double; true and false are truths; a bare empty cell is no field at all. Everything else is text, and so is
//           every quoted cell: 007, "7", and whole numbers beyond 64 bits lose no digit.
#pragma once

#include <string_view>
#include <vector>

#include "cli/rows.h"

namespace grid::cli {

// As read_rows(), for a CSV.
std::vector<Row> csv_rows(std::string_view file, std::string_view content, std::string_view key_field);

}  // namespace grid::cli
