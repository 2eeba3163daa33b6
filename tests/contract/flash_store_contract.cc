// SPDX-License-Identifier: Apache-2.0
//
// The store contract on flash: with sectors that hold the contract's longest values, and with few small ones, so that
// the log goes round and round.

#include <atomic>

#include "tests/check.h"
#include "tests/contract/disk.h"
#include "tests/flash/flash_chip.h"

namespace grid::test {
namespace {

using crdt::Seq;
using storage::FlashOptions;
using storage::FlashStore;

// Counts how many sealed batches no flush has covered: on flash all of them are there after a cut.
class CountedStore final : public storage::Store {
 public:
  explicit CountedStore(Store& store) : store_(store) {}

  std::size_t unflushed() const { return unflushed_; }

  Result<Seq> append(const crdt::Op& op) override { return store_.append(op); }
  Status has_room(std::size_t appends, std::size_t bytes) override { return store_.has_room(appends, bytes); }
  Status restamp(Seq seq, crdt::Stamp stamp, std::uint64_t expires_ms) override {
    return store_.restamp(seq, stamp, expires_ms);
  }
  Status share(Seq seq) override { return store_.share(seq); }
  Status settle(Seq seq) override { return store_.settle(seq); }
  Seq shared() const override { return store_.shared(); }
  Seq settled() const override { return store_.settled(); }
  Status set_fact(std::string_view name, Bytes bytes) override { return store_.set_fact(name, bytes); }
  Result<Bytes> fact(std::string_view name) override { return store_.fact(name); }
  Result<Fact> next_fact(std::string_view prefix, std::string_view after) override {
    return store_.next_fact(prefix, after);
  }
  Result<crdt::Op> find(const crdt::CellName& name) override { return store_.find(name); }
  Result<crdt::Op> next_cell(const crdt::CellName& after) override { return store_.next_cell(after); }
  Result<crdt::Op> next_op(Seq after) override { return store_.next_op(after); }
  Seq head() const override { return store_.head(); }
  std::uint64_t seal() override {
    ++unflushed_;
    return store_.seal();
  }
  Status flush() override {
    unflushed_ = 0;
    return store_.flush();
  }
  void flushed() override { store_.flushed(); }
  const char* problem() const override { return store_.problem(); }

 private:
  Store& store_;
  std::atomic<std::size_t> unflushed_ = 0;
};

class FlashDisk final : public Disk {
 public:
  FlashDisk(const Sizes& sizes, std::uint32_t sectors, std::uint32_t sector_bytes) : device_(sectors, sector_bytes) {
    options_.cells_max = 1'000;
    options_.in_flight_max = 20'000;
    options_.value_bytes_max =
        static_cast<std::uint32_t>(std::min<std::size_t>(sizes.value_bytes_max, sector_bytes - 600));
    options_.batch_bytes_max = static_cast<std::uint32_t>(sizes.batch_bytes_max);
  }
  ~FlashDisk() override { assert_string_equal(device_.violation().c_str(), ""); }

  storage::Store& open() override {
    counted_.reset();
    chip_ = std::make_unique<FlashChip>(device_, options_);
    const Status status = chip_->store().mount();
    if (status != Status::ok) fail_msg("%s", chip_->store().problem());
    counted_ = std::make_unique<CountedStore>(chip_->store());
    return *counted_;
  }
  std::size_t cut(std::size_t) override { return counted_->unflushed(); }

 private:
  NorEmulator device_;
  FlashOptions options_;
  std::unique_ptr<FlashChip> chip_;
  std::unique_ptr<CountedStore> counted_;
};

std::unique_ptr<Disk> make_disk(const Disk::Sizes& sizes) { return std::make_unique<FlashDisk>(sizes, 24, 524'288); }
std::unique_ptr<Disk> make_small_disk(const Disk::Sizes& sizes) {
  return std::make_unique<FlashDisk>(sizes, 24, 16'384);
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
  return run_store_reads("flash store, reads", make_disk) + run_store_contract("flash store, contract", make_disk) +
         run_store_model("flash store, model, long sectors", make_disk, 4'000) +
         run_store_model("flash store, model", make_small_disk, 20'000);
}
