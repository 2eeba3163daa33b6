// SPDX-License-Identifier: Apache-2.0
//
// Cursor: a place in the order of one query's rows as opaque text: the next page goes on behind it.
//
// Place     Above sort.h. Knows no row and no store: the text is all there is, and outlives both.
// Promises  A cursor of another query, and one that is damaged, is refused by name.
#pragma once

#include <string_view>

#include "crdt/base/status.h"
#include "crdt/query/predicate.h"
#include "crdt/query/sort.h"

namespace grid::query {

// What of a query a cursor is bound to: everything but how many rows are wanted.
std::uint64_t hash_of(std::string_view map, const Predicate& where, const Sort& sort);

// The text that stands for `place` in the query `hash`, in the front of `room`.
//   full  It does not fit: what the rows are sorted by is long there.
Result<std::string_view> write_cursor(const Place& place, std::uint64_t hash, std::span<char> room);

// The place behind the text; its views are of `room`, which is as large as the text.
//   corrupt  It is damaged, or no cursor.
//   newer    A later release wrote it.
//   invalid  It is of another query.
//   full     `room` is smaller than it must be.
Result<Place> read_cursor(std::string_view text, std::uint64_t hash, const Sort& sort, MutBytes room);

}  // namespace grid::query
