// SPDX-License-Identifier: Apache-2.0
//
// Queries beside SQLite in memory: a predicate over all rows, and one row or a few found by an index.
//
// Both keep the same rows: ours records in the memory store, SQLite's a table with a column a field. So ours finds each
// field by its name in each row, and SQLite by its number.

#include <sqlite3.h>

#include <cstdlib>
#include <random>

#include "crdt/query/compile.h"
#include "runtime/query/query_engine.h"
#include "storage/memory/memory_store.h"
#include "tests/bench/figures.h"

namespace {

using namespace grid;

constexpr int kRuns = 5;

void must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "bench_query: %s\n", what);
  std::exit(1);
}

struct Reading {
  std::string key, site;
  std::int64_t number;
  double temp;
  bool fan;
};

std::vector<Reading> readings(std::size_t count) {
  constexpr const char* kSites[] = {"Oslo", "Bergen", "Tromso", "Stavanger", "Trondheim"};
  std::mt19937_64 random(20'261'121);
  std::vector<Reading> all;
  for (std::size_t i = 0; i < count; ++i) {
    char key[32];
    std::snprintf(key, sizeof(key), "bench/%08zu", i);
    all.push_back({key, kSites[random() % 5], static_cast<std::int64_t>(random() % count),
                   static_cast<double>(random() % 6'000) / 100 - 10, random() % 2 == 0});
  }
  return all;
}

class Ours {
 public:
  explicit Ours(const std::vector<Reading>& rows) {
    std::uint8_t room[256];
    std::uint64_t time = 0;
    for (const Reading& row : rows) {
      crdt::ValueWriter writer(room);
      writer.begin_record();
      writer.field("fan"), writer.boolean(row.fan);
      writer.field("number"), writer.integer(row.number);
      writer.field("site"), writer.text(row.site);
      writer.field("temp"), writer.number(row.temp);
      writer.end_record();
      const Result<Bytes> value = writer.finish();
      crdt::Op op{.cell = {.name = {"climate", row.key}, .stamp = crdt::Stamp::of(++time, 0, 1), .value = *value}};
      must(store_.append(op).ok(), "the store takes no row");
      if (time % 10'000 == 0) must(store_.commit() == Status::ok, "the store commits nothing");
    }
    must(engine_.declare("climate", "number", runtime::IndexKind::hash) == Status::ok, "no index");
    must(engine_.declare("climate", "temp", runtime::IndexKind::ordered) == Status::ok, "no index");
  }
  std::size_t index_bytes() const {
    std::size_t bytes = 0;
    for (const auto& index : engine_.indexes()) bytes += index->bytes();
    return bytes;
  }
  void build_indexes() { must(engine_.catch_up() == Status::ok, "the indexes are not built"); }
  std::size_t count(const std::string& where, runtime::Way way) {
    std::size_t found = 0;
    const Status status =
        engine_.ask({.map = "climate", .where = where},
                    {[](void* at, const query::Row&, const crdt::Op&) { ++*static_cast<std::size_t*>(at); }, &found});
    must(status == Status::ok, engine_.problem());
    must(engine_.explanation().way == way, "another plan than was meant");
    return found;
  }

 private:
  storage::MemoryStore store_;
  runtime::QueryEngine engine_{store_};
};

class Sqlite {
 public:
  explicit Sqlite(const std::vector<Reading>& rows) {
    must(sqlite3_open(":memory:", &database_) == SQLITE_OK, "SQLite opens nothing");
    run("create table climate(key text primary key, fan int, number int, site text, temp real) without rowid");
    run("begin");
    sqlite3_stmt* insert = prepare("insert into climate values(?,?,?,?,?)");
    for (const Reading& row : rows) {
      sqlite3_bind_text(insert, 1, row.key.c_str(), -1, SQLITE_STATIC);
      sqlite3_bind_int(insert, 2, row.fan ? 1 : 0);
      sqlite3_bind_int64(insert, 3, row.number);
      sqlite3_bind_text(insert, 4, row.site.c_str(), -1, SQLITE_STATIC);
      sqlite3_bind_double(insert, 5, row.temp);
      must(sqlite3_step(insert) == SQLITE_DONE, "SQLite takes no row");
      sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
    run("commit");
  }
  ~Sqlite() { sqlite3_close(database_); }

  void build_indexes() {
    run("create index by_number on climate(number)");
    run("create index by_temp on climate(temp)");
    run("analyze");
  }
  // All of a row is read, as ours hands it out, in order of key.
  std::size_t count(const std::string& where) {
    sqlite3_stmt* query = prepare("select key, fan, number, site, temp from climate where " + where + " order by key");
    std::size_t found = 0;
    while (sqlite3_step(query) == SQLITE_ROW) found += sqlite3_column_bytes(query, 3) > 0 ? 1u : 0u;
    sqlite3_finalize(query);
    return found;
  }

 private:
  void run(const char* sql) { must(sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) == SQLITE_OK, sql); }
  sqlite3_stmt* prepare(const std::string& sql) {
    sqlite3_stmt* statement = nullptr;
    must(sqlite3_prepare_v2(database_, sql.c_str(), -1, &statement, nullptr) == SQLITE_OK, sql.c_str());
    return statement;
  }

  sqlite3* database_ = nullptr;
};

struct Times {
  std::vector<double> ours, peers;
};

template <typename Work>
double seconds_of(Work work) {
  const double begin = bench::seconds();
  work();
  return bench::seconds() - begin;
}

void scan(bench::Figures& figures, Ours& ours, Sqlite& peer, std::size_t rows) {
  const std::string where = "site = 'Oslo' and temp > 20 and (fan = true or number < 5)";
  Times rates;
  for (int i = 0; i < kRuns; ++i) {
    std::size_t found = 0, expected = 0;
    rates.peers.push_back(static_cast<double>(rows) / seconds_of([&] { expected = peer.count(where); }));
    rates.ours.push_back(static_cast<double>(rows) /
                         seconds_of([&] { found = ours.count(where, runtime::Way::scan); }));
    must(found == expected, "the two found different rows");
  }
  figures.ratio("scan, three fields", "rows/s", rates.ours, "SQLite in memory", rates.peers, 0);
}

// The predicate alone, over rows that lie side by side.
void predicate(bench::Figures& figures, std::size_t rows) {
  std::uint8_t row_room[256], program[512];
  crdt::ValueWriter writer(row_room);
  writer.begin_record();
  writer.field("fan"), writer.boolean(true);
  writer.field("number"), writer.integer(7);
  writer.field("site"), writer.text("Oslo");
  writer.field("temp"), writer.number(21.5);
  writer.end_record();
  const query::Row row{"bench/1", crdt::Value(*writer.finish())};
  query::Trouble trouble;
  const Result<query::Predicate> where =
      query::compile("site = 'Oslo' and temp > 20 and (fan = true or number < 5)", {}, program, trouble);
  must(where.ok(), "the predicate is none");
  std::vector<double> rates;
  for (int i = 0; i < kRuns; ++i) {
    std::size_t found = 0;
    const double taken = seconds_of([&] {
      for (std::size_t n = 0; n < rows; ++n) found += where->matches(row) ? 1u : 0u;
    });
    must(found == rows, "the predicate refuses");
    rates.push_back(static_cast<double>(rows) / taken);
  }
  figures.plain("predicate alone, three fields, accepted", "rows/s", bench::median(rates), 0);
}

void find(bench::Figures& figures, Ours& ours, Sqlite& peer, const std::string& name, const std::string& field,
          std::size_t rows) {
  constexpr int kAsks = 2'000;
  Times times;
  for (int i = 0; i < kRuns; ++i) {
    std::mt19937_64 random(static_cast<std::uint64_t>(i));
    std::vector<std::string> wheres;
    for (int n = 0; n < kAsks; ++n) {
      const std::string at = std::to_string(random() % rows);
      const std::string temp = std::to_string(static_cast<double>(random() % 6'000) / 100 - 10);
      wheres.push_back(field == "number" ? "number = " + at : "temp between " + temp + " and " + temp);
    }
    std::size_t found = 0, expected = 0;
    const std::size_t asks = field == "number" ? kAsks : kAsks / 10;
    times.peers.push_back(1e6 / static_cast<double>(asks) * seconds_of([&] {
                            for (std::size_t n = 0; n < asks; ++n) expected += peer.count(wheres[n]);
                          }));
    times.ours.push_back(1e6 / static_cast<double>(asks) * seconds_of([&] {
                           for (std::size_t n = 0; n < asks; ++n) found += ours.count(wheres[n], runtime::Way::index);
                         }));
    must(found == expected, "the two found different rows");
  }
  figures.ratio(name, "us", times.ours, "SQLite in memory", times.peers, 0);
}

}  // namespace

int main(int argc, char** argv) {
  bench::Figures figures(argc, argv);
  constexpr std::size_t kRows = 1'000'000;
  const std::vector<Reading> rows = readings(kRows);
  Ours ours(rows);
  Sqlite peer(rows);
  predicate(figures, kRows);
  Times built;
  built.peers.push_back(kRows / seconds_of([&] { peer.build_indexes(); }));
  built.ours.push_back(kRows / seconds_of([&] { ours.build_indexes(); }));
  scan(figures, ours, peer, kRows);
  figures.ratio("two indexes built", "rows/s", built.ours, "SQLite in memory", built.peers, 0);
  find(figures, ours, peer, "one row by index, 1,000,000 rows", "number", kRows);
  find(figures, ours, peer, "about 170 rows by index, 1,000,000 rows", "temp", kRows);
  figures.plain("memory of an index, a row", "B", static_cast<double>(ours.index_bytes()) / 2 / kRows, 0);
  return figures.finish();
}
