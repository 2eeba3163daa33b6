// SPDX-License-Identifier: Apache-2.0
//
// The names of functions and of aggregates, and how many arguments each takes.
//
// Place     Inside crdt/datalog. The evaluator takes names from here for what it explains.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "crdt/datalog/query.h"

namespace grid::datalog {

struct CallName {
  static constexpr std::uint8_t kMany = 255;

  std::string_view name;
  Call call;
  std::uint8_t least;  // Arguments, without the $ of those that are about facts.
  std::uint8_t most;
};

// All names, of which several may be of one function: the first of them is the one to print.
std::span<const CallName> call_names();
const CallName* find_call(std::string_view name);  // Null: there is none.
std::string_view name_of(Call call);

struct AggregateName {
  std::string_view name;
  Aggregate aggregate;
};

std::span<const AggregateName> aggregate_names();
Aggregate find_aggregate(std::string_view name);  // none: there is none.

// Why a function or aggregate of DataScript is not here; empty for all else.
std::string_view why_not(std::string_view name);

}  // namespace grid::datalog
