// SPDX-License-Identifier: Apache-2.0
//
// What is inside a sealed piece: an op with its name, or a fact with its name.
//
// Place     Beside sealer.h, which it knows nothing of. docs/STORAGE.md has the tables.
// Promises  What is read back is what was written, or nothing.
// Ownership What is read is a view of the bytes.
#pragma once

#include "storage/store.h"

namespace grid::storage {

inline constexpr std::size_t kSealedOpBytesAside = 6 + 16 + 16 + 8 + 2;  // Of names and value, at most.

std::size_t sealed_op_size(const crdt::Op& op);
// Fills `to`, which is sealed_op_size(op) long. Sequence and `local` are not in it: they stand beside it.
void write_sealed_op(const crdt::Op& op, MutBytes to);
bool read_sealed_op(Bytes from, crdt::Op& out);

std::size_t sealed_fact_size(const Store::Fact& fact);
void write_sealed_fact(const Store::Fact& fact, MutBytes to);
bool read_sealed_fact(Bytes from, Store::Fact& out);

}  // namespace grid::storage
