// SPDX-License-Identifier: Apache-2.0
//
// Script: a fuzz input as a sequence of draws. Near inputs are near scripts, so that a fuzzer that keeps what reached
// something new climbs from there.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>

#include "crdt/base/bytes.h"

namespace grid::test {

// Draws from the bytes; zeros once they have come to their end.
class Script {
 public:
  explicit Script(Bytes bytes) : rest_(bytes) {}

  bool done() const { return rest_.empty(); }
  std::uint64_t number(std::size_t bytes) {
    std::uint64_t drawn = 0;
    for (const std::uint8_t byte : take(bytes)) drawn = drawn << 8 | byte;
    return drawn;
  }
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(number(bound > 256 ? 2 : 1)) % bound; }
  bool flip() { return (number(1) & 1) != 0; }
  Bytes take(std::size_t size) {
    const Bytes taken = rest_.first(std::min(size, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }
  // Text of which a name may consist.
  std::string name(std::size_t size) {
    std::string text = "n";
    for (const std::uint8_t byte : take(size)) text += static_cast<char>('a' + byte % 26);
    return text;
  }

 private:
  Bytes rest_;
};

}  // namespace grid::test
