// SPDX-License-Identifier: Apache-2.0
//
// The store contract on LMDB: as it comes, and with tables so small that folding never stops.

#include "storage/lmdb/lmdb_store.h"
#include "tests/check.h"
#include "tests/contract/disk.h"
#include "tests/contract/temporary_directory.h"

namespace grid::test {
namespace {

using storage::LmdbOptions;
using storage::LmdbStore;

class LmdbDisk final : public Disk {
 public:
  LmdbDisk(const Sizes& sizes, std::size_t table_entries_max) {
    options_.path = directory_.path();
    options_.map_bytes = 262'144;  // So that it has to grow on the way.
    options_.table_entries_max = table_entries_max;
    options_.batch_bytes_max = sizes.batch_bytes_max;
    options_.value_bytes_max = sizes.value_bytes_max;
    options_.sync = false;
  }

  storage::Store& open() override {
    store_.reset();
    Status status = Status::ok;
    std::string problem;
    store_ = LmdbStore::open(options_, status, problem);
    assert_string_equal(problem.c_str(), "");
    return *store_;
  }

 private:
  TemporaryDirectory directory_;
  LmdbOptions options_;
  std::unique_ptr<LmdbStore> store_;
};

std::unique_ptr<Disk> make_disk(const Disk::Sizes& sizes) { return std::make_unique<LmdbDisk>(sizes, 65'536); }
std::unique_ptr<Disk> make_folding_disk(const Disk::Sizes& sizes) { return std::make_unique<LmdbDisk>(sizes, 1); }
std::unique_ptr<Disk> make_small_disk(const Disk::Sizes& sizes) { return std::make_unique<LmdbDisk>(sizes, 50); }

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
  return run_store_reads("LMDB store, reads", make_disk) +
         run_store_reads("LMDB store, reads, folding all the time", make_folding_disk) +
         run_store_contract("LMDB store, contract", make_disk) +
         run_store_contract("LMDB store, contract, folding all the time", make_folding_disk) +
         run_store_model("LMDB store, model", make_disk, 10'000) +
         run_store_model("LMDB store, model, folding all the time", make_folding_disk, 10'000) +
         run_store_model("LMDB store, model, small table", make_small_disk, 20'000);
}
