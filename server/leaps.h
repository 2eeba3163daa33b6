// SPDX-License-Identifier: Apache-2.0
//
// Leaps: which records of the journal a reader of a predicate's rows has to look at while it holds nothing.
//
// Place     Below subscription.h, above row_finder.h.
// Promises  Who looks at these records alone, up to where the index had read the journal when the reader began, sends
//           and evicts what it would if it looked at all of them.
//           BND-1  It keeps kRecordsMax records that an index leads to, and as many that were noted.
//
// It rests on this: of a reader that begins with nothing, a row whose record is older than that was not sent before, so
// it need not be told that the row has left; and what lies under a row is sent with it, whatever its record. What is
// written later has a later record, and is read there. The one exception are rows that the device itself shows to hold:
// note().
#pragma once

#include <deque>
#include <set>

#include "server/row_finder.h"

namespace grid::server {

class Leaps {
 public:
  static constexpr std::size_t kRecordsMax = 4'096;

  void begin(const RowFinder& finder, std::string_view map, const query::Predicate& where);
  bool is_on() const { return finder_ != nullptr; }
  // The device may hold the row whose record this is.
  void note(storage::Seq seq);
  // No more of them: every record is looked at from now on.
  void end() { *this = Leaps(); }

  // Behind which place the next record to look at lies, at or behind `position`.
  storage::Seq leap(storage::Seq position, std::string_view map, const query::Predicate& where);

 private:
  // What comes behind `through_`.
  bool find(std::string_view map, const query::Predicate& where);

  const RowFinder* finder_ = nullptr;
  storage::Seq end_ = 0;      // Behind here all records are looked at.
  storage::Seq through_ = 0;  // Up to here `found_` is complete.
  storage::Seq indexed_ = 0;
  std::deque<storage::Seq> found_;
  std::set<storage::Seq> noted_;
};

}  // namespace grid::server
