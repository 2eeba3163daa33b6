// SPDX-License-Identifier: Apache-2.0

#include "runtime/grid/dead_letters.h"

#include <algorithm>
#include <cstring>

#include "runtime/edits.h"

namespace grid {

using runtime::Call;

namespace {

// A map's name and a key, out of memory that the next call on the letters writes over.
struct RowName {
  explicit RowName(const DeadLetter& letter)
      : map_size(std::min(letter.map.size(), sizeof(map))), key_size(std::min(letter.key.size(), sizeof(key))) {
    std::memcpy(map, letter.map.data(), map_size);
    std::memcpy(key, letter.key.data(), key_size);
  }
  Scope scope() const { return {ScopeKind::key, {map, map_size}, {key, key_size}}; }

  char map[kMapBytesMax];
  char key[kKeyBytesMax];
  std::size_t map_size, key_size;
};

}  // namespace

std::uint32_t DeadLetters::count() const { return driver_->letters() != nullptr ? driver_->letters()->count() : 0; }

std::uint64_t DeadLetters::unkept_count() const {
  return driver_->letters() != nullptr ? driver_->letters()->unkept_count() : 0;
}

Result<DeadLetter> DeadLetters::next(crdt::Seq after) const {
  if (driver_->letters() == nullptr) return Status::not_found;
  const Result<runtime::Letter> letter = driver_->letters()->next(after);
  if (!letter.ok()) return letter.status();
  const crdt::Cell& cell = letter->cell;
  return DeadLetter{letter->id,
                    cell.name.map,
                    cell.name.key,
                    Value(cell.value),
                    cell.stamp,
                    cell.expires_ms,
                    letter->outcome,
                    letter->reason,
                    letter->sentence,
                    letter->with,
                    crdt::view_of(cell.name.sub)};
}

Result<DeadLetter> DeadLetters::find(crdt::Seq id) const {
  if (id == 0) return Status::not_found;
  const Result<DeadLetter> letter = next(id - 1);
  if (letter.ok() && letter->id != id) return Status::not_found;
  return letter;
}

// The write first: a power cut between the two leaves the letter, and the same row is written twice at worst.
Write DeadLetters::retry(crdt::Seq id, std::uint64_t wall_ms) {
  const Result<DeadLetter> letter = find(id);
  if (!letter.ok()) return {driver_, letter.status(), 0};
  // Without a time, what was to expire would stand for ever.
  const bool has_expired = letter->expires_ms != 0 && (wall_ms == 0 || letter->expires_ms <= wall_ms);
  if (letter->view != crdt::View::lww_map || has_expired) {
    driver_->complain(has_expired ? "what the letter holds has expired meanwhile, or may have"
                                  : "a part of a set or a counter is added anew, not retried");
    return {driver_, Status::invalid, 0};
  }
  const RowName row(*letter);
  const MutBytes room = driver_->scratch();
  const Bytes value = letter->value.canonical();
  if (value.size() > room.size()) return {driver_, Status::too_large, 0};
  copy(value, room);
  Call call{.verb = value.empty() ? Call::Verb::remove : Call::Verb::put,
            .scope = row.scope(),
            .value = room.first(value.size()),
            .ttl_ms = letter->expires_ms == 0 ? 0 : letter->expires_ms - wall_ms};
  driver_->perform(call);
  if (call.status == Status::ok) call.status = discard(id);
  return {driver_, call.status, call.seq};
}

Status DeadLetters::discard(crdt::Seq id) {
  const Result<DeadLetter> letter = find(id);
  if (!letter.ok()) return letter.status();
  const RowName row(*letter);
  Call call{.verb = Call::Verb::edit, .scope = row.scope()};
  call.edit = runtime::discard_letter;
  call.letter = id;
  driver_->perform(call);
  return call.status;
}

}  // namespace grid
