// SPDX-License-Identifier: Apache-2.0
//
// The merge rule, the rules for names, and the digest of a cell.

#include "crdt/cell.h"

#include <algorithm>

#include "crdt/hash.h"
#include "crdt/stub.h"

namespace grid::crdt {
namespace {

constexpr bool is_map_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}

// U+0000 to U+001F, U+007F, and U+0080 to U+009F, which UTF-8 writes as C2 80 to C2 9F.
bool has_control(std::string_view utf8) {
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    const auto byte = static_cast<std::uint8_t>(utf8[i]);
    if (byte < 0x20 || byte == 0x7f) return true;
    if (byte == 0xc2 && static_cast<std::uint8_t>(utf8[i + 1]) < 0xa0) return true;
  }
  return false;
}

constexpr bool is_between(std::uint8_t byte, std::uint8_t low, std::uint8_t high) {
  return byte >= low && byte <= high;
}

// The length of the well-formed sequence that `text`, which isn't empty, begins with; 0 if there is none. The second
// byte's range is what keeps out overlong forms, surrogates, and what lies past U+10FFFF.
std::size_t sequence_size(Bytes text) {
  const std::uint8_t lead = text[0];
  if (lead < 0x80) return 1;
  const std::size_t size = is_between(lead, 0xc2, 0xdf)   ? 2
                           : is_between(lead, 0xe0, 0xef) ? 3
                           : is_between(lead, 0xf0, 0xf4) ? 4
                                                          : 0;
  if (size == 0 || text.size() < size) return 0;
  const std::uint8_t low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const std::uint8_t high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (!is_between(text[1], low, high)) return 0;
  for (std::size_t i = 2; i < size; ++i) {
    if (!is_between(text[i], 0x80, 0xbf)) return 0;
  }
  return size;
}

}  // namespace

bool wins(const Cell& challenger, const Cell& standing) {
  if (challenger.stamp != standing.stamp) return challenger.stamp > standing.stamp;
  if (challenger.expires_ms != standing.expires_ms) return challenger.expires_ms > standing.expires_ms;
  return compare(challenger.value, standing.value) > 0;
}

Status check_map_name(std::string_view map) {
  if (map.size() > kMapBytesMax) return Status::too_large;
  for (const char byte : map) {
    if (!is_map_byte(byte)) return Status::invalid;
  }
  return map.empty() ? Status::invalid : Status::ok;
}

Status check_name(const CellName& name) {
  GRID_TRY(check_map_name(name.map));
  if (name.key.size() > kKeyBytesMax || name.sub.size() > kSubBytesMax) return Status::too_large;
  return !name.key.empty() && is_utf8(name.key) && !has_control(name.key) ? Status::ok : Status::invalid;
}

bool is_utf8(std::string_view text) {
  Bytes rest = as_bytes(text);
  while (!rest.empty()) {
    constexpr std::uint64_t kNotAscii = 0x8080'8080'8080'8080;
    constexpr bool kWordHolds8 = sizeof(std::size_t) == 8;  // Elsewhere it is no faster, and twice the code.
    while (kWordHolds8 && rest.size() >= 8 && (load_le(rest.data()) & kNotAscii) == 0) rest = rest.subspan(8);
    if (rest.empty()) break;
    const std::size_t size = sequence_size(rest);
    if (size == 0) return false;
    rest = rest.subspan(size);
  }
  return true;
}

std::uint64_t digest_of(const Cell& cell) {
  if (Stub::is(cell.value)) return Stub::read(cell.value).digest;
  Hash64 hash;
  hash.add_sized(cell.name.map).add_sized(cell.name.key).add_sized(cell.name.sub);
  hash.add_number(cell.stamp.time).add_number(cell.stamp.node).add_number(cell.expires_ms);
  return hash.add(cell.value).value();
}

}  // namespace grid::crdt
