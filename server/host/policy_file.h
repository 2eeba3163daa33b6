// SPDX-License-Identifier: Apache-2.0
//
// policy_file: the rules and the indexes of maps, and when their writes are durable, as a gateway's configuration says
// them (docs/policies.md).
//
// Place     Above row_rules.h, row_finder.h and config/tree.h.
// Promises  Whatever is wrong is one sentence that begins "FILE:LINE:COLUMN: ". Unknown words are wrong.
#pragma once

#include <string>
#include <vector>

#include "server/host/config/tree.h"
#include "server/row_finder.h"
#include "server/row_rules.h"

namespace grid::server {

// What a configuration says of maps.
struct MapPolicies {
  RowRules rules;
  std::vector<IndexedField> indexes;
  std::vector<std::string> through_maps;  // CoordinatorOptions has them.
};

// Reads a table of tables: [map.NAME].
//   invalid    It is not what docs/policies.md says.
Status read_policies(const config::Node& maps, MapPolicies& policies, std::string& problem);

}  // namespace grid::server
