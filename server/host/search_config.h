// SPDX-License-Identifier: Apache-2.0
//
// What is searched, as it is configured: [search] MAP = ["field", "field"], and MAP:field,field in a flag.
//
// Place     Above config/tree.h, below app_config.h.
#pragma once

#include <string>
#include <string_view>

#include "server/host/config/tree.h"
#include "storage/sqlite/sqlite_search.h"

namespace grid::server {

// Reads a table of lists.
//   invalid  It is not what docs/search.md says; `problem` says where.
Status read_searches(const config::Node& maps, storage::SearchConfig& config, std::string& problem);

// What MAP:field,field would be in such a table.
//   invalid  It names no field: `problem` is a sentence.
Status searched_of(std::string_view text, config::Node& entry, std::string& problem);

}  // namespace grid::server
