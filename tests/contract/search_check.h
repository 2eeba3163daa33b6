// SPDX-License-Identifier: Apache-2.0
//
// Holds the index of a database against its rows, by plain SQL: SRC-1.
#pragma once

#include <sqlite3.h>

#include <map>
#include <string>

#include "storage/sqlite/sqlite_search.h"
#include "tests/check.h"

namespace grid::test {

// Of a value "first|second|...", the part whose number is the field's name.
inline std::string part_of(Bytes value, const std::string& field) {
  std::string_view rest = as_text(value);
  for (int skipped = std::stoi(field); skipped > 0; --skipped) {
    const std::size_t bar = rest.find('|');
    rest = bar == std::string_view::npos ? std::string_view() : rest.substr(bar + 1);
  }
  return std::string(rest.substr(0, rest.find('|')));
}

inline storage::SearchConfig searching(std::vector<std::string> fields = {"0", "1"}) {
  return {.maps = {{"map", std::move(fields)}}, .text_of = &part_of};
}

namespace search_check {

inline std::map<std::string, std::string> table(sqlite3* database, const std::string& sql) {
  std::map<std::string, std::string> rows;
  const auto take = [](void* context, int count, char** columns, char**) {
    std::string text;
    for (int i = 1; i < count; ++i) text += (columns[i] == nullptr ? "" : columns[i]) + std::string("\n");
    (*static_cast<std::map<std::string, std::string>*>(context))[columns[0]] = text;
    return 0;
  };
  sqlite3_exec(database, sql.c_str(), take, &rows, nullptr);
  return rows;
}

}  // namespace search_check

// What is wrong with the index of map "map"; empty: nothing. Only of one that stands.
inline std::string trouble_with_index(const std::string& file, const storage::SearchConfig& config) {
  sqlite3* database = nullptr;
  std::string trouble;
  sqlite3_open(file.c_str(), &database);
  const auto found = search_check::table(database, "SELECT 'n', number, building FROM search WHERE map = 'map'");
  if (found.empty() || !found.at("n").ends_with("\n0\n")) trouble = "there is no index that stands";
  const std::string name = "search_" + (found.empty() ? "" : found.at("n").substr(0, found.at("n").find('\n')));
  std::map<std::string, std::string> wanted;
  for (const auto& [key, value] :
       search_check::table(database, "SELECT key, value FROM cell WHERE map = 'map' AND sub = x'' AND tombstone = 0")) {
    std::string texts, all;
    for (const std::string& field : config.maps[0].fields) {
      const std::string part = part_of(as_bytes(std::string_view(value).substr(0, value.size() - 1)), field);
      texts += part + "\n", all += part;
    }
    if (!all.empty()) wanted[key] = texts;
  }
  std::string columns;
  for (std::size_t i = 0; i < config.maps[0].fields.size(); ++i) columns += ", c" + std::to_string(i);
  const auto indexed = search_check::table(database, "SELECT document.key" + columns + " FROM " + name + " JOIN " +
                                                         name + "_row AS document ON id = " + name + ".rowid");
  if (trouble.empty() && indexed != wanted) {
    trouble =
        "the index has " + std::to_string(indexed.size()) + " rows, and there are " + std::to_string(wanted.size());
  }
  const std::string check = "INSERT INTO " + name + "(" + name + ", rank) VALUES ('integrity-check', 1)";
  if (trouble.empty() && sqlite3_exec(database, check.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    trouble = std::string("integrity-check: ") + sqlite3_errmsg(database);
  }
  sqlite3_close(database);
  return trouble;
}

}  // namespace grid::test
