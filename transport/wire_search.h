// SPDX-License-Identifier: Apache-2.0
//
// Search frames: what is asked of a server's full-text search, and its answers (docs/WIRE.md, "Search").
//
// Place     Beside wire.h; linked only by who searches.
// Promises  As wire.h: whatever the bytes, reading ends with a status, and what it hands out has passed its rules.
// Ownership What is read borrows the frame; a writer borrows its room.
#pragma once

#include <cstdint>
#include <string_view>

#include "crdt/base/bytes.h"
#include "crdt/base/status.h"
#include "crdt/stamp.h"
#include "transport/wire.h"

namespace grid::wire {

// Bit of Welcome.features: this server has a search.
inline constexpr std::uint32_t kFeatureSearch = 4;

inline constexpr std::size_t kSearchTextBytesMax = 512;
inline constexpr std::size_t kSearchReasonBytesMax = 256;
inline constexpr std::uint32_t kSearchHitsMax = 1'000;
inline constexpr std::size_t kSearchAskBytesMax = 1 + 6 + 66 + 3 + kSearchTextBytesMax + 6 + 9 + 3 + kKeyBytesMax + 2;

struct SearchAsk {
  std::uint32_t id = 0;    // Not 0; the link's own.
  std::string_view map{};  // Empty: the ask of this id is over, and nothing else is said.
  std::string_view text{};
  std::uint32_t limit = 0;  // 0: as the server likes.
  // The answer begins behind this hit; without a key, at the best one.
  double after_rank = 0;
  std::string_view after_key{};
  bool watch = false;
};

// The frame, in the front of `room`, which holds kSearchAskBytesMax.
Bytes encode(const SearchAsk& ask, MutBytes room);
//   corrupt    Malformed, or a field breaks its rule.
//   too_large  A field is longer than its limit.
Status decode(Bytes frame, SearchAsk& out);

struct SearchHead {
  std::uint32_t id = 0;
  Status status = Status::ok;
  std::string_view reason{};   // Of a refusal: a sentence.
  std::uint64_t through = 0;   // Arrivals that the answer knows of,
  std::uint64_t head = 0;      // and all that there were.
  std::uint64_t building = 0;  // 0: the index stands. Else 1 more than the rows that building it has looked at.
  bool more = false;
};

struct SearchHit {
  std::string_view key{};
  crdt::Stamp stamp{};
  double rank = 0;  // The less, the better; of equal ones the lesser key comes first.
  std::uint64_t expires_ms = 0;
  Bytes highlights{};  // A record: field -> list of texts, by turns outside and inside of a match. Empty: none.
};

class SearchReplyWriter {
 public:
  static constexpr std::size_t kHeadBytesMax = 1 + 6 + 2 + 3 + kSearchReasonBytesMax + 33 + 3;

  // `room` holds kHeadBytesMax. `head.more` is given to finish() instead; a longer reason is cut.
  SearchReplyWriter(const SearchHead& head, MutBytes room);
  // False: it does not fit beside what is there; nothing changed.
  bool add(const SearchHit& hit);
  Bytes finish(bool more);

 private:
  MutBytes room_;
  std::size_t size_ = 1;
};

class SearchReplyReader {
 public:
  // Reads the head, and checks the frame's structure.
  //   corrupt, too_large  As next().
  Status open(Bytes frame);
  const SearchHead& head() const { return head_; }
  // The next hit; false at the end, or when status() is not ok any more.
  bool next(SearchHit& hit);
  //   corrupt    A hit is malformed, or breaks a rule.
  //   too_large  Its key is longer than it may be.
  Status status() const { return status_; }

 private:
  Status read_head(Bytes body);

  SearchHead head_;
  Bytes rest_;
  Status status_ = Status::ok;
};

}  // namespace grid::wire
