// SPDX-License-Identifier: Apache-2.0
//
// The hash that chips are built with: it is xxHash's, however the bytes come in.

#include "crdt/hash.h"
#include "tests/check.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <array>

using namespace grid;

namespace {

constexpr std::size_t kBytes = 200;  // Six stripes, and every rest.

std::array<std::uint8_t, kBytes> some_bytes() {
  std::array<std::uint8_t, kBytes> bytes;
  std::uint32_t number = 1;
  for (std::uint8_t& byte : bytes)
    byte = static_cast<std::uint8_t>((number = number * 1'664'525 + 1'013'904'223) >> 24);
  return bytes;
}

}  // namespace

static void the_small_hash_is_xxhash_at_every_length(void**) {
  const auto bytes = some_bytes();
  for (std::size_t size = 0; size <= kBytes; ++size) {
    assert_int_equal(crdt::hash64(Bytes(bytes).first(size)), XXH64(bytes.data(), size, 0));
  }
}

static void the_small_hash_does_not_depend_on_how_bytes_are_handed_in(void**) {
  const auto bytes = some_bytes();
  const std::uint64_t expected = XXH64(bytes.data(), bytes.size(), 0);
  for (std::size_t piece = 1; piece <= kBytes; ++piece) {
    crdt::Hash64 hash;
    for (std::size_t at = 0; at < kBytes; at += piece) {
      hash.add(Bytes(bytes).subspan(at, piece < kBytes - at ? piece : kBytes - at));
    }
    assert_int_equal(hash.value(), expected);
    assert_int_equal(hash.value(), expected);  // Asking changes nothing.
  }
}

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(the_small_hash_is_xxhash_at_every_length),
      cmocka_unit_test(the_small_hash_does_not_depend_on_how_bytes_are_handed_in),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
