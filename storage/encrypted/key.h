// SPDX-License-Identifier: Apache-2.0
//
// Key: 256 secret bits, which don't outlive their owner.
//
// Place     Lowest of storage/encrypted. Knows no file: key_file.h reads one.
#pragma once

#include <array>

#include "crdt/base/bytes.h"
#include "crdt/base/status.h"

namespace grid::storage {

class Key {
 public:
  static constexpr std::size_t kBytes = 32;

  Key() = default;
  Key(const Key&) = default;
  Key& operator=(const Key&) = default;
  ~Key() { wipe(); }

  // From 32 bytes as they are, or from 64 hexadecimal digits with or without the end of a line behind them.
  //   invalid  `text` is neither, or all its bytes are one: a file that was made and never filled.
  static Result<Key> parse(Bytes text);

  Bytes bytes() const { return bytes_; }
  MutBytes room() { return bytes_; }
  void wipe();

 private:
  std::array<std::uint8_t, kBytes> bytes_{};
};

// Overwrites what was secret, in a way that no compiler leaves out.
void wipe(MutBytes bytes);

}  // namespace grid::storage
