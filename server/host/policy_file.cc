// SPDX-License-Identifier: Apache-2.0

#include "server/host/policy_file.h"

#define TOML_EXCEPTIONS 0
// The library asserts, and lets a release take for granted, what a damaged file may break: here it goes on, to the
// error behind that.
#undef NDEBUG
#define TOML_ASSERT(expression) static_cast<void>(0)
#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <numeric>
#include <sstream>

namespace grid::server {

namespace {

constexpr std::size_t kFileBytesMax = 1'048'576;
constexpr std::array<std::string_view, 7> kRules = {"require",  "reject_if", "immutable", "first_write_wins",
                                                    "max_wins", "min_wins",  "index"};

// How many characters must change.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t corner = std::exchange(row[0], i);
    for (std::size_t k = 1; k <= b.size(); ++k) {
      const std::size_t changed = corner + (a[i - 1] == b[k - 1] ? 0 : 1);
      corner = std::exchange(row[k], std::min({changed, row[k] + 1, row[k - 1] + 1}));
    }
  }
  return row[b.size()];
}

std::string unknown(std::string_view word) {
  std::string sentence = "unknown rule " + std::string(word.substr(0, 40));
  const auto nearest = std::min_element(kRules.begin(), kRules.end(), [word](std::string_view a, std::string_view b) {
    return distance(word, a) < distance(word, b);
  });
  if (distance(word, *nearest) <= 3) return sentence + "; did you mean " + std::string(*nearest) + "?";
  for (const std::string_view rule : kRules) sentence.append(rule == kRules[0] ? "; there are " : ", ").append(rule);
  return sentence;
}

class Reader {
 public:
  Reader(const std::string& path, MapPolicies& policies, std::string& problem)
      : path_(path), policies_(policies), problem_(problem) {}

  Status read(const std::string& text) {
    const toml::parse_result parsed = toml::parse(text);
    if (!parsed) return refuse(parsed.error().source(), std::string(parsed.error().description()));
    for (const auto& [key, node] : parsed.table()) {
      if (key.str() != "map") return refuse(key.source(), "unknown word " + std::string(key.str()) + "; there is map");
      if (!node.is_table()) return refuse(node.source(), "map is to be a table: [map.NAME]");
      for (const auto& [name, rules] : *node.as_table()) GRID_TRY(read_map(name, rules));
    }
    return Status::ok;
  }

 private:
  Status refuse(const toml::source_region& at, const std::string& sentence) {
    problem_ = path_ + ":" + std::to_string(at.begin.line) + ":" + std::to_string(at.begin.column) + ": " + sentence;
    return Status::invalid;
  }

  Status read_map(const toml::key& name, const toml::node& node) {
    if (!node.is_table()) return refuse(node.source(), "the rules of a map are to be a table: [map.NAME]");
    MapRules map;
    map.map = name.str();
    bool has_rule = false;
    for (const auto& [key, value] : *node.as_table()) {
      const bool is_index = key.str() == "index";
      has_rule = has_rule || !is_index;
      GRID_TRY(is_index ? read_indexes(map.map, value) : read_rule(map, key, value));
    }
    // An index alone is no rule: such a map may hold more than rows.
    RowRules::Fault fault;
    if ((!has_rule && !node.as_table()->empty()) || policies_.rules.add(map, fault) == Status::ok) return Status::ok;
    const toml::node* at = node.as_table()->get(fault.rule);
    const std::string rule = fault.rule.empty() ? "" : ", " + fault.rule;
    return refuse(at != nullptr ? at->source() : name.source(), "map " + map.map + rule + ": " + fault.sentence);
  }

  Status read_rule(MapRules& map, const toml::key& key, const toml::node& value) {
    const std::string_view rule = key.str();
    if (rule == "require") return read_text(rule, value, map.require);
    if (rule == "reject_if") return read_text(rule, value, map.reject_if);
    if (rule == "max_wins") return read_text(rule, value, map.max_wins);
    if (rule == "min_wins") return read_text(rule, value, map.min_wins);
    if (rule == "immutable") return read_fields(value, map.immutable);
    if (rule != "first_write_wins") return refuse(key.source(), unknown(rule));
    if (!value.is_boolean()) return refuse(value.source(), "first_write_wins is to be true or false");
    map.first_write_wins = value.as_boolean()->get();
    return Status::ok;
  }

  Status read_text(std::string_view rule, const toml::node& value, std::string& into) {
    if (value.is_string()) into = value.as_string()->get();
    if (into.find_first_not_of(' ') != std::string::npos) return Status::ok;
    return refuse(value.source(), std::string(rule) + " is to be text that says something");
  }

  Status read_fields(const toml::node& value, std::vector<std::string>& into) {
    if (!value.is_array()) return refuse(value.source(), "immutable is to be a list of fields");
    for (const toml::node& field : *value.as_array()) GRID_TRY(read_text("a field", field, into.emplace_back()));
    return Status::ok;
  }

  Status read_indexes(const std::string& map, const toml::node& value) {
    if (!value.is_array()) return refuse(value.source(), "index is to be a list of fields");
    for (const toml::node& field : *value.as_array()) {
      IndexedField index{.map = map, .field = {}};
      GRID_TRY(field.is_table() ? read_index(*field.as_table(), index)
                                : read_text("a field of an index", field, index.field));
      std::string sentence;
      if (add_index(index, policies_.indexes, sentence)) continue;
      return refuse(field.source(), std::string("map ").append(map).append(", index: ").append(sentence));
    }
    return Status::ok;
  }

  Status read_index(const toml::table& table, IndexedField& index) {
    for (const auto& [key, value] : table) {
      const bool is_kind = key.str() == "kind";
      if (!is_kind && key.str() != "field") {
        return refuse(key.source(), "an index has field and kind, and no " + std::string(key.str().substr(0, 40)));
      }
      std::string kind;
      GRID_TRY(read_text(key.str(), value, is_kind ? kind : index.field));
      if (is_kind && kind != "hash" && kind != "ordered") {
        return refuse(value.source(), "the kind of an index is hash or ordered");
      }
      if (kind == "hash") index.kind = runtime::IndexKind::hash;
    }
    return index.field.empty() ? refuse(table.source(), "an index is to have a field") : Status::ok;
  }

  const std::string& path_;
  MapPolicies& policies_;
  std::string& problem_;
};

}  // namespace

Status read_policy(const std::string& path, const std::string& text, MapPolicies& policies, std::string& problem) {
  return Reader(path, policies, problem).read(text);
}

Status read_policy_file(const std::string& path, MapPolicies& policies, std::string& problem) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file.good()) text << file.rdbuf();
  if (!file.good() || !text.good() || text.str().size() > kFileBytesMax) {
    problem = path + ": there is no such file, or it can't be read, or it is empty or larger than a mebibyte";
    return Status::not_found;
  }
  return read_policy(path, text.str(), policies, problem);
}

}  // namespace grid::server
