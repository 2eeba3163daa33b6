// SPDX-License-Identifier: Apache-2.0
//
// What a server tells of itself to whoever watches over it: its answer to the topic `status` (docs/WIRE.md,
// inspect_ask), over a link that subscribes to nothing.
//
// Place     Above transport/lws; used by status.cc. Opens no store.
#pragma once

#include <string>

namespace grid::cli {

// The canonical bytes of a record. Throws a Failure when the server can't be reached, or does not tell in time.
std::string server_figures(const std::string& url, const std::string& app);

}  // namespace grid::cli
