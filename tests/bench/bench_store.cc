// SPDX-License-Identifier: Apache-2.0
//
// The store beside raw LMDB that writes the same bytes, in one run: puts, gets, and what writing a log first gains over
// updating keyed cells.

#include <lmdb.h>

#include <cstdlib>
#include <filesystem>
#include <random>

#include "storage/lmdb/lmdb_store.h"
#include "tests/bench/figures.h"

namespace {

using grid::storage::LmdbOptions;
using grid::storage::LmdbStore;

constexpr int kRuns = 5;
constexpr std::size_t kValueBytes = 100;
// Two full tables: from here on the timed part pays for as much folding as it leaves behind.
constexpr std::uint64_t kWarmUp = 65'536;

void must(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "bench_store: %s\n", what);
  std::exit(1);
}

std::string key_of(std::uint64_t number) {
  char text[32];
  std::snprintf(text, sizeof(text), "sensor/%016llx", static_cast<unsigned long long>(number * 0x9e3779b97f4a7c15));
  return text;
}

// LMDB with nothing around it: name -> stamp and value.
class Raw {
 public:
  Raw(const std::string& path, bool sync) {
    std::filesystem::create_directories(path);
    must(mdb_env_create(&env_) == 0 && mdb_env_set_mapsize(env_, std::size_t{8} << 30) == 0, "no LMDB");
    must(mdb_env_open(env_, path.c_str(), sync ? 0 : MDB_NOSYNC, 0644) == 0, "LMDB does not open");
    begin();
    must(mdb_dbi_open(txn_, nullptr, 0, &cells_) == 0, "LMDB has no table");
    commit();
  }
  ~Raw() { mdb_env_close(env_); }
  void begin() { must(mdb_txn_begin(env_, nullptr, 0, &txn_) == 0, "LMDB begins nothing"); }
  void put(const std::string& key, const std::string& value) {
    MDB_val k{key.size(), const_cast<char*>(key.data())};
    MDB_val v{value.size(), const_cast<char*>(value.data())};
    must(mdb_put(txn_, cells_, &k, &v, 0) == 0, "LMDB puts nothing");
  }
  void commit() { must(mdb_txn_commit(txn_) == 0, "LMDB commits nothing"); }
  std::size_t get_all(const std::vector<std::string>& keys) {
    MDB_txn* reader = nullptr;
    must(mdb_txn_begin(env_, nullptr, MDB_RDONLY, &reader) == 0, "LMDB reads nothing");
    std::size_t bytes = 0;
    for (const std::string& key : keys) {
      MDB_val k{key.size(), const_cast<char*>(key.data())};
      MDB_val v{};
      must(mdb_get(reader, cells_, &k, &v) == 0, "LMDB lost a key");
      bytes += v.mv_size;
    }
    mdb_txn_abort(reader);
    return bytes;
  }

 private:
  MDB_env* env_ = nullptr;
  MDB_txn* txn_ = nullptr;
  MDB_dbi cells_ = 0;
};

class Ours {
 public:
  Ours(const std::string& path, bool sync) {
    grid::Status status = grid::Status::ok;
    std::string problem;
    LmdbOptions options;
    options.path = path;
    options.sync = sync;
    store_ = LmdbStore::open(options, status, problem);
    must(store_ != nullptr, problem.c_str());
  }
  void put(const std::string& key, const std::string& value) {
    grid::crdt::Op op;
    op.cell = {
        {"climate", key, {}}, grid::crdt::Stamp::of(1'795'000'000'000 + ++count_, 0, 7), 0, grid::as_bytes(value)};
    op.local = true;
    must(store_->append(op).ok(), store_->problem());
  }
  void commit() { must(store_->commit() == grid::Status::ok, store_->problem()); }
  std::size_t get_all(const std::vector<std::string>& keys) {
    std::size_t bytes = 0;
    for (const std::string& key : keys) {
      const auto op = store_->find({"climate", key, {}});
      must(op.ok(), "the store lost a key");
      bytes += op->cell.value.size();
    }
    return bytes;
  }

 private:
  std::unique_ptr<LmdbStore> store_;
  std::uint64_t count_ = 0;
};

struct Place {
  Place() : path(std::filesystem::temp_directory_path() / ("grid-bench-" + std::to_string(::getpid()))) {}
  ~Place() { std::filesystem::remove_all(path); }
  std::string next() { return path / std::to_string(++count); }
  std::filesystem::path path;
  int count = 0;
};

// `count` puts of random keys among `keys`, `each` a transaction; puts a second.
double put_raw(Raw& raw, std::uint64_t count, std::uint64_t keys, std::uint64_t each, std::mt19937_64& random) {
  const std::string value(16 + kValueBytes, 'v');
  const double begin = bench::seconds();
  for (std::uint64_t i = 0; i < count; ++i) {
    if (i % each == 0) raw.begin();
    raw.put("climate" + key_of(random() % keys), value);
    if (i % each == each - 1) raw.commit();
  }
  return static_cast<double>(count) / (bench::seconds() - begin);
}

double put_ours(Ours& ours, std::uint64_t count, std::uint64_t keys, std::uint64_t each, std::mt19937_64& random) {
  const std::string value(kValueBytes, 'v');
  const double begin = bench::seconds();
  for (std::uint64_t i = 0; i < count; ++i) {
    ours.put(key_of(random() % keys), value);
    if (i % each == each - 1) ours.commit();
  }
  return static_cast<double>(count) / (bench::seconds() - begin);
}

void puts(bench::Figures& figures, const std::string& name, bool sync, std::uint64_t each, std::uint64_t count,
          std::uint64_t keys) {
  std::vector<double> ours, raws;
  for (int run = 0; run < kRuns; ++run) {
    Place place;
    std::mt19937_64 random(static_cast<std::uint64_t>(run));
    Raw raw(place.next(), sync);
    put_raw(raw, kWarmUp, keys, kWarmUp / 64, random);
    raws.push_back(put_raw(raw, count, keys, each, random));
    random.seed(static_cast<std::uint64_t>(run));
    Ours store(place.next(), sync);
    put_ours(store, kWarmUp, keys, kWarmUp / 64, random);
    ours.push_back(put_ours(store, count, keys, each, random));
  }
  figures.ratio(name, "puts/s", ours, "raw LMDB, keyed:", raws, 0.7);
}

void gets(bench::Figures& figures, std::uint64_t keys) {
  Place place;
  Raw raw(place.next(), false);
  Ours store(place.next(), false);
  for (std::uint64_t i = 0; i < keys; ++i) {
    if (i % 10'000 == 0) raw.begin();
    raw.put("climate" + key_of(i), std::string(16 + kValueBytes, 'v'));
    store.put(key_of(i), std::string(kValueBytes, 'v'));
    if (i % 10'000 == 9'999) raw.commit(), store.commit();
  }
  std::mt19937_64 random(1);
  std::vector<double> ours, raws;
  for (int run = 0; run < kRuns; ++run) {
    std::vector<std::string> own_keys, raw_keys;
    for (int i = 0; i < 100'000; ++i) {
      own_keys.push_back(key_of(random() % keys));
      raw_keys.push_back("climate" + own_keys.back());
    }
    double begin = bench::seconds();
    must(raw.get_all(raw_keys) > 0, "nothing was read");
    raws.push_back(100'000 / (bench::seconds() - begin));
    begin = bench::seconds();
    must(store.get_all(own_keys) > 0, "nothing was read");
    ours.push_back(100'000 / (bench::seconds() - begin));
  }
  figures.ratio("get, " + std::to_string(keys) + " keys", "gets/s", ours, "raw LMDB:", raws, 0.5);
  figures.plain("get, one", "us", 1e6 / bench::median(ours), 2);
}

}  // namespace

int main(int argc, char** argv) {
  bench::Figures figures(argc, argv);
  const std::uint64_t keys = figures.full() ? 1'000'000 : 200'000;
  puts(figures, "put, NOSYNC, one a transaction", false, 1, 50'000, keys);
  puts(figures, "put, sync, 1,000 a transaction (log first)", true, 1'000, keys, keys);
  gets(figures, keys);
  return figures.finish();
}
