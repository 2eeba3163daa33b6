// SPDX-License-Identifier: Apache-2.0
//
// A value as an argument of a verb.
//
// Place     Beside the verbs.
#pragma once

#include <string>

namespace grid::cli {

// The canonical value that `json` says, or stdin, where it is `-`. Throws a usage Failure that says where it is
// wrong: "the value is not good, column 2: ...".
std::string value_argument(const std::string& json, const std::string& what = "the value");

}  // namespace grid::cli
