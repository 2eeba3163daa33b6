// SPDX-License-Identifier: Apache-2.0
//
// Dates: milliseconds since 1970 UTC as ISO 8601 text and back, without a locale or a time zone of the machine.
//
// Place     Beside value_json.h, and its alone.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace grid::json {

// Whether append_date() can write it: the years 0000 to 9999.
bool has_date(std::int64_t ms);
void append_date(std::string& out, std::int64_t ms);  // 2026-11-21T02:01:00.123Z

// Takes a full date and time with `Z` or an offset such as `+05:30`; the fraction of a second may be left out, and
// what it says beyond milliseconds must be zeros. False for everything else, and for days that don't exist.
bool parse_date(std::string_view text, std::int64_t& ms);

}  // namespace grid::json
