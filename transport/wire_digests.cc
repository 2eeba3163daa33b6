// SPDX-License-Identifier: Apache-2.0
//
// Digest frames: packed groups, so that a comparison of millions of cells stays within its budget of bytes.
#include "crdt/base/check.h"
#include "transport/walk.h"
#include "transport/wire.h"
#include "transport/wire_rules.h"

namespace grid::wire {

namespace {

using crdt::Digest;
using crdt::Range;

// Field numbers of grid.Digests.
namespace field {
enum : std::uint32_t { id = 1, map = 2, groups = 3, last = 4 };
}

constexpr std::size_t kLastBytes = 2;

void put_range(Out& out, const Range& range) {
  out.put_varint(range.partition);
  out.put_varint(range.bits);
  out.put_varint(range.prefix);
}

bool take_number(Bytes& rest, std::uint64_t most, std::uint64_t& out) { return take_varint(rest, out) && out <= most; }

bool take_range(Bytes& rest, Range& out) {
  std::uint64_t partition = 0;
  std::uint64_t bits = 0;
  std::uint64_t prefix = 0;
  if (!take_number(rest, crdt::kPartitions, partition) || !take_number(rest, Range::kBitsMax, bits) ||
      !take_varint(rest, prefix)) {
    return false;
  }
  out = {static_cast<std::uint16_t>(partition), static_cast<std::uint8_t>(bits), prefix};
  return out.is_valid() || out == kWholeMap;
}

bool is_valid(const Split& split) {
  if (split.range == kWholeMap) return split.more == 0;
  return split.range.is_valid() && split.more <= kSplitBitsMax && split.range.bits + split.more <= Range::kBitsMax;
}

bool take_split(Bytes& rest, Split& out) {
  std::uint64_t more = 0;
  if (!take_range(rest, out.range) || !take_number(rest, kSplitBitsMax, more)) return false;
  out.more = static_cast<std::uint8_t>(more);
  return is_valid(out);
}

void put_split(Out& out, const Split& split) {
  GRID_CHECK(is_valid(split));
  put_range(out, split.range);
  out.put_varint(split.more);
}

bool take_fixed64(Bytes& rest, std::uint64_t& out) {
  if (rest.size() < 8) return false;
  out = load_le(rest.data());
  rest = rest.subspan(8);
  return true;
}

void put_children(Out& out, std::span<const Digest> children) {
  std::size_t n = 0;
  for (const Digest& child : children) n += !child.empty();
  out.put_varint(n);
  std::size_t behind = 0;  // Behind the last child that was put.
  for (std::size_t i = 0; i < children.size(); ++i) {
    if (children[i].empty()) continue;
    out.put_varint(i - behind);
    out.put_fixed64(children[i].sum);
    out.put_varint(children[i].count);
    behind = i + 1;
  }
}

// Where the next group goes: `last` finds its place behind it whatever comes.
Out group_out(MutBytes room, std::size_t size) { return Out(room.first(room.size() - kLastBytes), size); }

bool has_digests(Kind kind) {
  return kind == Kind::digest_ask || kind == Kind::digest_reply || kind == Kind::have || kind == Kind::lacks;
}

}  // namespace

DigestsWriter::DigestsWriter(Kind kind, std::uint32_t id, std::string_view map, MutBytes room) : room_(room) {
  GRID_CHECK(has_digests(kind) && room.size() >= kControlBytesMax && map.size() <= kMapBytesMax);
  Out out(room_);
  out.put_byte(static_cast<std::uint8_t>(kind));
  out.number_field(field::id, id);
  out.text_field(field::map, map);
  // The groups' length is known at the end; its place is kept, as wide as it can get.
  size_ = groups_at_ = out.size() + 1 + varint_bytes(room.size());
}

bool DigestsWriter::settle(const Out& out) {
  if (!out.ok()) return false;
  size_ = out.size();
  ++count_;
  return true;
}

bool DigestsWriter::add_ask(const Split& split) {
  Out out = group_out(room_, size_);
  put_split(out, split);
  return settle(out);
}

bool DigestsWriter::add_reply(const Split& split, std::span<const Digest> children) {
  GRID_CHECK(is_valid(split) && children.size() == children_of(split));
  Out out = group_out(room_, size_);
  put_split(out, split);
  put_children(out, children);
  return settle(out);
}

bool DigestsWriter::add_digests(const Range& range, std::span<const std::uint64_t> digests) {
  GRID_CHECK(range.is_valid() || range == kWholeMap);
  Out out = group_out(room_, size_);
  put_range(out, range);
  out.put_varint(digests.size());
  for (const std::uint64_t digest : digests) out.put_fixed64(digest);
  return settle(out);
}

Bytes DigestsWriter::finish(bool last) {
  // Behind a shorter length than was kept room for, the groups move forward.
  Out out(room_, groups_at_ - 1 - varint_bytes(room_.size()));
  out.bytes_field(field::groups, room_.subspan(groups_at_, size_ - groups_at_));
  out.number_field(field::last, last);
  return room_.first(out.size());
}

Status DigestsReader::open(Bytes frame) {
  *this = {};
  const Result<Kind> kind = kind_of(frame);
  if (!kind.ok() || !has_digests(*kind)) return Status::corrupt;
  FieldWalk walk(frame.subspan(1));
  while (walk.next()) {
    if (walk.number() == field::id) id_ = static_cast<std::uint32_t>(walk.as_number_up_to(kIdMax));
    if (walk.number() == field::map) map_ = as_text(walk.as_bytes());
    if (walk.number() == field::groups) groups_ = walk.as_bytes();
    if (walk.number() == field::last) last_ = walk.as_bool();
  }
  GRID_TRY(walk.status());
  // Without a map there is nothing to compare: the answer of a server that has none.
  if (map_.empty()) return groups_.empty() ? Status::ok : Status::corrupt;
  return as_frame_status(crdt::check_map_name(map_));
}

bool DigestsReader::more() const { return status_ == Status::ok && !groups_.empty(); }

bool DigestsReader::settle(bool taken) {
  if (!taken) status_ = Status::corrupt;
  return taken;
}

bool DigestsReader::next_ask(Split& out) { return more() && settle(take_split(groups_, out)); }

bool DigestsReader::next_split(Split& out) {
  std::uint64_t n = 0;
  child_ = 0;
  if (!more() || !settle(take_split(groups_, out))) return false;
  children_ = children_of(out);
  if (!settle(take_number(groups_, children_, n))) return false;
  children_left_ = static_cast<std::size_t>(n);
  return true;
}

bool DigestsReader::next_child(std::size_t& index, Digest& digest) {
  if (children_left_ == 0 || status_ != Status::ok) return false;
  --children_left_;
  std::uint64_t skip = 0;
  if (!settle(child_ < children_ && take_number(groups_, children_ - child_ - 1, skip) &&
              take_fixed64(groups_, digest.sum) && take_varint(groups_, digest.count) && !digest.empty())) {
    return false;
  }
  index = child_ + static_cast<std::size_t>(skip);
  child_ = index + 1;
  return true;
}

bool DigestsReader::next_reply(Split& out, std::span<Digest> children) {
  if (!next_split(out)) return false;
  if (children.size() < children_) {
    status_ = Status::too_large;
    return false;
  }
  for (std::size_t i = 0; i < children_; ++i) children[i] = {};
  std::size_t index = 0;
  for (Digest digest; next_child(index, digest);) children[index] = digest;
  return status_ == Status::ok;
}

bool DigestsReader::next_digests(Range& range, std::size_t& digest_count) {
  if (!more()) return false;
  std::uint64_t n = 0;
  if (!settle(take_range(groups_, range) && take_varint(groups_, n) && n <= groups_.size() / 8)) return false;
  digest_count = static_cast<std::size_t>(n);
  digests_ = groups_.first(8 * digest_count);
  groups_ = groups_.subspan(digests_.size());
  return true;
}

}  // namespace grid::wire
