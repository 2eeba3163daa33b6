// SPDX-License-Identifier: Apache-2.0
//
// FactWriter: facts of a file on their way into rows, each checked and brought to what its schema says.
//
// Place     Between the readers of the layouts (fact_rows.cc, edn_facts.cc) and FactRow.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "cli/fact_rows.h"

namespace grid::cli {

class FactWriter {
 public:
  // Both outlive it.
  FactWriter(std::string_view file, const FactSchema& schema) : file_(file), schema_(schema) {}

  // Of what comes next.
  void at_line(std::size_t line) { line_ = line; }
  [[noreturn]] void refuse(const std::string& why) const;

  // The key of the entity with this id.
  std::string entity(const crdt::Value& id) const;
  // `is_many` where the file says so itself; the schema may, too.
  void put(const std::string& entity, std::string_view predicate, const crdt::Value& object, bool is_many);
  // A ref to the entity with this id.
  void refer(const std::string& entity, std::string_view predicate, const crdt::Value& id, bool is_many);
  // No object: all that there are.
  void remove(const std::string& entity, std::string_view predicate, const crdt::Value& object);
  void bury(const std::string& entity);

  std::vector<FactRow> take() { return std::move(rows_); }

 private:
  void check_predicate(std::string_view predicate) const;
  std::string object(std::string_view predicate, const crdt::Value& object, bool is_many);

  std::string_view file_;
  const FactSchema& schema_;
  std::size_t line_ = 1;
  std::vector<FactRow> rows_;
  std::vector<std::uint8_t> room_;
};

}  // namespace grid::cli
