// SPDX-License-Identifier: Apache-2.0

#include "server/host/search_config.h"

#include <algorithm>

#include "crdt/cell.h"
#include "server/search_text.h"

namespace grid::server {

namespace {

using storage::SearchConfig;
using storage::SearchedMap;

bool check_map(const SearchConfig& config, const std::string& map, std::string& problem) {
  if (crdt::check_map_name(map) != Status::ok) {
    problem = "'" + map + "' is no name of a map: 1 to 64 of the characters A-Z a-z 0-9 _ . -";
  } else if (std::any_of(config.maps.begin(), config.maps.end(), [&map](const auto& one) { return one.map == map; })) {
    problem = "map " + map + " is named twice; its fields go into one list, with commas between";
  } else if (config.maps.size() == SearchConfig::kMapsMax) {
    problem = "more than " + std::to_string(SearchConfig::kMapsMax) + " maps";
  }
  return problem.empty();
}

bool add_field(SearchedMap& map, const std::string& field, std::string& problem) {
  std::string trouble;
  if (field.empty()) {
    problem = "a field of map " + map.map + " has no name";
  } else if (!check_search_field(field, trouble)) {
    problem = "field '" + field + "' of map " + map.map + ": " + trouble;
  } else if (std::find(map.fields.begin(), map.fields.end(), field) != map.fields.end()) {
    problem = "field '" + field + "' of map " + map.map + " is named twice";
  } else if (map.fields.size() == SearchConfig::kFieldsMax) {
    problem = "map " + map.map + " has more than " + std::to_string(SearchConfig::kFieldsMax) + " fields";
  } else {
    map.fields.push_back(field);
  }
  return problem.empty();
}

// Behind the field that begins at `from`: a comma in quotes belongs to a name.
std::size_t end_of_field(std::string_view text, std::size_t from) {
  bool is_quoted = false;
  for (; from < text.size() && (is_quoted || text[from] != ','); ++from) is_quoted ^= text[from] == '"';
  return from;
}

}  // namespace

Status read_searches(const config::Node& maps, SearchConfig& config, std::string& problem) {
  using Kind = config::Node::Kind;
  if (!maps.is(Kind::table)) return config::refuse(maps.at, "search is to be a table: MAP = [\"field\"]", problem);
  for (const config::Node& entry : maps.items) {
    SearchedMap map{entry.name, {}};
    std::string sentence;
    if (!check_map(config, map.map, sentence)) return config::refuse(entry.named_at, sentence, problem);
    if (!entry.is(Kind::list) || entry.items.empty()) {
      return config::refuse(entry.at, "what is searched of map " + map.map + " is to be a list of fields", problem);
    }
    for (const config::Node& field : entry.items) {
      if (!field.is(Kind::text)) return config::refuse(field.at, "a field is to be text", problem);
      if (!add_field(map, field.text, sentence)) return config::refuse(field.at, sentence, problem);
    }
    config.text_of = &search_text_of;
    config.maps.push_back(std::move(map));
  }
  return Status::ok;
}

Status searched_of(std::string_view text, config::Node& entry, std::string& problem) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    problem.append("'").append(text).append("' names no field: MAP:FIELD,FIELD");
    return Status::invalid;
  }
  const config::At at{.file = "--search " + std::string(text)};
  entry = {.kind = config::Node::Kind::list, .at = at, .name = std::string(text.substr(0, colon)), .named_at = at};
  for (std::size_t from = colon + 1;;) {
    const std::size_t end = end_of_field(text, from);
    entry.items.push_back(
        {.kind = config::Node::Kind::text, .at = at, .text = std::string(text.substr(from, end - from))});
    if (end == text.size()) return Status::ok;
    from = end + 1;
  }
}

}  // namespace grid::server
