// SPDX-License-Identifier: Apache-2.0
//
// NDJSON and JSON arrays as rows: each element is cut out here with its line, and parsed by transport/json.
//
// Place     Above transport/json; used by rows.cc.
#pragma once

#include <string_view>
#include <vector>

#include "cli/rows.h"

namespace grid::cli {

// The values of a file, without keys yet.
std::vector<Row> ndjson_values(std::string_view file, std::string_view content);
std::vector<Row> array_values(std::string_view file, std::string_view content);

// Gives each row its key, as read_rows() says.
std::vector<Row> keyed_rows(std::string_view file, std::vector<Row> rows, std::string_view key_field);

}  // namespace grid::cli
