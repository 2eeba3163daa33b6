// SPDX-License-Identifier: Apache-2.0
//
// Text for people and scripts: JSON strings, digests, stamps, amounts.
//
// Place     Above transport/json; low in cli/.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "crdt/merkle.h"
#include "crdt/stamp.h"

namespace grid::cli {

// `text` as a JSON string, with its quotes. Of text that isn't UTF-8, every byte beyond ASCII becomes '?'.
std::string json_text(std::string_view text);

// 16 digits.
std::string hex(std::uint64_t number);

// As crdt::format(); empty for none.
std::string stamp_text(const crdt::Stamp& stamp);

// A number and its unit: counted(1, "row") is "1 row", counted(2, "row") is "2 rows".
std::string counted(std::uint64_t count, std::string_view what);

}  // namespace grid::cli
