// SPDX-License-Identifier: Apache-2.0
//
// Lists and records as atoms. A lean engine (lean.h) knows none.
//
// Place     Beside values.h, which asks it for what is no scalar.
#pragma once

#include "crdt/datalog/values.h"

namespace grid::datalog {

Result<Atom> atom_of_container(const Value& value, Interner& interner, Region& room_from);
// Of two of one kind, by their canonical encodings.
int order_containers(Bytes a, Bytes b);

}  // namespace grid::datalog
