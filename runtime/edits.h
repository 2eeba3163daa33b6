// SPDX-License-Identifier: Apache-2.0
//
// The edits of the views: what Call::Verb::edit carries. Each writes to the row that the call names, whose name and
// value have been checked.
//
// Place     Above edit.h and the views in crdt/. Each in the file of its view.
#pragma once

#include "runtime/edit.h"

namespace grid::runtime {

// Writes call.rows, all of them or none. call.scope is not looked at.
//   invalid    One row breaks a rule, or two are of one key.
//   too_large  More than kBatchRowsMax, or those of one partition are more than one frame holds.
//   full       The log or the store has no room for all of them.
Status write_batch(Editor& editor, const Call& call);

// ---- OR-Map
// Adds call.value, for call.ttl_ms.
Status add_to_set(Editor& editor, const Call& call);
// Removes every value equal to call.value that stands here; without a value, all.
//   not_found  None stands here.
Status remove_from_set(Editor& editor, const Call& call);

// ---- PN-Counter
// Adds call.value, an integer of any sign.
//   invalid  It is none, or this node's part is at its end.
Status add_to_counter(Editor& editor, const Call& call);

// ---- facts
// Does call.facts, in the map of call.scope: all of it or nothing here, and what is of one entity as one elsewhere too.
// Nothing of an entity that is deleted: that stays so.
//   invalid    A write breaks a rule, two are of one fact, or its entity is deleted.
//   too_large  More than kFactWritesMax, or those of one entity are more than one frame holds.
//   not_found  There is nothing to remove. Only of a write that stands alone.
//   full       The log or the store has no room for all of it.
Status write_facts(Editor& editor, const Call& call);
// Whether the entity that the call's row names is deleted.
//   not_found  It is not.
Status find_marker(Editor& editor, const Call& call);
// A new entity's id, into call.room, which holds kEntityIdBytes: 126 bits of chance in characters of A-Z a-z 0-9 _ -.
inline constexpr std::size_t kEntityIdBytes = 21;
Status draw_entity_id(Editor& editor, const Call& call);

// ---- LWW-Map
// Puts call.value where what stands is still `call.expected`.
//   conflict  It is not.
Status put_if(Editor& editor, const Call& call);

// ---- dead letters
// Discards call.letter; call.scope is its row.
//   not_found  There is none, or this device keeps none.
Status discard_letter(Editor& editor, const Call& call);

}  // namespace grid::runtime
