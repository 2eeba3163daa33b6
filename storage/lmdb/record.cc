// SPDX-License-Identifier: Apache-2.0

#include "storage/lmdb/record.h"

#include <algorithm>

#include "crdt/base/check.h"
#include "crdt/hash.h"

namespace grid::storage::lmdb {

namespace {

constexpr std::uint8_t kRecordVersion = 1;
constexpr std::uint8_t kLocal = 1;
constexpr std::uint8_t kWasApplied = 2;
constexpr std::uint8_t kHasBase = 4;
constexpr std::uint8_t kHasExpiry = 8;
constexpr std::uint8_t kHasUnit = 16;
constexpr std::uint8_t kFlags = kLocal | kWasApplied | kHasBase | kHasExpiry | kHasUnit;

constexpr std::uint8_t kQualityMax = static_cast<std::uint8_t>(crdt::ClockQuality::ntp);

constexpr char kMarksMagic[] = "gridlmdb";
constexpr std::size_t kMagicBytes = sizeof(kMarksMagic) - 1;

std::uint32_t checksum(std::uint64_t salt, Bytes bytes) {
  return static_cast<std::uint32_t>(crdt::hash64(bytes) ^ salt);
}

std::uint8_t flags_of(const crdt::Op& op) {
  return static_cast<std::uint8_t>((op.local ? kLocal : 0) | (op.was_applied ? kWasApplied : 0) |
                                   (op.base.is_none() ? 0 : kHasBase) | (op.cell.expires_ms == 0 ? 0 : kHasExpiry) |
                                   (op.unit.is_alone() ? 0 : kHasUnit));
}

std::size_t optional_bytes(std::uint8_t flags) {
  return ((flags & kHasBase) != 0 ? crdt::Stamp::kBytes : 0) + ((flags & kHasExpiry) != 0 ? 8 : 0) +
         ((flags & kHasUnit) != 0 ? 2 : 0);
}

}  // namespace

NameKey::NameKey(const crdt::CellName& name) {
  add(name.map, kMapBytesMax);
  bytes_[size_++] = '\0';
  add(name.key, kKeyBytesMax);
  bytes_[size_++] = '\0';
  add(name.sub, kSubBytesMax);
}

void NameKey::add(std::string_view part, std::size_t bytes_max) {
  const std::size_t size = std::min(part.size(), bytes_max + 1);
  if (size != 0) std::memcpy(bytes_.data() + size_, part.data(), size);
  size_ += size;
}

std::size_t record_size(const crdt::Op& op) {
  const crdt::CellName& name = op.cell.name;
  return kRecordHeadBytes + optional_bytes(flags_of(op)) + name.map.size() + name.key.size() + name.sub.size() +
         op.cell.value.size();
}

void write_record(Seq seq, const crdt::Op& op, MutBytes to) {
  const crdt::CellName& name = op.cell.name;
  GRID_CHECK(name.map.size() <= kMapBytesMax && name.key.size() <= kKeyBytesMax && name.sub.size() <= kSubBytesMax);
  std::uint8_t* const head = to.data();
  const std::uint8_t flags = flags_of(op);
  head[4] = kRecordVersion;
  head[5] = flags;
  head[6] = static_cast<std::uint8_t>(op.quality);
  head[7] = static_cast<std::uint8_t>(name.map.size());
  store_le<2>(name.key.size(), head + 8);
  head[10] = static_cast<std::uint8_t>(name.sub.size());
  head[11] = 0;
  op.cell.stamp.write(head + 12);
  MutBytes rest = to.subspan(kRecordHeadBytes);
  if ((flags & kHasBase) != 0) {
    op.base.write(rest.data());
    rest = rest.subspan(crdt::Stamp::kBytes);
  }
  if ((flags & kHasExpiry) != 0) {
    store_le(op.cell.expires_ms, rest.data());
    rest = rest.subspan(8);
  }
  if ((flags & kHasUnit) != 0) {
    rest[0] = op.unit.before;
    rest[1] = op.unit.left;
    rest = rest.subspan(2);
  }
  rest = copy(as_bytes(name.map), rest);
  rest = copy(as_bytes(name.key), rest);
  rest = copy(as_bytes(name.sub), rest);
  rest = copy(op.cell.value, rest);
  GRID_CHECK(rest.empty());
  store_le<4>(checksum(seq, to.subspan(4)), head);
}

bool read_record(Seq seq, Bytes record, crdt::Op& out) {
  if (record.size() < kRecordHeadBytes || record.size() > kRecordBytesMax) return false;
  const std::uint8_t* const head = record.data();
  if (load_le<4>(head) != checksum(seq, record.subspan(4))) return false;
  const std::uint8_t flags = head[5];
  const std::size_t map = head[7], key = load_le<2>(head + 8), sub = head[10];
  if (head[4] != kRecordVersion || (flags & ~kFlags) != 0 || head[6] > kQualityMax || head[11] != 0) return false;
  if (map > kMapBytesMax || key > kKeyBytesMax || sub > kSubBytesMax) return false;
  if (record.size() < kRecordHeadBytes + optional_bytes(flags) + map + key + sub) return false;

  out = {};
  out.seq = seq;
  out.local = (flags & kLocal) != 0;
  out.was_applied = (flags & kWasApplied) != 0;
  out.quality = static_cast<crdt::ClockQuality>(head[6]);
  out.cell.stamp = crdt::Stamp::read(head + 12);
  Bytes rest = record.subspan(kRecordHeadBytes);
  if ((flags & kHasBase) != 0) {
    out.base = crdt::Stamp::read(rest.data());
    rest = rest.subspan(crdt::Stamp::kBytes);
  }
  if ((flags & kHasExpiry) != 0) {
    out.cell.expires_ms = load_le(rest.data());
    rest = rest.subspan(8);
  }
  if ((flags & kHasUnit) != 0) {
    out.unit = {rest[0], rest[1]};
    rest = rest.subspan(2);
  }
  out.cell.name = {as_text(rest.first(map)), as_text(rest.subspan(map, key)), as_text(rest.subspan(map + key, sub))};
  out.cell.value = rest.subspan(map + key + sub);
  // What a flag announces is there: one op has one record.
  return flags == flags_of(out);
}

void Marks::write(std::uint8_t* to) const {
  std::memcpy(to, kMarksMagic, kMagicBytes);
  store_le<4>(kFormat, to + 8);
  store_le(head, to + 16);
  store_le(shared, to + 24);
  store_le(settled, to + 32);
  store_le(folded, to + 40);
  store_le<4>(checksum(kFormat, {to + 16, kBytes - 16}), to + 12);
}

Status Marks::read(Bytes from, Marks& out, std::uint32_t& format) {
  if (from.size() < 16 || std::memcmp(from.data(), kMarksMagic, kMagicBytes) != 0) return Status::corrupt;
  format = static_cast<std::uint32_t>(load_le<4>(from.data() + 8));
  if (format > kFormat) return Status::newer;
  if (format != kFormat || from.size() != kBytes) return Status::corrupt;
  if (load_le<4>(from.data() + 12) != checksum(kFormat, from.subspan(16))) return Status::corrupt;
  out = {load_le(from.data() + 16), load_le(from.data() + 24), load_le(from.data() + 32), load_le(from.data() + 40)};
  return Status::ok;
}

}  // namespace grid::storage::lmdb
