// SPDX-License-Identifier: Apache-2.0
//
// Partial: what a replica needs to hold the rows of predicates, and no others. A device without a query engine has
// none, and links nothing of it (runtime/query/row_tests.h).
//
// Place     Below replica.h, which is given one.
#pragma once

#include <string_view>

#include "crdt/cell.h"
#include "runtime/scope.h"

namespace grid::runtime {

class OpLog;
class Problem;
class Pulls;
struct Pull;

// Who is told that a name has left a replica without a record in its log (a row was evicted, or a write taken back), or
// is going to have another stamp and expiry without one (a clock was corrected).
class ErasureListener {
 public:
  virtual void erased(const crdt::CellName& name) = 0;

 protected:
  ~ErasureListener() = default;
};

class Partial : public ErasureListener {
 public:
  // The test that `text` says; it stands as long as this does. Null: the text says none, or there is no room.
  virtual const RowTest* test_of(std::string_view text) = 0;
  // The server says which of wire::kFeature... it has: who is not served says so.
  virtual void welcomed(std::uint32_t features, Pulls& pulls, Problem& problem) = 0;
  // The server says, about the subscription `id`, that no scope of this device has the row any more: lets go of it
  // (PROTOCOL P22). What is pending stays, and this node's own part of a counter.
  virtual Status evict(OpLog& log, Pulls& pulls, std::uint32_t id, const crdt::CellName& row) = 0;
  // The server has taken a subscription, of whatever scope, or compared it. Where it is a predicate's: lets go of the
  // rows of its map that no scope has, as they stand here settled. The device may have been away when it was told so,
  // or have had other scopes.
  virtual Status sweep(OpLog& log, Pulls& pulls, std::uint32_t id) = 0;
  // The subscription goes on behind its cursor. What left its scope meanwhile the server can't tell: that is found by
  // looking at both.
  virtual void resumed(Pull& pull) = 0;
  // The server answers a subscription that it has answered before: it can't tell any more which rows have left, and is
  // asked to compare, in its turn.
  //   corrupt  It is of no predicate.
  virtual Status answered_again(Pull& pull) = 0;

  // The server is told that the device has left a scope of `map`. What was sent up to `sent` it has judged with it.
  virtual void left(std::string_view map, crdt::Seq sent) = 0;
  // Sweeps the maps of which scopes were left, each once what was sent then is settled.
  virtual Status sweep_left(OpLog& log, Pulls& pulls) = 0;

 protected:
  ~Partial() = default;
};

}  // namespace grid::runtime
