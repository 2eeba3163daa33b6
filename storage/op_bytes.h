// SPDX-License-Identifier: Apache-2.0
//
// The bytes of an op with its name, as stores keep them that lie on a file system. docs/STORAGE.md has the table.
//
// Place     Below lmdb/ and encrypted/, which put around them what tells that they are whole.
// Promises  What is read back is what was written, or nothing: one op has one form.
// Ownership What is read is a view of the bytes.
#pragma once

#include "crdt/cell.h"

namespace grid::storage {

inline constexpr std::size_t kOpHeadBytes = 7 + crdt::Stamp::kBytes;
inline constexpr std::size_t kOpBytesAside =
    kOpHeadBytes + crdt::Stamp::kBytes + 8 + 2;  // Of names and value, at most.

std::size_t op_bytes_size(const crdt::Op& op);
// Fills `to`, which is op_bytes_size(op) long. The sequence is not in it.
void write_op_bytes(const crdt::Op& op, MutBytes to);
bool read_op_bytes(Bytes from, crdt::Op& out);

}  // namespace grid::storage
