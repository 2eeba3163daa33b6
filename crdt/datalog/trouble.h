// SPDX-License-Identifier: Apache-2.0
//
// Trouble: what is wrong with a text of Datalog or of EDN, and where.
//
// Place     Below the readers of texts. Only who calls sentence() links the sentences.
// Ownership Views are of the text, or of the arena that it was read into.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "crdt/datalog/query.h"

namespace grid::datalog {

enum class Complaint : std::uint8_t {
  none,
  // Of EDN.
  text_not_utf8,
  text_unclosed,
  text_escape_wrong,
  letter_wrong,
  quote_unknown,
  hash_unknown,
  tag_unknown,
  tag_without_value,
  date_wrong,
  bytes_wrong,
  number_wrong,
  number_beyond,
  keyword_wrong,
  bracket_unopened,
  bracket_unclosed,
  bracket_other,
  discard_without_form,
  map_uneven,
  too_deep,
  too_long,
  no_room,
  form_missing,
  form_surplus,
  // Of a query as a whole.
  query_expected,
  section_expected,
  section_unknown,
  section_twice,
  section_empty,
  find_missing,
  find_wrong,
  find_dots,
  find_pull_wrong,
  aggregate_unknown,
  aggregate_wrong,
  aggregate_amount,
  variable_expected,
  variable_twice,
  find_and_with,
  input_wrong,
  source_other,
  rules_twice,
  rules_not_asked,
  order_wrong,
  order_unknown,
  amount_wrong,
  too_many_variables,
  // Of clauses.
  clause_wrong,
  clause_empty,
  pattern_long,
  entity_wrong,
  lookup_ref,
  attribute_wrong,
  value_wrong,
  value_nil,
  call_wrong,
  call_unknown,
  call_nested,
  call_of_variable,
  call_arguments,
  argument_wrong,
  argument_blank,
  source_misplaced,
  constant_wrong,
  constant_deep,
  binding_wrong,
  and_alone,
  branches_missing,
  join_head_wrong,
  join_head_unused,
  // Of rules.
  rules_wrong,
  rule_head_wrong,
  rule_name_taken,
  rule_body_missing,
  rule_unknown,
  rule_without_rules,
  rule_arguments,
  rule_arity,
  rule_required,
  too_many_rules,
  // Of pull.
  pull_wrong,
  pull_attribute_wrong,
  pull_option_unknown,
  pull_option_wrong,
  pull_nested_wrong,
  // Of what is said to be safe.
  find_unbound,
  with_unbound,
  predicate_unbound,
  function_unbound,
  rule_unbound,
  join_unbound,
  not_unbound,
  not_apart,
  or_unequal,
  head_unused,
  negation_in_circle,
};

struct Trouble {
  Complaint complaint = Complaint::none;
  bool is_in_rules = false;  // The place is one in the text of the rules.
  Place at{};
  std::string_view found{};  // What stands there, as it was written; empty where the name tells more.
  std::string_view name{};   // Of the variable, function, rule or section that it is about.
  // How many arguments there are to be, and are; `most` may be kMany.
  std::uint32_t least = 0;
  std::uint32_t most = 0;
  std::uint32_t count = 0;
  std::span<const Rule> rules{};  // That there are.

  static constexpr std::uint32_t kMany = UINT32_MAX;

  // "line 1, column 14: there is no function pluss; did you mean plus?" in the front of `room`, cut off where it ends.
  std::string_view sentence(std::span<char> room) const;
};

}  // namespace grid::datalog
