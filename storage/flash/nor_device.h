// SPDX-License-Identifier: Apache-2.0
//
// NorDevice: the contract of a raw NOR flash partition, as a chip's driver or a file on Linux lends it.
//
// Place     Below flash_store.h. Knows bytes and sectors, not what they mean.
// Promises  A byte reads as it was last programmed, and as 0xff after an erase. A call that was cut by the power may
//           have done any part of its work. A call that fails may have, too.
// Threads   As the store that it is lent to.
#pragma once

#include "crdt/base/bytes.h"
#include "crdt/base/status.h"

namespace grid::storage {

class NorDevice {
 public:
  static constexpr std::uint32_t kUnitBytes = 16;   // Programs begin at a multiple of it, and are whole multiples.
  static constexpr std::uint32_t kPageBytes = 256;  // No program crosses a multiple of it.

  virtual std::uint32_t sector_bytes() const = 0;  // A multiple of the page; what is erased as one.
  virtual std::uint32_t sector_count() const = 0;

  //   io  The device failed. `to` holds anything.
  virtual Status read(std::uint32_t offset, MutBytes to) = 0;
  // Only onto bytes that have not been programmed since their sector was erased.
  //   io  The device failed. The bytes hold anything.
  virtual Status program(std::uint32_t offset, Bytes from) = 0;
  //   io  The device failed. The sector holds anything.
  virtual Status erase(std::uint32_t sector) = 0;

 protected:
  ~NorDevice() = default;  // Owned by whoever built it, never through this type.
};

}  // namespace grid::storage
