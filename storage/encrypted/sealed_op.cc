// SPDX-License-Identifier: Apache-2.0

#include "storage/encrypted/sealed_op.h"

#include "crdt/base/check.h"

namespace grid::storage {

namespace {

constexpr std::size_t kHeadBytes = 6 + crdt::Stamp::kBytes;
constexpr std::uint8_t kWasApplied = 1;
constexpr std::uint8_t kHasBase = 2;
constexpr std::uint8_t kHasExpiry = 4;
constexpr std::uint8_t kHasUnit = 8;
constexpr std::uint8_t kFlags = kWasApplied | kHasBase | kHasExpiry | kHasUnit;
constexpr std::uint8_t kQualityMax = static_cast<std::uint8_t>(crdt::ClockQuality::ntp);

std::uint8_t flags_of(const crdt::Op& op) {
  return static_cast<std::uint8_t>((op.was_applied ? kWasApplied : 0) | (op.base.is_none() ? 0 : kHasBase) |
                                   (op.cell.expires_ms == 0 ? 0 : kHasExpiry) | (op.unit.is_alone() ? 0 : kHasUnit));
}

std::size_t optional_bytes(std::uint8_t flags) {
  return ((flags & kHasBase) != 0 ? crdt::Stamp::kBytes : 0) + ((flags & kHasExpiry) != 0 ? 8 : 0) +
         ((flags & kHasUnit) != 0 ? 2 : 0);
}

Bytes take(Bytes& from, std::size_t size) {
  const Bytes taken = from.first(size);
  from = from.subspan(size);
  return taken;
}

}  // namespace

std::size_t sealed_op_size(const crdt::Op& op) {
  const crdt::CellName& name = op.cell.name;
  return kHeadBytes + optional_bytes(flags_of(op)) + name.map.size() + name.key.size() + name.sub.size() +
         op.cell.value.size();
}

void write_sealed_op(const crdt::Op& op, MutBytes to) {
  const crdt::CellName& name = op.cell.name;
  GRID_CHECK(name.map.size() <= kMapBytesMax && name.key.size() <= kKeyBytesMax && name.sub.size() <= kSubBytesMax);
  const std::uint8_t flags = flags_of(op);
  to[0] = flags;
  to[1] = static_cast<std::uint8_t>(op.quality);
  to[2] = static_cast<std::uint8_t>(name.map.size());
  to[3] = static_cast<std::uint8_t>(name.sub.size());
  store_le<2>(name.key.size(), to.data() + 4);
  op.cell.stamp.write(to.data() + 6);
  to = to.subspan(kHeadBytes);
  if ((flags & kHasBase) != 0) {
    op.base.write(to.data());
    to = to.subspan(crdt::Stamp::kBytes);
  }
  if ((flags & kHasExpiry) != 0) {
    store_le(op.cell.expires_ms, to.data());
    to = to.subspan(8);
  }
  if ((flags & kHasUnit) != 0) {
    to[0] = op.unit.before;
    to[1] = op.unit.left;
    to = to.subspan(2);
  }
  to = copy(as_bytes(name.map), to);
  to = copy(as_bytes(name.key), to);
  to = copy(as_bytes(name.sub), to);
  to = copy(op.cell.value, to);
  GRID_CHECK(to.empty());
}

bool read_sealed_op(Bytes from, crdt::Op& out) {
  if (from.size() < kHeadBytes) return false;
  const Bytes head = take(from, kHeadBytes);
  const std::uint8_t flags = head[0];
  const std::size_t map = head[2], sub = head[3], key = load_le<2>(head.data() + 4);
  if ((flags & ~kFlags) != 0 || head[1] > kQualityMax) return false;
  if (map > kMapBytesMax || key > kKeyBytesMax || sub > kSubBytesMax) return false;
  if (from.size() < optional_bytes(flags) + map + key + sub) return false;
  out = {};
  out.was_applied = (flags & kWasApplied) != 0;
  out.quality = static_cast<crdt::ClockQuality>(head[1]);
  out.cell.stamp = crdt::Stamp::read(head.data() + 6);
  if ((flags & kHasBase) != 0) out.base = crdt::Stamp::read(take(from, crdt::Stamp::kBytes).data());
  if ((flags & kHasExpiry) != 0) out.cell.expires_ms = load_le(take(from, 8).data());
  if ((flags & kHasUnit) != 0) {
    const Bytes unit = take(from, 2);
    out.unit = {unit[0], unit[1]};
  }
  out.cell.name.map = as_text(take(from, map));
  out.cell.name.key = as_text(take(from, key));
  out.cell.name.sub = as_text(take(from, sub));
  out.cell.value = from;
  return flags == flags_of(out) && !out.cell.stamp.is_none();
}

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
