// SPDX-License-Identifier: Apache-2.0

#include "server/host/policy_file.h"

#include <array>

namespace grid::server {

namespace {

using config::At;
using config::Node;
using Kind = config::Node::Kind;

constexpr std::array<std::string_view, 8> kRules = {"require",  "reject_if", "immutable", "first_write_wins",
                                                    "max_wins", "min_wins",  "index",     "durable"};

class Reader {
 public:
  Reader(MapPolicies& policies, std::string& problem) : policies_(policies), problem_(problem) {}

  Status read(const Node& maps) {
    if (!maps.is(Kind::table)) return refuse(maps.at, "map is to be a table: [map.NAME]");
    for (const Node& map : maps.items) GRID_TRY(read_map(map));
    return Status::ok;
  }

 private:
  Status refuse(const At& at, std::string_view sentence) { return config::refuse(at, sentence, problem_); }

  Status read_map(const Node& node) {
    if (!node.is(Kind::table)) return refuse(node.at, "the rules of a map are to be a table: [map.NAME]");
    MapRules map;
    map.map = node.name;
    bool has_rule = false;
    for (const Node& rule : node.items) {
      const bool is_index = rule.name == "index", is_durable = rule.name == "durable";
      has_rule = has_rule || (!is_index && !is_durable);
      if (is_index) GRID_TRY(read_indexes(map.map, rule));
      if (is_durable) GRID_TRY(read_durable(map.map, rule));
      if (!is_index && !is_durable) GRID_TRY(read_rule(map, rule));
    }
    // These alone are no rule: such a map may hold more than rows.
    RowRules::Fault fault;
    if ((!has_rule && !node.items.empty()) || policies_.rules.add(map, fault) == Status::ok) return Status::ok;
    const Node* const at = node.find(fault.rule);
    const std::string rule = fault.rule.empty() ? "" : ", " + fault.rule;
    return refuse(at != nullptr ? at->at : node.named_at, "map " + map.map + rule + ": " + fault.sentence);
  }

  Status read_rule(MapRules& map, const Node& value) {
    const std::string& rule = value.name;
    if (rule == "require") return read_text(rule, value, map.require);
    if (rule == "reject_if") return read_text(rule, value, map.reject_if);
    if (rule == "max_wins") return read_text(rule, value, map.max_wins);
    if (rule == "min_wins") return read_text(rule, value, map.min_wins);
    if (rule == "immutable") return read_fields(value, map.immutable);
    if (rule != "first_write_wins") {
      return refuse(value.named_at,
                    "unknown rule " + rule.substr(0, 40) + config::suggestion(rule, {kRules.begin(), kRules.end()}));
    }
    if (!value.is(Kind::boolean)) return refuse(value.at, "first_write_wins is to be true or false");
    map.first_write_wins = value.truth;
    return Status::ok;
  }

  Status read_text(std::string_view rule, const Node& value, std::string& into) {
    if (value.is(Kind::text)) into = value.text;
    if (into.find_first_not_of(' ') != std::string::npos) return Status::ok;
    return refuse(value.at, std::string(rule) + " is to be text that says something");
  }

  Status read_fields(const Node& value, std::vector<std::string>& into) {
    if (!value.is(Kind::list)) return refuse(value.at, "immutable is to be a list of fields");
    for (const Node& field : value.items) GRID_TRY(read_text("a field", field, into.emplace_back()));
    return Status::ok;
  }

  Status read_durable(const std::string& map, const Node& value) {
    const bool is_known = value.is(Kind::text) && (value.text == "journal" || value.text == "database");
    if (!is_known) return refuse(value.at, "durable is to be one of journal, database");
    if (value.text == "database") policies_.through_maps.push_back(map);
    return Status::ok;
  }

  Status read_indexes(const std::string& map, const Node& value) {
    if (!value.is(Kind::list)) return refuse(value.at, "index is to be a list of fields");
    for (const Node& field : value.items) {
      IndexedField index{.map = map, .field = {}};
      GRID_TRY(field.is(Kind::table) ? read_index(field, index) : read_text("a field of an index", field, index.field));
      std::string sentence;
      if (add_index(index, policies_.indexes, sentence)) continue;
      return refuse(field.at, std::string("map ").append(map).append(", index: ").append(sentence));
    }
    return Status::ok;
  }

  Status read_index(const Node& table, IndexedField& index) {
    for (const Node& entry : table.items) {
      const bool is_kind = entry.name == "kind";
      if (!is_kind && entry.name != "field") {
        return refuse(entry.named_at, "an index has field and kind, and no " + entry.name.substr(0, 40));
      }
      std::string kind;
      GRID_TRY(read_text(entry.name, entry, is_kind ? kind : index.field));
      if (is_kind && kind != "hash" && kind != "ordered") {
        return refuse(entry.at, "the kind of an index is hash or ordered");
      }
      if (kind == "hash") index.kind = runtime::IndexKind::hash;
    }
    return index.field.empty() ? refuse(table.at, "an index is to have a field") : Status::ok;
  }

  MapPolicies& policies_;
  std::string& problem_;
};

}  // namespace

Status read_policies(const config::Node& maps, MapPolicies& policies, std::string& problem) {
  return Reader(policies, problem).read(maps);
}

}  // namespace grid::server
