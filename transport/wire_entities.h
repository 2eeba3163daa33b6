// SPDX-License-Identifier: Apache-2.0
//
// Entities frames: a device asks on which entities the answer to a question stands, and the server says so, again
// whenever it changes (docs/WIRE.md, "Entities"). Which facts it then subscribes to is its own business.
//
// Place     Beside wire.h; linked only by who asks Datalog. Knows no Datalog: the question is a text.
// Promises  As wire.h: whatever the bytes, reading ends with a status, and what it hands out has passed its rules.
// Ownership What is read borrows the frame; a writer borrows its room.
#pragma once

#include <cstdint>
#include <string_view>

#include "crdt/base/bytes.h"
#include "crdt/base/status.h"
#include "transport/wire.h"

namespace grid::wire {

// Bit of Welcome.features: this server answers such asks.
inline constexpr std::uint32_t kFeatureEntities = 32;

inline constexpr std::size_t kQuestionBytesMax = 4'096;
inline constexpr std::size_t kQuestionInputsBytesMax = 4'096;
inline constexpr std::size_t kEntitiesReasonBytesMax = 256;
inline constexpr std::uint32_t kEntitiesMax = 256;
inline constexpr std::size_t kEntitiesAskBytesMax =
    1 + 6 + 3 + kMapBytesMax + 3 + kQuestionBytesMax + 3 + kQuestionInputsBytesMax + 4;

struct EntitiesAsk {
  std::uint32_t id = 0;         // Not 0; the link's own.
  std::string_view map{};       // Empty: the ask of this id is over, and nothing else is said.
  std::string_view question{};  // EDN text; every value of its answer is an entity.
  Bytes inputs{};               // A list, one item for each element of :in behind $; empty: there are none.
  std::uint32_t limit = 0;      // 1 to kEntitiesMax.
};

// The frame, in the front of `room`, which holds kEntitiesAskBytesMax.
Bytes encode(const EntitiesAsk& ask, MutBytes room);
//   corrupt    Malformed, or a field breaks its rule.
//   too_large  A field is longer than its limit.
Status decode(Bytes frame, EntitiesAsk& out);

struct EntitiesHead {
  std::uint32_t id = 0;
  // ok         All entities follow, or `more` says that there are more than were asked for, and none follows.
  // otherwise  It is over; `reason` says why.
  Status status = Status::ok;
  std::string_view reason{};
  bool more = false;
};

class EntitiesReplyWriter {
 public:
  static constexpr std::size_t kHeadBytesMax = 1 + 6 + 2 + 3 + kEntitiesReasonBytesMax + 3;
  static constexpr std::size_t kBytesMax = kHeadBytesMax + kEntitiesMax * (kKeyBytesMax + 4);

  // `room` holds kHeadBytesMax, and for each entity what its key takes and 4 bytes. A longer reason is cut.
  EntitiesReplyWriter(const EntitiesHead& head, MutBytes room);
  // False: it does not fit.
  bool add(std::string_view key);
  Bytes finish() const { return room_.first(size_); }

 private:
  MutBytes room_;
  std::size_t size_ = 1;
};

class EntitiesReplyReader {
 public:
  // Reads the head, and checks the frame's structure.
  //   corrupt, too_large  As next().
  Status open(Bytes frame);
  const EntitiesHead& head() const { return head_; }
  // The next entity's key; false at the end, or when status() is not ok any more.
  bool next(std::string_view& key);
  //   corrupt    It is the key of no row.
  //   too_large  It is longer than a key may be.
  Status status() const { return status_; }

 private:
  Status read_head(Bytes body);

  EntitiesHead head_;
  Bytes rest_;
  Status status_ = Status::ok;
};

}  // namespace grid::wire
