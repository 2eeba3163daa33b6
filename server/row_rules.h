// SPDX-License-Identifier: Apache-2.0
//
// RowRules: the policy that is configured: what rows of a map must be, and which of two rows stands.
//
// Place     Above policy.h and crdt/query. Knows no file: server/host/policy_file.h reads one.
// Promises  Bounded by its configuration; judging allocates a sentence, and nothing when it lets pass.
//
// docs/policies.md is the reference of each rule.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "crdt/query/path.h"
#include "crdt/query/predicate.h"
#include "server/policy.h"

namespace grid::server {

// The rules of a map, as text.
struct MapRules {
  std::string map;
  std::string require;                 // A predicate that every row that is put must match,
  std::string reject_if;               // and one that none may.
  std::vector<std::string> immutable;  // Fields that keep the value that they got first.
  bool first_write_wins = false;       // Whoever arrives first: no row is changed or removed.
  std::string max_wins;                // Of two rows the one whose field is greater stands, whole,
  std::string min_wins;                // or is less.
};

class RowRules final : public Policy {
 public:
  // One for each of MapRules, from which its words come: what add() found no sense in.
  struct Fault {
    std::string rule;
    std::string sentence;
  };

  //   invalid  The map's name, a predicate or a field is not one, or two rules contradict each other: `fault` says.
  Status add(const MapRules& rules, Fault& fault);
  bool is_empty() const { return maps_.empty(); }

  bool governs(std::string_view map) const override { return find(map) != nullptr; }
  Ruling judge(std::span<const Proposal> batch) override;
  Resolution resolve(const Proposal& write) override;

 private:
  struct Field {
    std::string name;
    std::vector<std::uint8_t> path;
  };
  struct Condition {
    std::string text;
    std::vector<std::uint8_t> program;
    bool is_set() const { return !text.empty(); }
    query::Verdict judge(const query::Row& row) const { return query::Predicate(program).judge(row); }
  };
  struct Map {
    std::string name;
    Condition require, reject_if;
    std::vector<Field> immutable;
    bool first_write_wins = false;
    Field best;  // Of the row that stands; without a name: whichever is newer.
    bool most = false;
  };

  const Map* find(std::string_view map) const;
  Ruling judge_one(const Map& map, const Proposal& write);
  Ruling refuse(Status status, const Proposal& write, const std::string& why);

  std::vector<Map> maps_;
  std::string sentence_;
};

}  // namespace grid::server
