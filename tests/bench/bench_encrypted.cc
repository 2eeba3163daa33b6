// SPDX-License-Identifier: Apache-2.0
//
// The encrypting store beside the LMDB store that it lies over, in one run: puts, gets, opening, and the disk it takes.

#include <cstdlib>
#include <filesystem>
#include <random>

#include "ports/port.h"
#include "storage/encrypted/encrypted_store.h"
#include "storage/lmdb/lmdb_store.h"
#include "tests/bench/figures.h"

namespace {

using grid::Status;
using grid::storage::EncryptedStore;
using grid::storage::LmdbStore;
using grid::storage::Store;

constexpr int kRuns = 5;
constexpr std::uint64_t kEach = 1'000;  // A commit.
const std::string kValue(100, 'v');

void must(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "bench_encrypted: %s\n", what);
  std::exit(1);
}

std::string key_of(std::uint64_t number) {
  char text[32];
  std::snprintf(text, sizeof(text), "sensor/%016llx", static_cast<unsigned long long>(number) * 0x9e3779b97f4a7c15);
  return text;
}

struct Place {
  Place() : path(std::filesystem::temp_directory_path() / ("grid-bench-" + std::to_string(::getpid()))) {}
  ~Place() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
};

class Disk {
 public:
  Disk(const std::string& path, bool is_encrypted) : path_(path), is_encrypted_(is_encrypted) { open(); }

  void open() {
    Status status = Status::ok;
    std::string problem;
    over_.reset();
    lmdb_.reset();
    grid::storage::LmdbOptions options{.path = path_};
    options.value_bytes_max += grid::storage::kDecorationBytesMax;
    lmdb_ = LmdbStore::open(options, status, problem);
    must(lmdb_ != nullptr, problem.c_str());
    if (!is_encrypted_) return;
    const auto key = grid::storage::Key::parse(grid::as_bytes("thirty-two bytes that are a key."));
    over_ = EncryptedStore::open(*lmdb_, {.key = *key, .entropy = grid::port::entropy}, status, problem);
    must(over_ != nullptr, problem.c_str());
  }
  Store& store() { return over_ == nullptr ? static_cast<Store&>(*lmdb_) : *over_; }

  void put(std::uint64_t number) {
    const std::string key = key_of(number);
    grid::crdt::Op op;
    op.cell = {
        {"climate", key, {}}, grid::crdt::Stamp::of(1'795'000'000'000 + ++count_, 0, 7), 0, grid::as_bytes(kValue)};
    op.local = true;
    must(store().append(op).ok(), store().problem());
    if (count_ % kEach == 0) must(store().commit() == Status::ok, store().problem());
  }
  double megabytes() const { return static_cast<double>(std::filesystem::file_size(path_ + "/data.mdb")) / 1'048'576; }

 private:
  std::string path_;
  bool is_encrypted_;
  std::unique_ptr<LmdbStore> lmdb_;
  std::unique_ptr<EncryptedStore> over_;
  std::uint64_t count_ = 0;
};

double puts_a_second(Disk& disk, std::uint64_t count, std::uint64_t keys, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const double begin = bench::seconds();
  for (std::uint64_t i = 0; i < count; ++i) disk.put(random() % keys);
  return static_cast<double>(count) / (bench::seconds() - begin);
}

double gets_a_second(Disk& disk, std::uint64_t keys, std::uint64_t seed) {
  constexpr std::uint64_t kGets = 100'000;
  std::mt19937_64 random(seed);
  const double begin = bench::seconds();
  for (std::uint64_t i = 0; i < kGets; ++i) {
    const std::string key = key_of(random() % keys);
    must(disk.store().find({"climate", key, {}}).ok(), "the store lost a key");
  }
  return kGets / (bench::seconds() - begin);
}

double opening_ms(Disk& disk) {
  const double begin = bench::seconds();
  disk.open();
  return 1e3 * (bench::seconds() - begin);
}

}  // namespace

int main(int argc, char** argv) {
  bench::Figures figures(argc, argv);
  const std::uint64_t keys = figures.full() ? 1'000'000 : 100'000;
  const Place place;
  Disk plain(place.path / "plain", false), encrypted(place.path / "encrypted", true);
  for (std::uint64_t i = 0; i < keys; ++i) plain.put(i), encrypted.put(i);
  std::vector<double> plain_puts, own_puts, plain_gets, own_gets, openings;
  for (std::uint64_t run = 0; run < kRuns; ++run) {
    plain_puts.push_back(puts_a_second(plain, 100'000, keys, run));
    own_puts.push_back(puts_a_second(encrypted, 100'000, keys, run));
    plain_gets.push_back(gets_a_second(plain, keys, run));
    own_gets.push_back(gets_a_second(encrypted, keys, run));
    openings.push_back(opening_ms(encrypted));
  }
  const std::string of = ", " + std::to_string(keys) + " keys";
  figures.ratio("encrypted put, 1,000 a commit" + of, "puts/s", own_puts, "plain:", plain_puts, 0.3);
  figures.ratio("encrypted get" + of, "gets/s", own_gets, "plain:", plain_gets, 0.3);
  figures.plain("encrypted, opening" + of, "ms", bench::median(openings), 0);
  figures.plain("encrypted, disk beside plain", "x", encrypted.megabytes() / plain.megabytes(), 2);
  return figures.finish();
}
