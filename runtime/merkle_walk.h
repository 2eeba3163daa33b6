// SPDX-License-Identifier: Apache-2.0
//
// MerkleWalk: the asking end of a comparison: finds what differs from the server in one scope, fetches what is missing
// here, and gives back what the server lost (docs/SESSION.md, "Comparing").
//
// Place     Below sync_session.h, above oplog.h. Says what to ask next; never decides which cell is right: that is
//           the merge's.
// Promises  Lists only nominate (PROTOCOL P16): a walk over a store that changes meanwhile costs a second walk at
//           worst. Memory is bounded by Limits; what does not fit is found by the next walk.
#pragma once

#include "crdt/base/arena.h"
#include "crdt/base/limits.h"
#include "crdt/merkle.h"
#include "runtime/oplog.h"
#include "runtime/scan.h"
#include "runtime/scope.h"
#include "transport/wire.h"

namespace grid::runtime {

class MerkleWalk {
  struct Item;
  struct MapName;

 public:
  static constexpr std::size_t memory_bytes(const Limits& limits) {
    return limits.maps_max * sizeof(MapName) + limits.walk_ranges_max * sizeof(Item) +
           limits.walk_digests_max * (sizeof(crdt::Digest) + 2 * sizeof(std::uint64_t)) + 4 * alignof(std::uint64_t);
  }
  MerkleWalk(OpLog& log, const Limits& limits, std::string_view app, Arena& arena);

  // Begins a comparison of subscription `id`. The server's first digests are on their way. What is held here up to the
  // stamp `collected`, and what the server lacks, was deleted.
  void begin(std::uint32_t id, const Scope& scope, bool heal, crdt::Stamp collected);
  void stop() { phase_ = Phase::idle; }
  bool active() const { return phase_ != Phase::idle; }
  std::uint32_t id() const { return id_; }

  // A digest_reply, or a lacks, has come.
  //   corrupt  It is not what was asked for.
  Status receive_reply(wire::DigestsReader& reader, std::uint64_t known_ms);
  Status receive_lacks(wire::DigestsReader& reader);
  // An op of an answer, before it is merged: `op.cell.stamp` is none when the server knows nothing of the name.
  Status receive_answer(const crdt::Op& op);
  void answer_ended();

  // Whether there is a frame to send now.
  bool wants_write() const;
  // Writes it; empty when it turns out that there is nothing to say: ask wants_write() again.
  Bytes write(MutBytes room, std::uint64_t known_ms);

  // True once: everything was asked and answered.
  bool finished();
  std::uint64_t unconfirmed_count() const { return unconfirmed_count_; }
  // Whether the last walk had no room for all that differs,
  bool was_cut_short() const { return cut_short_ || lacks_maps_; }
  // and came nearer to the server all the same: another one comes to an end.
  bool goes_on() const { return cut_short_ && gained_count_ > 0 && !lacks_maps_; }
  // There are more maps than this replica has room to compare.
  bool lacks_maps() const { return lacks_maps_; }

 private:
  enum class Phase : std::uint8_t {
    idle,
    first,      // The server's partitions of each map are awaited.
    pick,       // The next ask is to be chosen and written.
    splitting,  // A digest_reply is awaited.
    having,     // Deltas and lacks are awaited.
    naming,     // The names of what the server lacks are to be written.
    answers,    // Their answer is awaited.
    healing,    // What the server lost is to be written.
    done,
  };
  struct Item {
    crdt::Range range;
    std::uint16_t map = 0;     // Index into maps_.
    std::uint32_t own = 0;     // Cells here, when it was last counted,
    std::uint32_t theirs = 0;  // and there.
    std::uint32_t first = 0;   // When asked for a split: its first child in own_.
    std::uint8_t more() const { return crdt::split_bits(own > theirs ? own : theirs); }
  };
  struct MapName {
    std::uint8_t size = 0;
    char text[kMapBytesMax] = {};
    std::string_view view() const { return {text, size}; }
  };
  // Under this count, cell digests are cheaper than another split.
  static constexpr std::uint32_t kLeafCells = 64;
  static constexpr std::uint16_t kNoMap = UINT16_MAX;

  Result<std::uint16_t> map_index(std::string_view name);
  Scope map_scope(std::uint16_t map) const;
  Scope dead_scope(std::uint16_t map) const;
  bool counts(const crdt::Op& op, std::uint64_t known_ms) const;
  Status receive_first(const wire::Split& split, wire::DigestsReader& reader, std::uint64_t known_ms);
  Status begin_map(std::string_view name, std::uint64_t known_ms);
  Status compare_partition(std::uint16_t partition, const crdt::Digest& theirs, std::uint64_t known_ms);
  Status pass_to(std::uint16_t partition, std::uint64_t known_ms);
  Status look_at_partition(std::uint64_t known_ms);
  Status add_unlisted_maps(std::uint64_t known_ms);
  void differ(std::uint16_t map, const crdt::Range& range, const crdt::Digest& own, const crdt::Digest& theirs);
  // What the last ask was about, all of one map, in the order of ranges.
  std::span<Item> asked() const { return slots_.last(asked_count_); }
  // The item of them that contains `at`; null when none does.
  const Item* asked_item(const crdt::Position& at) const;
  Status compare_split(const wire::Split& split, wire::DigestsReader& reader);
  bool is_leaf(const Item& item) const;
  template <typename Visit>
  Status each_own(std::uint16_t map, std::uint64_t known_ms, Visit visit);

  Bytes write_pick(MutBytes room, std::uint64_t known_ms);
  Bytes write_split(MutBytes room, std::uint64_t known_ms);
  Bytes write_have(MutBytes room, std::uint64_t known_ms);
  bool begin_dead();
  Bytes write_dead(MutBytes room, std::uint64_t known_ms);
  void begin_healing();
  Bytes write_listed(MutBytes room, wire::Kind kind, Phase next, std::uint64_t known_ms);
  void next_phase_after_answers();

  OpLog& log_;
  std::string_view app_;
  Phase phase_ = Phase::idle;
  std::uint32_t id_ = 0;
  bool heal_ = false;
  crdt::Stamp collected_;
  std::uint64_t unconfirmed_count_ = 0;

  bool cut_short_ = false;          // Something did not fit,
  bool lacks_maps_ = false;         // or whole maps did not.
  std::uint64_t gained_count_ = 0;  // Cells that one side got from the other.

  Vec<MapName> maps_;
  std::span<Item> slots_;  // In their front a stack of what differs, in their back asked().
  std::size_t item_count_ = 0;
  std::size_t asked_count_ = 0;
  std::uint16_t asked_map_ = 0;  // Also: the map whose partitions are coming in.
  std::uint16_t partition_ = 0;  // The next of them to be compared,
  std::uint16_t window_ = 0;     // and the first of those whose sums here are in own_.
  // Sums here: of partitions, or of the children of asked(), one split behind the other. Or the cells here that are in
  // asked(): digests with the number of their range.
  Vec<crdt::Digest> own_;
  Vec<std::uint64_t> listed_;  // Digests whose names, or whose cells, the server is to get.
  Vec<std::uint64_t> lost_;    // Digests of cells that the server turned out not to have.
  bool naming_dead_ = false;   // The digests are done with: what they don't cover is named.
  std::size_t dead_maps_ = 0;  // Maps whose dead cells have been named.
  Scan scan_;                  // Behind the last of listed_, or of the dead cells, that was written.
  ScopeCopy scope_;
};

}  // namespace grid::runtime
