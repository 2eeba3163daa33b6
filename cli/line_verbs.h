// SPDX-License-Identifier: Apache-2.0
//
// The verbs that look into a device over a line, and the refusal of all others.
//
// Place     Above target_line.h, beside the verbs that go through a replica of their own.
#pragma once

#include "cli/verbs.h"

namespace grid::cli {

Exit line_status(const Context& context);
Exit line_clock(const Context& context);
Exit line_ls(const Context& context, const ListOptions& options);
Exit line_get(const Context& context, const KeyOptions& options);
Exit line_oplog(const Context& context);
// Throws the Failure that says why `verb` does not work over a line.
[[noreturn]] void refuse_on_line(const std::string& verb);

}  // namespace grid::cli
