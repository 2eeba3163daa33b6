// SPDX-License-Identifier: Apache-2.0
//
// policy_file: the rules and the indexes of a gateway's maps, as a TOML file (docs/policies.md).
//
// Place     Above row_rules.h and row_finder.h; the only file that knows toml++. gridd reads one at its start.
// Promises  Whatever is wrong with the file is one sentence that begins "FILE:LINE:COLUMN: ". Unknown keys are wrong.
#pragma once

#include <string>
#include <vector>

#include "server/row_finder.h"
#include "server/row_rules.h"

namespace grid::server {

// What a policy file says.
struct MapPolicies {
  RowRules rules;
  std::vector<IndexedField> indexes;
};

//   not_found  There is no such file, or it can't be read.
//   invalid    It is not what docs/policies.md says.
Status read_policy_file(const std::string& path, MapPolicies& policies, std::string& problem);
//   invalid    Likewise; `path` is what the sentence begins with.
Status read_policy(const std::string& path, const std::string& text, MapPolicies& policies, std::string& problem);

}  // namespace grid::server
