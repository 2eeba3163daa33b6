// SPDX-License-Identifier: Apache-2.0
//
// role_file: who may do what, as a gateway's configuration says it (docs/roles.md).
//
// Place     Beside policy_file.h; above grants.h and config/tree.h.
// Promises  Whatever is wrong is one sentence that begins "FILE:LINE:COLUMN: ". Unknown words are wrong, and so are
// roles
//           that nobody has said anything of: a word with a slip in it grants nothing, and takes nothing away, unseen.
#pragma once

#include <string>

#include "server/grants.h"
#include "server/host/config/tree.h"

namespace grid::server {

// Reads tables of tables: [role.NAME] and [user.NAME].
//   invalid    It is not what docs/roles.md says.
Status read_roles(const config::Node& roles, const config::Node& users, GrantRules& rules, std::string& problem);

}  // namespace grid::server
