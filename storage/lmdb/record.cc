// SPDX-License-Identifier: Apache-2.0

#include "storage/lmdb/record.h"

#include <algorithm>

#include "crdt/hash.h"

namespace grid::storage::lmdb {

namespace {

constexpr std::uint8_t kRecordVersion = 1;

constexpr char kMarksMagic[] = "gridlmdb";
constexpr std::size_t kMagicBytes = sizeof(kMarksMagic) - 1;

std::uint32_t checksum(std::uint64_t salt, Bytes bytes) {
  return static_cast<std::uint32_t>(crdt::hash64(bytes) ^ salt);
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

std::size_t record_size(const crdt::Op& op) { return kSealBytes + op_bytes_size(op); }

void write_record(Seq seq, const crdt::Op& op, MutBytes to) {
  to[4] = kRecordVersion;
  write_op_bytes(op, to.subspan(kSealBytes));
  store_le<4>(checksum(seq, to.subspan(4)), to.data());
}

bool read_record(Seq seq, Bytes record, crdt::Op& out) {
  if (record.size() < kSealBytes || record.size() > kRecordBytesMax) return false;
  if (load_le<4>(record.data()) != checksum(seq, record.subspan(4)) || record[4] != kRecordVersion) return false;
  if (!read_op_bytes(record.subspan(kSealBytes), out)) return false;
  out.seq = seq;
  return true;
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
