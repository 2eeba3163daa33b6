// SPDX-License-Identifier: Apache-2.0
//
// A thousand live queries of one map: what a write costs until all of them have told what became of their answers.
//
// Each is a window, the ten warmest rows of a site below a temperature. SQLite in memory has no live queries: the peer
// asks a thousand prepared statements again, each answered by an index made for it.

#include <sqlite3.h>

#include <cstdlib>
#include <memory>
#include <random>

#include "crdt/value.h"
#include "runtime/query/live_query.h"
#include "storage/memory/memory_store.h"
#include "tests/bench/figures.h"

namespace {

using namespace grid;

constexpr int kRuns = 5;
constexpr std::size_t kRows = 10'000;
constexpr std::size_t kQueries = 1'000;
constexpr std::size_t kWrites = 100;
constexpr std::size_t kShown = 10;

void must(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "bench_live: %s\n", what);
  std::exit(1);
}

struct Write {
  std::size_t row;
  double temp;
};

std::string key_of(std::size_t row) { return "bench/" + std::to_string(100'000 + row); }
std::int64_t site_of(std::size_t row) { return static_cast<std::int64_t>(row % 10); }
double bound_of(std::size_t query) { return static_cast<double>(query) * 0.06 - 20; }

std::vector<Write> writes(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<Write> all;
  for (std::size_t i = 0; i < count; ++i) {
    all.push_back({random() % kRows, static_cast<double>(random() % 6'000) / 100 - 20});
  }
  return all;
}

class Ours {
 public:
  Ours() {
    for (std::size_t row = 0; row < kRows; ++row) put({row, static_cast<double>(row % 6'000) / 100 - 20});
    for (std::size_t i = 0; i < kQueries; ++i) {
      char where[80];
      std::snprintf(where, sizeof(where), "site = %zu and temp < %.2f", i % 10, bound_of(i));
      queries_.push_back(std::make_unique<runtime::LiveQuery>(store_, engine_, 1u << 20));
      must(queries_.back()->open({.map = "climate", .where = where, .order = "temp desc", .limit = kShown}) ==
               Status::ok,
           "a live query does not open");
    }
    tell();
  }
  void write(const Write& write) {
    put(write);
    tell();
  }
  std::size_t shown() const {
    std::size_t rows = 0;
    for (const auto& query : queries_) rows += query->row_count();
    return rows;
  }

 private:
  void put(const Write& write) {
    std::uint8_t room[64];
    crdt::ValueWriter writer(room);
    writer.begin_record();
    writer.field("site"), writer.integer(site_of(write.row));
    writer.field("temp"), writer.number(write.temp);
    writer.end_record();
    const std::string key = key_of(write.row);
    const crdt::Stamp stamp = crdt::Stamp::of(++time_, 0, 1);
    must(store_.append({.cell = {.name = {"climate", key}, .stamp = stamp, .value = *writer.finish()}}).ok(),
         "the store takes no row");
    must(store_.commit() == Status::ok, "the store commits nothing");
  }
  void tell() {
    for (const auto& query : queries_) {
      must(query->advance(0, {[](void*, const runtime::LiveDelta&) {}, nullptr}) == Status::ok, "a live query ends");
    }
  }

  storage::MemoryStore store_;
  runtime::QueryEngine engine_{store_};
  std::vector<std::unique_ptr<runtime::LiveQuery>> queries_;
  std::uint64_t time_ = 0;
};

class Sqlite {
 public:
  Sqlite() {
    must(sqlite3_open(":memory:", &database_) == SQLITE_OK, "SQLite opens nothing");
    run("create table climate(key text primary key, site int, temp real) without rowid");
    run("create index by_site_and_temp on climate(site, temp)");
    put_ = prepare("insert or replace into climate values(?,?,?)");
    ask_ = prepare("select key, site, temp from climate where site = ? and temp < ? order by temp desc limit 10");
    for (std::size_t row = 0; row < kRows; ++row) put({row, static_cast<double>(row % 6'000) / 100 - 20});
  }
  ~Sqlite() {
    sqlite3_finalize(put_);
    sqlite3_finalize(ask_);
    sqlite3_close(database_);
  }
  // The rows that all answers have together.
  std::size_t write(const Write& write) {
    put(write);
    std::size_t rows = 0;
    for (std::size_t i = 0; i < kQueries; ++i) {
      sqlite3_bind_int64(ask_, 1, static_cast<std::int64_t>(i % 10));
      sqlite3_bind_double(ask_, 2, bound_of(i));
      while (sqlite3_step(ask_) == SQLITE_ROW) rows += sqlite3_column_bytes(ask_, 0) > 0 ? 1u : 0u;
      sqlite3_reset(ask_);
    }
    return rows;
  }

 private:
  void run(const char* sql) { must(sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) == SQLITE_OK, sql); }
  sqlite3_stmt* prepare(const char* sql) {
    sqlite3_stmt* statement = nullptr;
    must(sqlite3_prepare_v2(database_, sql, -1, &statement, nullptr) == SQLITE_OK, sql);
    return statement;
  }
  void put(const Write& write) {
    const std::string key = key_of(write.row);
    sqlite3_bind_text(put_, 1, key.c_str(), -1, SQLITE_TRANSIENT);
    sqlite3_bind_int64(put_, 2, site_of(write.row));
    sqlite3_bind_double(put_, 3, write.temp);
    must(sqlite3_step(put_) == SQLITE_DONE, "SQLite takes no row");
    sqlite3_reset(put_);
  }

  sqlite3* database_ = nullptr;
  sqlite3_stmt* put_ = nullptr;
  sqlite3_stmt* ask_ = nullptr;
};

template <typename Work>
double microseconds_of_each(const std::vector<Write>& all, Work work) {
  const double begin = bench::seconds();
  for (const Write& one : all) work(one);
  return (bench::seconds() - begin) * 1e6 / static_cast<double>(all.size());
}

}  // namespace

int main(int argc, char** argv) {
  bench::Figures figures(argc, argv);
  Ours ours;
  Sqlite peer;
  std::vector<double> our_times, peer_times;
  for (int run = 0; run < kRuns; ++run) {
    const std::vector<Write> all = writes(kWrites, static_cast<std::uint64_t>(run));
    std::size_t expected = 0;
    peer_times.push_back(microseconds_of_each(all, [&](const Write& one) { expected = peer.write(one); }));
    our_times.push_back(microseconds_of_each(all, [&](const Write& one) { ours.write(one); }));
    must(ours.shown() == expected, "the two show different rows");
  }
  figures.ratio("a write that 1,000 live queries look at", "us", our_times, "SQLite asked anew", peer_times, 0);
  return figures.finish();
}
