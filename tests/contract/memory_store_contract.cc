// SPDX-License-Identifier: Apache-2.0
//
// The store contract on memory, and what only the memory store can do: crash at will.

#include "storage/memory/memory_store.h"
#include "tests/check.h"
#include "tests/contract/disk.h"

namespace grid::test {
namespace {

using storage::MemoryStore;

class MemoryDisk final : public Disk {
 public:
  explicit MemoryDisk(const Sizes& sizes) : store_({sizes.value_bytes_max, sizes.batch_bytes_max}) {}

  storage::Store& open() override {
    store_.crash();
    return store_;
  }
  std::size_t cut(std::size_t sealed_kept) override {
    store_.crash(sealed_kept);
    return sealed_kept;
  }
  bool fill_up() override {
    store_.fail_next_flush(Status::full);
    return true;
  }

 private:
  MemoryStore store_;
};

std::unique_ptr<Disk> make_disk(const Disk::Sizes& sizes) { return std::make_unique<MemoryDisk>(sizes); }

void put(MemoryStore& store, std::string_view key) {
  crdt::Op op;
  op.cell = {{"map", key}, crdt::Stamp::of(1, 0, 1), 0, as_bytes("value")};
  assert_ok(store.append(op).status());
  store.seal();
}

// STO-1
void a_crash_keeps_a_prefix_of_the_sealed_batches(void**) {
  for (std::size_t kept = 0; kept <= 3; ++kept) {
    MemoryStore store;
    put(store, "durable");
    assert_ok(store.flush());
    put(store, "a");
    put(store, "b");
    store.crash(kept);
    assert_int_equal(store.head(), 1 + (kept < 2 ? kept : 2));
  }
}

void a_flush_can_be_made_to_fail_once(void**) {
  MemoryStore store;
  put(store, "a");
  store.fail_next_flush(Status::full);
  assert_status(store.flush(), Status::full);
  assert_ok(store.flush());
  store.crash();
  assert_int_equal(store.head(), 1);
}

void a_copy_is_an_image_that_goes_on_by_itself(void**) {
  MemoryStore store;
  put(store, "a");
  MemoryStore image = store;
  put(store, "b");
  assert_ok(store.flush());
  image.crash();
  assert_int_equal(image.head(), 0);
  assert_int_equal(store.head(), 2);
}

}  // namespace
}  // namespace grid::test

int main() {
  using namespace grid::test;
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_crash_keeps_a_prefix_of_the_sealed_batches),
      cmocka_unit_test(a_flush_can_be_made_to_fail_once),
      cmocka_unit_test(a_copy_is_an_image_that_goes_on_by_itself),
  };
  return run_store_reads("memory store, reads", make_disk) + run_store_contract("memory store, contract", make_disk) +
         run_store_model("memory store, model", make_disk, 20'000) +
         cmocka_run_group_tests_name("memory store", tests, nullptr, nullptr);
}
