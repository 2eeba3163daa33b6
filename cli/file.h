// SPDX-License-Identifier: Apache-2.0
//
// A file as an argument of a verb.
//
// Place     Beside the verbs.
#pragma once

#include <string>

namespace grid::cli {

// All of it, or of stdin, where the name is `-`. Throws a Failure that names the file.
std::string read_file(const std::string& name);

}  // namespace grid::cli
