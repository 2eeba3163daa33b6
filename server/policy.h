// SPDX-License-Identifier: Apache-2.0
//
// Policy: what the gateway is asked about writes before it takes them, and about which of two values is to stand.
//
// Place     Beside coordinator.h, whose options name one. row_rules.h is the one that is configured; an embedder writes
//           its own.
// Promises  P9   A batch is judged as one, on what it would leave behind.
//           P10  Judged in order of arrival. What resolve() says stands everywhere, whatever the stamps.
// Ownership What it is shown stands until it returns; the sentence of a ruling until the next call.
// Threads   None: the coordinator's.
#pragma once

#include <span>
#include <string_view>

#include "crdt/base/status.h"
#include "crdt/cell.h"
#include "crdt/value.h"

namespace grid::server {

// A write, and what it meets.
struct Proposal {
  crdt::CellName name;
  crdt::Stamp stamp;         // Its node is the writer.
  crdt::Value next;          // Absent: it removes.
  crdt::Stamp now_stamp;     // None: nothing is known of the name.
  crdt::Value now;           // What stands; absent when nothing does, or it has expired.
  bool was_applied = false;  // It was taken here before, as the device says.
};

struct Ruling {
  Status status = Status::ok;   // Anything else refuses: invalid, conflict or denied, as a rule.
  std::string_view sentence{};  // Why, for a person; devices get the first kSentenceBytesMax bytes.
};

enum class Resolution : std::uint8_t {
  by_stamp,  // The greater stamp wins, as in a merge.
  now,       // What stands goes on standing,
  next,      // or what was written stands, even if its stamp is the lesser one.
};

class Policy {
 public:
  static constexpr std::size_t kSentenceBytesMax = 120;

  // Whether it is to be asked about writes of this map.
  virtual bool governs(std::string_view map) const = 0;
  // `batch` is a write, or several that are taken together or not at all. Writes that are here already are left out.
  virtual Ruling judge(std::span<const Proposal> batch) = 0;
  // Which one is to stand, of a write that judge() let pass.
  virtual Resolution resolve(const Proposal&) { return Resolution::by_stamp; }

 protected:
  ~Policy() = default;
};

}  // namespace grid::server
