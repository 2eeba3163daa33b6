// SPDX-License-Identifier: Apache-2.0

#include "storage/sqlite/sqlite_search_reader.h"

#include <algorithm>
#include <cerrno>

namespace grid::storage {

namespace {

constexpr int kExcerptWords = 24;
constexpr char kState[] =
    "SELECT number, building, looked_at, "
    "coalesce((SELECT number FROM meta WHERE name = 'drained_epoch'), 0), "
    "(SELECT number FROM meta WHERE name = 'drained_through') FROM search WHERE map = ?1";

// Whether an excerpt shows anything.
std::string excerpt_of(std::string_view text) {
  return text.find(SearchAnswer::kBegin) == std::string_view::npos ? std::string() : std::string(text);
}

}  // namespace

std::unique_ptr<SqliteSearchReader> SqliteSearchReader::open(const std::string& file, const SearchConfig& config,
                                                             Status& status, std::string& problem) {
  std::unique_ptr<SqliteSearchReader> reader(new SqliteSearchReader(file, config));
  int code = reader->connection_.open(file);
  if (code == 0) code = reader->state_.prepare(reader->connection_.database(), kState);
  status = status_of(code, 0);
  if (code == 0) return reader;
  problem = file + ": can't open the search: " + reader->connection_.problem();
  return nullptr;
}

Status SqliteSearchReader::ask(const SearchQuestion& question, SearchAnswer& answer) {
  answer = {};
  const auto map = std::find_if(config_.maps.begin(), config_.maps.end(),
                                [&question](const SearchedMap& one) { return one.map == question.map; });
  if (map == config_.maps.end()) {
    problem_ = "map " + question.map + " has no search here";
    return Status::not_found;
  }
  errno = 0;
  connection_.set_patience(patience_ms_);
  int code = run(connection_.database(), "BEGIN");
  if (code == 0) code = read(question, *map, answer);
  if (code != 0) problem_ = file_ + ": can't search: " + connection_.problem();
  const int error = errno;
  connection_.set_patience(patience_ms_);
  run(connection_.database(), "ROLLBACK");
  if (is_interrupted(code)) {
    problem_ = "the search took longer than " + std::to_string(patience_ms_) + " ms and was given up";
  }
  return is_broken_index(code) ? Status::corrupt : status_of(code, error);
}

int SqliteSearchReader::read(const SearchQuestion& question, const SearchedMap& map, SearchAnswer& answer) {
  std::int64_t number = 0;
  int code = read_state(map, number, answer);
  if (code != 0 || number == 0) return code;
  Statements& statements = statements_[number];
  if (!statements.hit.is_prepared()) code = prepare(statements, number, map);
  std::vector<Candidate> page;
  if (code == 0) code = read_page(statements, question, page);
  std::size_t bytes = 0;
  for (const Candidate& one : page) {
    if (code != 0) return code;
    answer.more = answer.hits.size() == question.limit || bytes >= question.bytes_max;
    if (answer.more) break;
    SearchFound found;
    code = read_hit(statements, question, one, found);
    bytes += found.key.size();
    for (const std::string& excerpt : found.excerpts) bytes += excerpt.size();
    if (code == 0 && !found.key.empty()) answer.hits.push_back(std::move(found));
  }
  return code;
}

int SqliteSearchReader::read_state(const SearchedMap& map, std::int64_t& number, SearchAnswer& answer) {
  if (state_.with(std::string_view(map.map)).step()) {
    number = state_.number(0);
    if (state_.number(1) != 0) answer.building = static_cast<std::uint64_t>(state_.number(2)) + 1;
    answer.mark.epoch = static_cast<std::uint64_t>(state_.number(3));
    answer.mark.through = static_cast<crdt::Seq>(state_.number(4));
  }
  return state_.reset();
}

// One more than is wanted, so that it is known whether there are more.
int SqliteSearchReader::read_page(Statements& statements, const SearchQuestion& question,
                                  std::vector<Candidate>& page) {
  const auto known = static_cast<std::int64_t>(question.known_ms);
  statements.page.with(std::string_view(question.match)).with(known).with(std::string_view(question.after_key));
  statements.page.with(question.after_rank).with(static_cast<std::int64_t>(question.limit) + 1);
  while (statements.page.step()) page.push_back({statements.page.number(0), statements.page.real(1)});
  return statements.page.reset();
}

int SqliteSearchReader::read_hit(Statements& statements, const SearchQuestion& question, const Candidate& one,
                                 SearchFound& found) {
  Statement& hit = statements.hit;
  hit.with(std::string_view(question.match)).with(one.id).with(std::string_view(question.map));
  if (hit.step()) {
    found.key = hit.text(0);
    const Bytes stamp = hit.bytes(1);
    if (stamp.size() == crdt::Stamp::kBytes) found.stamp = crdt::Stamp::read(stamp.data());
    found.expires_ms = static_cast<std::uint64_t>(hit.number(2));
    found.rank = one.rank;
    const auto map = std::find_if(config_.maps.begin(), config_.maps.end(),
                                  [&question](const SearchedMap& searched) { return searched.map == question.map; });
    for (std::size_t i = 0; i < map->fields.size(); ++i) {
      found.excerpts.push_back(excerpt_of(hit.text(3 + static_cast<int>(i))));
    }
  }
  return hit.reset();
}

int SqliteSearchReader::prepare(Statements& statements, std::int64_t number, const SearchedMap& map) {
  const std::string name = "search_" + std::to_string(number);
  const int code = statements.page.prepare(
      connection_.database(),
      "SELECT document.id, found.rank FROM " + name + " AS found CROSS JOIN " + name +
          "_row AS document ON document.id = found.rowid WHERE found." + name +
          " MATCH ?1 AND (document.expires_ms <= 0 OR ?2 = 0 OR document.expires_ms > ?2)"
          " AND (?3 = '' OR (found.rank, document.key) > (?4, ?3)) ORDER BY found.rank, document.key LIMIT ?5");
  if (code != 0) return code;
  std::string excerpts;
  for (std::size_t i = 0; i < map.fields.size(); ++i) {
    excerpts += ", snippet(" + name + ", " + std::to_string(i) + ", x'02', x'03', '\xe2\x80\xa6', " +
                std::to_string(kExcerptWords) + ")";
  }
  return statements.hit.prepare(connection_.database(),
                                "SELECT document.key, cell.stamp, cell.expires_ms" + excerpts + " FROM " + name +
                                    " CROSS JOIN " + name + "_row AS document ON document.id = " + name +
                                    ".rowid CROSS JOIN cell ON cell.map = ?3 AND cell.key = document.key AND "
                                    "cell.sub = x'' WHERE " +
                                    name + " MATCH ?1 AND " + name + ".rowid = ?2");
}

}  // namespace grid::storage
