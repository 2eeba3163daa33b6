// SPDX-License-Identifier: Apache-2.0
//
// What is done to the arrays of addresses of a FlashStore.
//
// Place     Inside storage/flash.
#pragma once

#include <algorithm>

#include "crdt/base/arena.h"
#include "storage/flash/flash_format.h"

namespace grid::storage::flash {

// On an address in the order of sequences: superseded, but in flight. No partition is large enough to need the bit.
inline constexpr Address kInFlight = Address{1} << 31;

inline Status insert_at(Vec<Address>& addresses, std::size_t index, Address address) {
  GRID_TRY(addresses.push(address));
  std::copy_backward(addresses.begin() + index, addresses.end() - 1, addresses.end());
  addresses[index] = address;
  return Status::ok;
}

// Its index, in flight or not; size() when it isn't there. The newest are looked at first.
inline std::size_t slot_of(const Vec<Address>& addresses, Address address) {
  for (std::size_t i = addresses.size(); i != 0; --i) {
    if ((addresses[i - 1] & ~kInFlight) == address) return i - 1;
  }
  return addresses.size();
}

}  // namespace grid::storage::flash
