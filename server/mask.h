// SPDX-License-Identifier: Apache-2.0
//
// Mask: what a principal is shown of a row, by who answers questions for it (PROTOCOL P21).
//
// Place     Above access.h. A replica needs none: it holds rows whole, or not at all.
// Promises  SEC-1  Whoever asks a question of what this gives can't ask about what is hidden: to a predicate, and to an
//                  order, a field that is hidden is a field that isn't there.
#pragma once

#include "crdt/value.h"
#include "server/access.h"

namespace grid::server {

// The row as it is, or, in the front of `room`, without its hidden fields; absent: it is not to be shown.
//   full  It does not fit: less room than the value takes.
Result<crdt::Value> shown(const Sight& sight, std::string_view key, const crdt::Value& row, MutBytes room);

}  // namespace grid::server
