// SPDX-License-Identifier: Apache-2.0
//
// How `get` prints, for whoever has found the value.
//
// Place     Beside print.h.
#pragma once

#include "cli/verbs.h"
#include "crdt/value.h"

namespace grid::cli {

// Throws the Failure `not_found` when the value is absent.
Exit print_value(const Context& context, const KeyOptions& options, const crdt::Value& value);

}  // namespace grid::cli
