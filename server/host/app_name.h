// SPDX-License-Identifier: Apache-2.0
//
// What an app may be called: it is a folder too.
#pragma once

#include <string_view>

#include "crdt/cell.h"

namespace grid::server {

// As maps are, but for the names that are folders elsewhere.
inline bool is_app_name(std::string_view name) {
  return crdt::check_map_name(name) == Status::ok && name != "." && name != "..";
}

}  // namespace grid::server
