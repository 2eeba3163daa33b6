// SPDX-License-Identifier: Apache-2.0

#include "storage/op_bytes.h"

#include "crdt/base/check.h"

namespace grid::storage {

namespace {

constexpr std::uint8_t kLocal = 1;
constexpr std::uint8_t kWasApplied = 2;
constexpr std::uint8_t kHasBase = 4;
constexpr std::uint8_t kHasExpiry = 8;
constexpr std::uint8_t kHasUnit = 16;
constexpr std::uint8_t kFlags = kLocal | kWasApplied | kHasBase | kHasExpiry | kHasUnit;
constexpr std::uint8_t kQualityMax = static_cast<std::uint8_t>(crdt::ClockQuality::ntp);

std::uint8_t flags_of(const crdt::Op& op) {
  return static_cast<std::uint8_t>((op.local ? kLocal : 0) | (op.was_applied ? kWasApplied : 0) |
                                   (op.base.is_none() ? 0 : kHasBase) | (op.cell.expires_ms == 0 ? 0 : kHasExpiry) |
                                   (op.unit.is_alone() ? 0 : kHasUnit));
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

std::size_t op_bytes_size(const crdt::Op& op) {
  const crdt::CellName& name = op.cell.name;
  return kOpHeadBytes + optional_bytes(flags_of(op)) + name.map.size() + name.key.size() + name.sub.size() +
         op.cell.value.size();
}

void write_op_bytes(const crdt::Op& op, MutBytes to) {
  const crdt::CellName& name = op.cell.name;
  GRID_CHECK(name.map.size() <= kMapBytesMax && name.key.size() <= kKeyBytesMax && name.sub.size() <= kSubBytesMax);
  const std::uint8_t flags = flags_of(op);
  to[0] = flags;
  to[1] = static_cast<std::uint8_t>(op.quality);
  to[2] = static_cast<std::uint8_t>(name.map.size());
  store_le<2>(name.key.size(), to.data() + 3);
  to[5] = static_cast<std::uint8_t>(name.sub.size());
  to[6] = 0;
  op.cell.stamp.write(to.data() + 7);
  to = to.subspan(kOpHeadBytes);
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

bool read_op_bytes(Bytes from, crdt::Op& out) {
  if (from.size() < kOpHeadBytes) return false;
  const Bytes head = take(from, kOpHeadBytes);
  const std::uint8_t flags = head[0];
  const std::size_t map = head[2], key = load_le<2>(head.data() + 3), sub = head[5];
  if ((flags & ~kFlags) != 0 || head[1] > kQualityMax || head[6] != 0) return false;
  if (map > kMapBytesMax || key > kKeyBytesMax || sub > kSubBytesMax) return false;
  if (from.size() < optional_bytes(flags) + map + key + sub) return false;
  out = {};
  out.local = (flags & kLocal) != 0;
  out.was_applied = (flags & kWasApplied) != 0;
  out.quality = static_cast<crdt::ClockQuality>(head[1]);
  out.cell.stamp = crdt::Stamp::read(head.data() + 7);
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
  // What a flag announces is there: one op has one form.
  return flags == flags_of(out);
}

}  // namespace grid::storage
