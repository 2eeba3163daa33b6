// SPDX-License-Identifier: Apache-2.0

#include "storage/flash/flash_format.h"

#include "crdt/base/check.h"
#include "crdt/hash.h"

namespace grid::storage::flash {

namespace {

constexpr char kMagic[] = "gridnor";  // With its terminator, eight bytes.
constexpr std::uint8_t kQualityMax = static_cast<std::uint8_t>(crdt::ClockQuality::ntp);

std::uint32_t load32(const std::uint8_t* from) { return static_cast<std::uint32_t>(load_le<4>(from)); }
std::uint32_t load16(const std::uint8_t* from) { return static_cast<std::uint32_t>(load_le<2>(from)); }
std::uint32_t checksum(Bytes bytes) { return static_cast<std::uint32_t>(crdt::hash64(bytes)); }

// Whether the lengths that a head names can be, and are those of a record of `units`.
bool is_sound(const Head& head) {
  if (head.map_bytes > kMapBytesMax || head.sub_bytes > kSubBytesMax || head.key_bytes > kKeyBytesMax) return false;
  if (head.value_bytes > kUnitsMax * kUnitBytes) return false;
  return (head.record_bytes() + kUnitBytes - 1) / kUnitBytes == head.units;
}

bool read_op(const std::uint8_t* from, Head& out) {
  const std::uint32_t quality = (out.flags >> Head::kQualityShift) & 3;
  out.seq = load_le<6>(from + 8);
  out.key_bytes = load16(from + 14);
  out.stamp = crdt::Stamp::read(from + 16);
  out.map_bytes = from[32];
  out.sub_bytes = from[33];
  out.value_bytes = load32(from + 36);
  return quality <= kQualityMax && out.flags < 128 && from[34] == 0 && from[35] == 0 && out.seq != 0 &&
         out.stamp.is_none() == (out.kind == Kind::erasure);
}

bool read_commit(const std::uint8_t* from, Head& out) {
  out.seq = load_le<6>(from + 8);
  out.shared = load_le<6>(from + 14);
  out.settled = load_le<6>(from + 20);
  out.number = load32(from + 26);
  return out.settled <= out.shared && out.shared <= out.seq && from[30] == 0 && from[31] == 0;
}

}  // namespace

void Label::write(std::uint8_t* to) const {
  std::memcpy(to, kMagic, sizeof(kMagic));
  store_le<4>(format, to + 8);
  store_le<4>(sector_bytes, to + 12);
  store_le<4>(sector_count, to + 16);
  store_le<4>(erase_count, to + 20);
  store_le<4>(0, to + 24);
  store_le<4>(checksum({to, 28}), to + 28);
}

bool Label::read(const std::uint8_t* from, Label& out) {
  if (std::memcmp(from, kMagic, sizeof(kMagic)) != 0 || load32(from + 28) != checksum({from, 28})) return false;
  out = {load32(from + 8), load32(from + 12), load32(from + 16), load32(from + 20)};
  return true;
}

void Opening::write(std::uint8_t* to) const {
  store_le<4>(generation, to);
  store_le<4>(previous_generation, to + 4);
  store_le<4>(previous_end, to + 8);
  store_le<4>(checksum({to, 12}), to + 12);
}

bool Opening::read(const std::uint8_t* from, Opening& out) {
  if (load32(from + 12) != checksum({from, 12})) return false;
  out = {load32(from), load32(from + 4), load32(from + 8)};
  return out.generation != 0 && out.previous_generation < out.generation;
}

std::uint32_t Head::bytes() const {
  if (has_name()) return kOpBytes;
  return kind == Kind::commit ? kCommitBytes : kFactBytes;
}

std::uint32_t Head::optional_bytes() const {
  if (!has_name()) return 0;
  return ((flags & kHasBase) != 0 ? 16u : 0u) + ((flags & kHasExpiry) != 0 ? 8u : 0u);
}

void Head::write(std::uint8_t* to) {
  units = (record_bytes() + kUnitBytes - 1) / kUnitBytes;
  GRID_CHECK(units <= kUnitsMax);
  std::memset(to, 0, bytes());
  to[4] = static_cast<std::uint8_t>(kind);
  to[5] = flags;
  store_le<2>(units, to + 6);
  if (kind == Kind::commit) {
    store_le<6>(seq, to + 8);
    store_le<6>(shared, to + 14);
    store_le<6>(settled, to + 20);
    store_le<4>(number, to + 26);
  } else if (kind == Kind::retired) {
    store_le<4>(number, to + 8);
  } else if (kind == Kind::fact) {
    store_le<4>(value_bytes, to + 8);
    store_le<2>(key_bytes, to + 14);
  } else {
    store_le<6>(seq, to + 8);
    store_le<2>(key_bytes, to + 14);
    stamp.write(to + 16);
    to[32] = static_cast<std::uint8_t>(map_bytes);
    to[33] = static_cast<std::uint8_t>(sub_bytes);
    store_le<4>(value_bytes, to + 36);
  }
}

bool Head::read(const std::uint8_t* from, Head& out) {
  if (from[4] < static_cast<std::uint8_t>(Kind::op) || from[4] > static_cast<std::uint8_t>(Kind::retired)) return false;
  out = {};
  out.kind = static_cast<Kind>(from[4]);
  out.flags = from[5];
  out.units = load16(from + 6);
  if (out.has_name()) return read_op(from, out) && is_sound(out);
  if (out.flags != 0) return false;
  if (out.kind == Kind::commit) return read_commit(from, out) && is_sound(out);
  if (out.kind == Kind::retired) {
    out.number = load32(from + 8);
    return is_sound(out);
  }
  out.value_bytes = load32(from + 8);
  out.key_bytes = load16(from + 14);
  return out.key_bytes != 0 && is_sound(out);
}

Head head_of(const crdt::Op& op) {
  Head head;
  const crdt::CellName& name = op.cell.name;
  head.kind = op.cell.stamp.is_none() ? Kind::erasure : Kind::op;
  head.seq = op.seq;
  head.stamp = op.cell.stamp;
  head.flags = static_cast<std::uint8_t>(
      (op.local ? Head::kLocal : 0) | (op.was_applied ? Head::kWasApplied : 0) |
      (op.base.is_none() ? 0 : Head::kHasBase) | (op.cell.expires_ms == 0 ? 0 : Head::kHasExpiry) |
      (op.unit.is_alone() ? 0 : Head::kHasUnit) | (static_cast<std::uint8_t>(op.quality) << Head::kQualityShift));
  head.map_bytes = static_cast<std::uint32_t>(name.map.size());
  head.key_bytes = static_cast<std::uint32_t>(name.key.size());
  head.sub_bytes = static_cast<std::uint32_t>(name.sub.size());
  head.value_bytes = static_cast<std::uint32_t>(op.cell.value.size());
  return head;
}

std::uint32_t write_optional(const crdt::Op& op, std::uint8_t* to) {
  std::uint32_t size = 0;
  if (!op.base.is_none()) {
    op.base.write(to);
    size += 16;
  }
  if (op.cell.expires_ms != 0) {
    store_le(op.cell.expires_ms, to + size);
    size += 8;
  }
  if (!op.unit.is_alone()) {
    to[size++] = op.unit.before;
    to[size++] = op.unit.left;
  }
  return size;
}

crdt::Op view_of(const Head& head, Bytes record) {
  crdt::Op op;
  op.seq = head.seq;
  op.local = head.is_local();
  op.was_applied = (head.flags & Head::kWasApplied) != 0;
  op.quality = static_cast<crdt::ClockQuality>((head.flags >> Head::kQualityShift) & 3);
  op.cell.stamp = head.stamp;
  Bytes rest = record.subspan(head.bytes());
  op.cell.name = {as_text(rest.first(head.map_bytes)), as_text(rest.subspan(head.map_bytes, head.key_bytes)),
                  as_text(rest.subspan(head.map_bytes + head.key_bytes, head.sub_bytes))};
  rest = rest.subspan(head.name_bytes());
  if ((head.flags & Head::kHasBase) != 0) {
    op.base = crdt::Stamp::read(rest.data());
    rest = rest.subspan(crdt::Stamp::kBytes);
  }
  if ((head.flags & Head::kHasExpiry) != 0) {
    op.cell.expires_ms = load_le(rest.data());
    rest = rest.subspan(8);
  }
  if ((head.flags & Head::kHasUnit) != 0) {
    op.unit = {rest[0], rest[1]};
    rest = rest.subspan(2);
  }
  op.cell.value = rest.first(head.value_bytes);
  return op;
}

std::uint32_t salt_of(Kind kind, std::uint32_t generation, Address address) {
  return static_cast<std::uint32_t>(kind) * 0x9e37'79b1u ^ generation * 0x85eb'ca6bu ^ address * 0xc2b2'ae35u;
}

}  // namespace grid::storage::flash
