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

bool add_searched(std::string_view text, SearchConfig& config, std::string& problem) {
  problem.clear();
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    problem.append("'").append(text).append("' names no field: MAP:FIELD,FIELD");
    return false;
  }
  SearchedMap map{std::string(text.substr(0, colon)), {}};
  if (!check_map(config, map.map, problem)) return false;
  for (std::size_t at = colon + 1;;) {
    const std::size_t end = end_of_field(text, at);
    if (!add_field(map, std::string(text.substr(at, end - at)), problem)) return false;
    if (end == text.size()) break;
    at = end + 1;
  }
  config.text_of = &search_text_of;
  config.maps.push_back(std::move(map));
  return true;
}

}  // namespace grid::server
