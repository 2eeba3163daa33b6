// SPDX-License-Identifier: Apache-2.0

#include "storage/encrypted/sealed_fact.h"

#include "crdt/base/check.h"

namespace grid::storage {

std::size_t sealed_fact_size(const Store::Fact& fact) { return 1 + fact.name.size() + fact.bytes.size(); }

void write_sealed_fact(const Store::Fact& fact, MutBytes to) {
  GRID_CHECK(fact.name.size() <= Store::kFactNameBytesMax);
  to[0] = static_cast<std::uint8_t>(fact.name.size());
  to = copy(as_bytes(fact.name), to.subspan(1));
  to = copy(fact.bytes, to);
  GRID_CHECK(to.empty());
}

bool read_sealed_fact(Bytes from, Store::Fact& out) {
  if (from.empty() || from[0] == 0 || from[0] > Store::kFactNameBytesMax || from.size() < 1U + from[0]) return false;
  const Bytes name = from.subspan(1, from[0]);
  out = {as_text(name), from.subspan(1 + name.size())};
  return !out.bytes.empty() && out.bytes.size() <= Store::kFactBytesMax;
}

}  // namespace grid::storage
