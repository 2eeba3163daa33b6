// SPDX-License-Identifier: Apache-2.0
//
// A value on the command line: JSON text, or - for what stdin holds.
#pragma once

#include <string>

namespace grid::cli {

// In canonical form. Throws a usage Failure that says where it is not good.
std::string value_of_argument(const std::string& argument);

}  // namespace grid::cli
