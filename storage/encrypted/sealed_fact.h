// SPDX-License-Identifier: Apache-2.0
//
// What is inside the sealed piece of a fact: its name and its bytes. An op is as op_bytes.h has it.
//
// Place     Beside sealer.h, which it knows nothing of. docs/STORAGE.md has the tables.
// Promises  What is read back is what was written, or nothing.
// Ownership What is read is a view of the bytes.
#pragma once

#include "storage/store.h"

namespace grid::storage {

std::size_t sealed_fact_size(const Store::Fact& fact);
void write_sealed_fact(const Store::Fact& fact, MutBytes to);
bool read_sealed_fact(Bytes from, Store::Fact& out);

}  // namespace grid::storage
