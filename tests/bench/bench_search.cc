// SPDX-License-Identifier: Apache-2.0
//
// Search beside FTS5 bare: rows drained with an index, and searches over it, beside a table of FTS5's alone that is
// given the same texts in transactions of the same size; and a drain without an index, for what the index costs.

#include <sqlite3.h>
#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <random>

#include "crdt/value.h"
#include "server/search_text.h"
#include "storage/sqlite/sqlite_search_reader.h"
#include "storage/sqlite/sqlite_sink.h"
#include "tests/bench/figures.h"

namespace {

using namespace grid;

constexpr int kRuns = 5;
constexpr std::size_t kBatchRows = 1'000;
constexpr std::size_t kLimit = 20;

void must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "bench_search: %s\n", what);
  std::exit(1);
}

struct Document {
  std::string key, title, body;
  std::vector<std::uint8_t> value;
};

std::string word(std::uint64_t number) { return std::string("w").append(std::to_string(number)); }

// Words as rare as they are in texts: the nth comes about 1/n as often as the first.
std::string words(std::mt19937_64& random, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) {
    const double at = static_cast<double>(random() % 1'000'000) / 1'000'000;
    text.append(i == 0 ? "w" : " w").append(std::to_string(static_cast<int>(std::pow(20'000, at))));
  }
  return text;
}

std::vector<Document> documents(std::size_t count) {
  std::mt19937_64 random(20'261'121);
  std::vector<Document> all;
  for (std::size_t i = 0; i < count; ++i) {
    char key[32];
    std::snprintf(key, sizeof(key), "note/%08zu", i);
    Document one{key, words(random, 5), words(random, 40), std::vector<std::uint8_t>(4'096)};
    crdt::ValueWriter writer(one.value);
    writer.begin_record();
    writer.field("title"), writer.text(one.title);
    writer.field("body"), writer.text(one.body);
    writer.end_record();
    one.value.resize(writer.finish()->size());
    all.push_back(std::move(one));
  }
  return all;
}

std::string folder() { return std::filesystem::temp_directory_path() / ("bench-search-" + std::to_string(::getpid())); }

storage::SearchConfig config() { return {.maps = {{"notes", {"title", "body"}}}, .text_of = &server::search_text_of}; }

// Documents a second.
double drain(const std::string& file, const std::vector<Document>& all, const storage::SearchConfig& search) {
  Status status = Status::ok;
  std::string problem;
  const auto sink = storage::SqliteSink::open(file, status, problem, search);
  must(sink != nullptr, problem.c_str());
  const double begin = bench::seconds();
  std::vector<storage::SinkRow> rows;
  for (std::size_t i = 0; i < all.size(); ++i) {
    rows.push_back({{{"notes", all[i].key, {}}, crdt::Stamp::of(1 + i, 0, 1), 0, all[i].value}, i + 1, "{}"});
    if (rows.size() < kBatchRows && i + 1 < all.size()) continue;
    must(sink->drain(rows, {1, i + 1}) == Status::ok, sink->problem());
    rows.clear();
  }
  return static_cast<double>(all.size()) / (bench::seconds() - begin);
}

void run(sqlite3* database, const char* sql) {
  must(sqlite3_exec(database, sql, nullptr, nullptr, nullptr) == SQLITE_OK, sqlite3_errmsg(database));
}

double fill_bare(sqlite3* database, const std::vector<Document>& all) {
  run(database, "PRAGMA journal_mode = WAL");
  run(database, "PRAGMA synchronous = FULL");
  run(database, "CREATE VIRTUAL TABLE bare USING fts5(c0, c1, tokenize = 'unicode61 remove_diacritics 2')");
  sqlite3_stmt* insert = nullptr;
  sqlite3_prepare_v2(database, "INSERT INTO bare (rowid, c0, c1) VALUES (?1, ?2, ?3)", -1, &insert, nullptr);
  const double begin = bench::seconds();
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i % kBatchRows == 0) run(database, "BEGIN IMMEDIATE");
    sqlite3_bind_int64(insert, 1, static_cast<std::int64_t>(i + 1));
    sqlite3_bind_text(insert, 2, all[i].title.data(), static_cast<int>(all[i].title.size()), SQLITE_STATIC);
    sqlite3_bind_text(insert, 3, all[i].body.data(), static_cast<int>(all[i].body.size()), SQLITE_STATIC);
    must(sqlite3_step(insert) == SQLITE_DONE, sqlite3_errmsg(database));
    sqlite3_reset(insert);
    if (i % kBatchRows == kBatchRows - 1 || i + 1 == all.size()) run(database, "COMMIT");
  }
  const double rate = static_cast<double>(all.size()) / (bench::seconds() - begin);
  sqlite3_finalize(insert);
  return rate;
}

// What a person might write straight against FTS5: hits by rank, each with its excerpts.
std::size_t ask_bare(sqlite3_stmt* statement, const std::string& match) {
  sqlite3_bind_text(statement, 1, match.data(), static_cast<int>(match.size()), SQLITE_STATIC);
  std::size_t hits = 0;
  while (sqlite3_step(statement) == SQLITE_ROW) ++hits;
  sqlite3_reset(statement);
  return hits;
}

// Searches a second of both.
void race(bench::Figures& figures, const std::string& name, storage::SqliteSearchReader& reader, sqlite3* bare,
          const std::vector<std::string>& texts) {
  sqlite3_stmt* statement = nullptr;
  sqlite3_prepare_v2(bare,
                     "SELECT rowid, rank, snippet(bare, 0, '[', ']', '...', 24), snippet(bare, 1, '[', ']', '...', 24) "
                     "FROM bare WHERE bare MATCH ?1 ORDER BY rank LIMIT 20",
                     -1, &statement, nullptr);
  std::vector<double> ours, theirs;
  for (int i = 0; i < kRuns; ++i) {
    double begin = bench::seconds();
    std::size_t hits = 0;
    for (const std::string& text : texts) {
      storage::SearchAnswer answer;
      storage::SearchQuestion question{.map = "notes", .limit = kLimit, .known_ms = 1};
      std::string problem;
      must(server::compile_search(text, question.match, problem) == Status::ok, problem.c_str());
      must(reader.ask(question, answer) == Status::ok, reader.problem());
      hits += answer.hits.size();
    }
    ours.push_back(static_cast<double>(texts.size()) / (bench::seconds() - begin));
    begin = bench::seconds();
    for (const std::string& text : texts) {
      std::string match, problem;
      must(server::compile_search(text, match, problem) == Status::ok, problem.c_str());
      hits -= ask_bare(statement, match);
    }
    theirs.push_back(static_cast<double>(texts.size()) / (bench::seconds() - begin));
    must(hits == 0, "both find the same number of hits");
  }
  figures.ratio(name, "/s", ours, "FTS5", theirs, 0);
  sqlite3_finalize(statement);
}

}  // namespace

int main(int argc, char** argv) {
  bench::Figures figures(argc, argv);
  const std::vector<Document> all = documents(figures.full() ? 200'000 : 20'000);
  std::vector<double> with, without, bare;
  sqlite3* database = nullptr;
  for (int i = 0; i < 3; ++i) {
    sqlite3_close(database);
    std::filesystem::remove_all(folder());
    std::filesystem::create_directories(folder());
    without.push_back(drain(folder() + "/plain.db", all, {}));
    with.push_back(drain(folder() + "/cells.db", all, config()));
    sqlite3_open((folder() + "/bare.db").c_str(), &database);
    bare.push_back(fill_bare(database, all));
  }
  figures.ratio("rows drained and indexed", "rows/s", with, "FTS5 alone", bare, 0);
  figures.ratio("rows drained and indexed", "rows/s", with, "drained without an index", without, 0);
  Status status = Status::ok;
  std::string problem;
  const auto reader = storage::SqliteSearchReader::open(folder() + "/cells.db", config(), status, problem);
  must(reader != nullptr, problem.c_str());
  std::mt19937_64 random(7);
  std::vector<std::string> rare, common, prefixes;
  for (int i = 0; i < 200; ++i) rare.push_back(word(1'000 + random() % 19'000));
  for (int i = 0; i < 50; ++i) common.push_back(word(1 + random() % 30));
  for (int i = 0; i < 50; ++i) prefixes.push_back(word(100 + random() % 900).append("*"));
  race(figures, "searches for a rare word", *reader, database, rare);
  race(figures, "searches for a common word", *reader, database, common);
  race(figures, "searches for a word's beginning", *reader, database, prefixes);
  sqlite3_close(database);
  std::filesystem::remove_all(folder());
  return figures.finish();
}
