// SPDX-License-Identifier: Apache-2.0
//
// A map's schema as a replica keeps it for its own use: a value, in facts of its store. It never travels.
//
// Place     Above storage/store.h and edit.h. What the value means is its reader's business (cli/schema.cc).
#pragma once

#include "runtime/edit.h"
#include "storage/store.h"

namespace grid::runtime {

// An edit: keeps call.value as the schema of call.scope.map; without a value, forgets it.
//   too_large  More than kSchemaBytesMax.
//   full, io   Of the store.
inline constexpr std::size_t kSchemaBytesMax = 65'536;
Status set_schema(Editor& editor, const Call& call);

// Into the front of `room`.
//   not_found  The map has none.
//   too_large  It is longer than the room.
Result<Bytes> schema_of(storage::Store& store, std::string_view map, MutBytes room);

}  // namespace grid::runtime
