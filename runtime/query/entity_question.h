// SPDX-License-Identifier: Apache-2.0
//
// EntityQuestion: on which entities an answer stands, asked as a question of its own.
//
// Place     Beside query_attributes.h, above fact_question.h. Knows no facts.
// Promises  Who holds all facts of these entities, and any of others that stand, answers as who holds all facts of
//           the map.
//
// That holds of questions in which more facts never mean fewer rows, and that look only at entities which their own
// patterns name: no rules, no `not`, no missing?, get-else or get-some, and a pull that stays with its entity.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/query/fact_question.h"

namespace grid::runtime {

struct EntityQuestion {
  std::string text;                 // Takes the inputs of the question; finds entities. Empty: `keys` are all.
  std::vector<std::string> keys{};  // Of entities that the question itself names.

  // Nothing: it can't be said.
  static std::optional<EntityQuestion> of(const FactQuestion& question);
};

// What stands there in a text that was read: all up to the bracket that closes it, or one word.
std::string form_at(std::string_view text, datalog::Place place);

}  // namespace grid::runtime
