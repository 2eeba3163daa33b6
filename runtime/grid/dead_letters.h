// SPDX-License-Identifier: Apache-2.0
//
// DeadLetters: what this node wrote and did not get through: refused by the server, dropped here, lost with another.
//
// Place     Beside grid.h: who does not use it links none of it.
// Ownership As in grid.h.
#pragma once

#include "runtime/grid/grid.h"
#include "runtime/letter_box.h"

namespace grid {

// A write that did not get through.
struct DeadLetter {
  crdt::Seq id = 0;  // Write::seq()
  std::string_view map;
  std::string_view key;
  Value value;  // Absent: it removed the row.
  crdt::Stamp stamp;
  std::uint64_t expires_ms = 0;
  Outcome outcome = Outcome::rejected;
  Status reason = Status::ok;   // Of the refusal,
  std::string_view sentence{};  // and what the server said to it.
  crdt::Seq with = 0;           // lost_with: the refused write that had taken its place.
  crdt::View view = crdt::View::lww_map;
};

class DeadLetters {
 public:
  explicit DeadLetters(Node& node) : driver_(&node.driver()) {}

  std::uint32_t count() const;
  // Writes that got no letter, because the list was full: it keeps what it has.
  std::uint64_t unkept_count() const;
  // The first with a greater id; stands until the next call on the node or its host.
  //   not_found  There is none.
  Result<DeadLetter> next(crdt::Seq after) const;
  //   not_found  There is no such letter.
  Result<DeadLetter> find(crdt::Seq id) const;
  // Writes it again, as of now, and discards the letter.
  //   not_found  There is no such letter.
  //   invalid    It is a part of a set or a counter (which the application adds anew), or has expired by `wall_ms` (0:
  //   unknown). otherwise  as Map::put(); the letter stays.
  Write retry(crdt::Seq id, std::uint64_t wall_ms = 0);
  // For good.
  //   not_found  There is no such letter.
  Status discard(crdt::Seq id);

 private:
  Driver* driver_;
};

}  // namespace grid
