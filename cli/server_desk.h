// SPDX-License-Identifier: Apache-2.0
//
// ServerDesk: asks a gateway of this machine through its admin socket, or does its work while no gateway runs.
//
// Place     Above server/host/admin_desk.h, below the verbs of `gridctl server`.
// Promises  Only one process at a time works on a data directory: gridctl takes the gateway's lock, or goes to the
//           gateway that has it.
// Threads   One.
#pragma once

#include <string>
#include <vector>

#include "server/host/admin_desk.h"

namespace grid::cli {

// Asks the gateway of the data directory this question; the lines of its answer, each a JSON object. While none runs,
// `offline` answers in its place, if there is such a thing. Throws a Failure where there is no answer, or none but why.
using OfflineDesk = server::AdminAnswer (*)(const std::string& data, const crdt::Value& question);
std::vector<std::string> ask_server(const std::string& data, const std::string& question, OfflineDesk offline);

// DATA: what the command line says, else $GRIDD_DATA, else what gridd takes.
std::string data_or_default(const std::string& said);

}  // namespace grid::cli
