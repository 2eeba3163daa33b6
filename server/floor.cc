// SPDX-License-Identifier: Apache-2.0

#include "server/floor.h"

#include <algorithm>

namespace grid::server {

namespace {

constexpr std::string_view kFloor = "floor";  // position, gone, stamp, expired_ms, count: 8, 8, 16, 8, 8 bytes
constexpr std::size_t kFloorBytes = 48;

}  // namespace

Result<Floor> load_floor(storage::Store& store) {
  const Result<Bytes> bytes = store.fact(kFloor);
  if (bytes.status() == Status::not_found) return Floor{};
  if (!bytes.ok()) return bytes.status();
  if (bytes->size() != kFloorBytes) return Status::corrupt;
  const std::uint8_t* at = bytes->data();
  return Floor{load_be(at), load_be(at + 8), crdt::Stamp::read(at + 16), load_be(at + 32), load_be(at + 40)};
}

Status save_floor(storage::Store& store, const Floor& floor) {
  std::uint8_t bytes[kFloorBytes];
  store_be(floor.position, bytes);
  store_be(floor.gone, bytes + 8);
  floor.greatest.write(bytes + 16);
  store_be(floor.expired_ms, bytes + 32);
  store_be(floor.count, bytes + 40);
  return store.set_fact(kFloor, bytes);
}

Status note_loaded(storage::Store& store, const crdt::Stamp& greatest) {
  if (greatest.is_none()) return Status::ok;
  Result<Floor> floor = load_floor(store);
  if (!floor.ok()) return floor.status();
  floor->position = store.head();
  floor->greatest = std::max(floor->greatest, greatest);
  return save_floor(store, *floor);
}

}  // namespace grid::server
