// SPDX-License-Identifier: Apache-2.0
//
// Disk: a medium that a store of any technology can be opened on, again and again; what the contract tests run on.
#pragma once

#include <memory>

#include "storage/store.h"

namespace grid::test {

class Disk {
 public:
  struct Sizes {
    std::size_t batch_bytes_max = 8 * 1'048'576;
    std::size_t value_bytes_max = kValueBytesMax;
  };

  virtual ~Disk() = default;
  // Opens the store that is on this disk, or a new one. One that is open before is dropped as a crash drops it, so
  // that it keeps what was flushed.
  virtual storage::Store& open() = 0;

  // What only some media can be made to do. Cuts the power when the oldest `sealed_kept` of the batches that were
  // sealed and not flushed have reached the medium; returns how many of them had. open() comes next.
  virtual std::size_t cut(std::size_t sealed_kept) {
    static_cast<void>(sealed_kept);
    return 0;
  }
  // Lets the next flush() find no room. False: not on this medium.
  virtual bool fill_up() { return false; }
};

using MakeDisk = std::unique_ptr<Disk> (*)(const Disk::Sizes& sizes);

// Each runs the suite of the file of its name; returns how many of its tests failed.
int run_store_reads(const char* name, MakeDisk make_disk);
int run_store_contract(const char* name, MakeDisk make_disk);
int run_store_model(const char* name, MakeDisk make_disk, int steps);

}  // namespace grid::test
