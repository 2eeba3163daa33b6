// SPDX-License-Identifier: Apache-2.0
//
// policy_file: the rules of a gateway's maps, as a TOML file (docs/policies.md).
//
// Place     Above row_rules.h; the only file that knows toml++. gridd reads one at its start.
// Promises  Whatever is wrong with the file is one sentence that begins "FILE:LINE:COLUMN: ". Unknown keys are wrong.
#pragma once

#include <string>

#include "server/row_rules.h"

namespace grid::server {

//   not_found  There is no such file, or it can't be read.
//   invalid    It is not what docs/policies.md says.
Status read_policy_file(const std::string& path, RowRules& rules, std::string& problem);

}  // namespace grid::server
