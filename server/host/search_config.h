// SPDX-License-Identifier: Apache-2.0
//
// What is searched, as it is configured: MAP:field,field.
//
// Place     Below gateway.h; whoever reads flags or files says it in this form.
#pragma once

#include <string>
#include <string_view>

#include "storage/sqlite/sqlite_search.h"

namespace grid::server {

// Adds what `text` says. False, and nothing added: `problem` is a sentence that names what is wrong.
bool add_searched(std::string_view text, storage::SearchConfig& config, std::string& problem);

}  // namespace grid::server
