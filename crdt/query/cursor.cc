// SPDX-License-Identifier: Apache-2.0
//
// A cursor, before it becomes text of 6 bits a character:
//
//     offset size
//     0      1    version, 1
//     1      4    first half of the hash of all the rest, big-endian
//     5      8    hash of the query, big-endian
//     13     2    length of the key, big-endian, and the key
//     ..     ..   for each of the sort's keys: four bytes of length, big-endian, and the canonical value; none when
//     absent

#include "crdt/query/cursor.h"

#include "crdt/cell.h"
#include "crdt/hash.h"

namespace grid::query {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kCheckedFrom = 5;
constexpr std::size_t kHeadBytes = 13;
constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::size_t text_bytes(std::size_t bytes) { return (bytes * 4 + 2) / 3; }

// In place, from behind: each three bytes at the end of `room` become four letters at its front.
std::string_view lettered(std::size_t from, std::span<char> room) {
  std::size_t size = 0;
  std::uint32_t held = 0;
  unsigned bits = 0;
  for (std::size_t i = from; i < room.size(); ++i) {
    held = held << 8 | static_cast<std::uint8_t>(room[i]);
    for (bits += 8; bits >= 6; bits -= 6) room[size++] = kLetters[held >> (bits - 6) & 63];
  }
  if (bits > 0) room[size++] = kLetters[held << (6 - bits) & 63];
  return {room.data(), size};
}

// False when a letter is none, or bits are left that must be 0.
bool unlettered(std::string_view text, MutBytes room, std::size_t& size) {
  std::uint32_t held = 0;
  unsigned bits = 0;
  size = 0;
  for (const char letter : text) {
    const std::size_t value = kLetters.find(letter);
    if (value == std::string_view::npos) return false;
    held = held << 6 | static_cast<std::uint32_t>(value);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    room[size++] = static_cast<std::uint8_t>(held >> bits);
  }
  return bits < 6 && (held & ((1u << bits) - 1)) == 0;
}

// Every version has the first two fields.
std::uint64_t check_of(Bytes cursor) {
  return crdt::Hash64().add(cursor.first(1)).add(cursor.subspan(kCheckedFrom)).value() >> 32;
}

// A length of `kBytes` and that many bytes off the front of `rest`.
template <std::size_t kBytes>
bool take_sized(Bytes& rest, Bytes& out) {
  if (rest.size() < kBytes) return false;
  const std::uint64_t size = load_be<kBytes>(rest.data());
  rest = rest.subspan(kBytes);
  if (size > rest.size()) return false;
  out = rest.first(static_cast<std::size_t>(size));
  rest = rest.subspan(out.size());
  return true;
}

bool take_place(Bytes rest, const Sort& sort, Place& place) {
  Bytes key;
  if (!take_sized<2>(rest, key) || crdt::check_name({"m", as_text(key)}) != Status::ok) return false;
  place.key = as_text(key);
  place.count = sort.place_of({}).count;
  for (std::size_t i = 0; i < place.count; ++i) {
    Bytes value;
    if (!take_sized<4>(rest, value)) return false;
    if (!value.empty() && crdt::check_value(value) != Status::ok) return false;
    place.values[i] = Value(value);
  }
  return rest.empty();
}

}  // namespace

std::uint64_t hash_of(std::string_view map, const Predicate& where, const Sort& sort) {
  crdt::Hash64 hash;
  hash.add_sized(map).add_number(where.hash()).add(sort.encoded());
  return hash.value();
}

Result<std::string_view> write_cursor(const Place& place, std::uint64_t hash, std::span<char> room) {
  std::size_t size = kHeadBytes + 2 + place.key.size();
  for (std::size_t i = 0; i < place.count; ++i) size += 4 + place.values[i].canonical().size();
  const std::size_t from = text_bytes(size) - size;
  if (text_bytes(size) > room.size()) return Status::full;
  room = room.first(text_bytes(size));
  const MutBytes cursor(reinterpret_cast<std::uint8_t*>(room.data()) + from, size);
  cursor[0] = kVersion;
  store_be(hash, cursor.data() + kCheckedFrom);
  store_be<2>(place.key.size(), cursor.data() + kHeadBytes);
  MutBytes rest = copy(as_bytes(place.key), cursor.subspan(kHeadBytes + 2));
  for (std::size_t i = 0; i < place.count; ++i) {
    const Bytes value = place.values[i].canonical();
    store_be<4>(value.size(), rest.data());
    rest = copy(value, rest.subspan(4));
  }
  store_be<4>(check_of(cursor), cursor.data() + 1);
  return lettered(from, room);
}

Result<Place> read_cursor(std::string_view text, std::uint64_t hash, const Sort& sort, MutBytes room) {
  if (room.size() < text.size() * 3 / 4) return Status::full;
  std::size_t size = 0;
  if (!unlettered(text, room, size) || size < kHeadBytes) return Status::corrupt;
  const Bytes cursor(room.first(size));
  if (load_be<4>(cursor.data() + 1) != check_of(cursor)) return Status::corrupt;
  if (cursor[0] != kVersion) return Status::newer;
  if (load_be(cursor.data() + kCheckedFrom) != hash) return Status::invalid;
  Place place;
  if (!take_place(cursor.subspan(kHeadBytes), sort, place)) return Status::corrupt;
  return place;
}

}  // namespace grid::query
