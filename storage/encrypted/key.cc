// SPDX-License-Identifier: Apache-2.0

#include "storage/encrypted/key.h"

#include <mbedtls/platform_util.h>

#include <algorithm>

namespace grid::storage {

namespace {

int digit_of(std::uint8_t character) {
  if (character >= '0' && character <= '9') return character - '0';
  if (character >= 'a' && character <= 'f') return character - 'a' + 10;
  if (character >= 'A' && character <= 'F') return character - 'A' + 10;
  return -1;
}

bool read_hex(Bytes text, MutBytes to) {
  for (std::size_t i = 0; i < to.size(); ++i) {
    const int high = digit_of(text[2 * i]), low = digit_of(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    to[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return true;
}

}  // namespace

void wipe(MutBytes bytes) { mbedtls_platform_zeroize(bytes.data(), bytes.size()); }

void Key::wipe() { storage::wipe(bytes_); }

Result<Key> Key::parse(Bytes text) {
  Key key;
  if (text.size() == kBytes) {
    copy(text, key.bytes_);
  } else {
    if (!text.empty() && text.back() == '\n') text = text.first(text.size() - 1);
    if (!text.empty() && text.back() == '\r') text = text.first(text.size() - 1);
    if (text.size() != 2 * kBytes || !read_hex(text, key.bytes_)) return Status::invalid;
  }
  const auto is_first = [&key](std::uint8_t byte) { return byte == key.bytes_[0]; };
  if (std::all_of(key.bytes_.begin(), key.bytes_.end(), is_first)) return Status::invalid;
  return key;
}

}  // namespace grid::storage
