// SPDX-License-Identifier: Apache-2.0
//
// Base64 (RFC 4648, section 4): bytes as text that fits into JSON.
//
// Place     Beside value_json.h, and its alone.
#pragma once

#include <string>
#include <string_view>

#include "crdt/base/bytes.h"

namespace grid::json {

void append_base64(std::string& out, Bytes bytes);

// False unless `text` is what append_base64() writes: padded, without spaces, spare bits zero.
bool parse_base64(std::string_view text, std::string& bytes);

}  // namespace grid::json
