// SPDX-License-Identifier: Apache-2.0
//
// Transactions in EDN, as DataScript and Datomic take them: [:db/add e a v], [:db/retract e a v], [:db/retract e a],
// [:db/retractEntity e], and maps with :db/id.
//
// Place     A layout of fact_rows.h. Above crdt/datalog/edn.h.
#pragma once

#include <string_view>

#include "cli/fact_writer.h"

namespace grid::cli {

// Throws a Failure that names the line.
void read_edn_facts(std::string_view content, FactWriter& writer);

}  // namespace grid::cli
