// SPDX-License-Identifier: Apache-2.0
//
// A predicate or an order as it stands on the command line, compiled before anything is opened or asked.
//
// Place     Above crdt/query; below the verbs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "crdt/query/predicate.h"

namespace grid::cli {

// A predicate with the memory that it stands in. Throws a usage Failure that names `option` and the column.
class Where {
 public:
  Where(const char* option, const std::string& text);
  Where(const Where&) = delete;
  Where& operator=(const Where&) = delete;

  bool accepts(std::string_view key, const crdt::Value& value) const { return predicate_.matches({key, value}); }

 private:
  std::vector<std::uint8_t> room_;
  query::Predicate predicate_;
};

// Throws the same for an order.
void check_order(const char* option, const std::string& text);

}  // namespace grid::cli
