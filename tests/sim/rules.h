// SPDX-License-Identifier: Apache-2.0
//
// Rules of the gateway in seeds that have some: what the policy is told, and a naive account of what it must mean.
//
// Place     Beside plan.h. The account knows values, and neither predicates nor policies.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "server/row_rules.h"

namespace grid::sim {

// Of map "m", on records {n, level, site}. By number, so that a plan can say which; 0: none.
inline constexpr std::uint32_t kRulings = 6;
inline constexpr std::uint64_t kLevels = 10;
server::RowRules rules_of(std::uint32_t ruling);

// Whether a row may never stand there.
bool is_forbidden(std::uint32_t ruling, std::string_view value);
// Whether a row may be refused for what stands there.
bool may_conflict(std::uint32_t ruling);
// Whether `next` may take the place of `now`, both rows.
bool may_follow(std::uint32_t ruling, std::string_view now, std::string_view next);

}  // namespace grid::sim
