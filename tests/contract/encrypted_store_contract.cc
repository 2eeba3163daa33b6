// SPDX-License-Identifier: Apache-2.0
//
// The store contract through the encrypting decorator, over memory and over LMDB.

#include <atomic>

#include "storage/encrypted/encrypted_store.h"
#include "storage/lmdb/lmdb_store.h"
#include "storage/memory/memory_store.h"
#include "tests/check.h"
#include "tests/contract/disk.h"
#include "tests/contract/temporary_directory.h"

namespace grid::test {
namespace {

using storage::EncryptedOptions;
using storage::EncryptedStore;
using storage::Key;
using storage::LmdbOptions;
using storage::LmdbStore;
using storage::MemoryStore;

// Unlike in each call, which is all that is asked here.
void count(MutBytes out) {
  static std::atomic<std::uint64_t> calls = 0;
  std::uint8_t number[8];
  store_be(++calls, number);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = number[7 - i % 8];
}

std::unique_ptr<EncryptedStore> wrap(storage::RewritableStore& below, std::size_t value_bytes_max) {
  Status status = Status::ok;
  std::string problem;
  const EncryptedOptions options{.key = *Key::parse(as_bytes("thirty-two bytes that are a key.")),
                                 .entropy = count,
                                 .value_bytes_max = value_bytes_max};
  auto store = EncryptedStore::open(below, options, status, problem);
  assert_string_equal(problem.c_str(), "");
  return store;
}

class EncryptedMemoryDisk final : public Disk {
 public:
  explicit EncryptedMemoryDisk(const Sizes& sizes)
      : value_bytes_max_(sizes.value_bytes_max),
        below_({sizes.value_bytes_max + storage::kDecorationBytesMax, sizes.batch_bytes_max}) {}

  storage::Store& open() override {
    store_.reset();
    below_.crash();
    store_ = wrap(below_, value_bytes_max_);
    return *store_;
  }
  std::size_t cut(std::size_t sealed_kept) override {
    below_.crash(sealed_kept);
    return sealed_kept;
  }
  bool fill_up() override {
    below_.fail_next_flush(Status::full);
    return true;
  }

 private:
  std::size_t value_bytes_max_;
  MemoryStore below_;
  std::unique_ptr<EncryptedStore> store_;
};

class EncryptedLmdbDisk final : public Disk {
 public:
  EncryptedLmdbDisk(const Sizes& sizes, std::size_t table_entries_max) : value_bytes_max_(sizes.value_bytes_max) {
    options_.path = directory_.path();
    options_.map_bytes = 262'144;
    options_.table_entries_max = table_entries_max;
    options_.batch_bytes_max = sizes.batch_bytes_max + 2 * storage::kDecorationBytesMax;
    options_.value_bytes_max = sizes.value_bytes_max + storage::kDecorationBytesMax;
    options_.sync = false;
  }

  storage::Store& open() override {
    store_.reset();
    below_.reset();
    Status status = Status::ok;
    std::string problem;
    below_ = LmdbStore::open(options_, status, problem);
    assert_string_equal(problem.c_str(), "");
    store_ = wrap(*below_, value_bytes_max_);
    return *store_;
  }

 private:
  TemporaryDirectory directory_;
  std::size_t value_bytes_max_;
  LmdbOptions options_;
  std::unique_ptr<LmdbStore> below_;
  std::unique_ptr<EncryptedStore> store_;
};

std::unique_ptr<Disk> over_memory(const Disk::Sizes& sizes) { return std::make_unique<EncryptedMemoryDisk>(sizes); }
std::unique_ptr<Disk> over_lmdb(const Disk::Sizes& sizes) { return std::make_unique<EncryptedLmdbDisk>(sizes, 65'536); }
std::unique_ptr<Disk> folding(const Disk::Sizes& sizes) { return std::make_unique<EncryptedLmdbDisk>(sizes, 1); }

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
  return run_store_reads("encrypted memory store, reads", over_memory) +
         run_store_contract("encrypted memory store, contract", over_memory) +
         run_store_model("encrypted memory store, model", over_memory, 5'000) +
         run_store_reads("encrypted LMDB store, reads", over_lmdb) +
         run_store_contract("encrypted LMDB store, contract", over_lmdb) +
         run_store_contract("encrypted LMDB store, contract, folding all the time", folding) +
         run_store_model("encrypted LMDB store, model", over_lmdb, 5'000) +
         run_store_model("encrypted LMDB store, model, folding all the time", folding, 5'000);
}
