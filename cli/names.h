// SPDX-License-Identifier: Apache-2.0
//
// The rules of names, as sentences: what a map, a key or an app may be called, and what is wrong with this one.
//
// Place     Above crdt/cell.h, which decides; this only says why.
#pragma once

#include <string>
#include <string_view>

namespace grid::cli {

// The rule that the name breaks; empty when it breaks none.
std::string trouble_with_app(std::string_view app);
std::string trouble_with_map(std::string_view map);
std::string trouble_with_key(std::string_view key);

// Throws a usage Failure that says the rule.
void check_map(std::string_view map);
void check_key(std::string_view key);
// A prefix of keys: the rule of a key, but it may be empty.
void check_prefix(std::string_view prefix);

}  // namespace grid::cli
