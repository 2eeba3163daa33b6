// SPDX-License-Identifier: Apache-2.0
//
// The order of values: one total order over all types, by which predicates compare and rows are sorted.
//
// Place     Lowest of crdt/query. Knows crdt/value.h.
// Promises  QRY-1  Total: any two values are less, equal or greater, transitively, and alike on every machine. Integers
//                  and numbers compare exactly as numbers, without rounding either.
//
//     absent < null < false < true < NaN < numbers < text < bytes < timestamps < refs < lists < records < stubs
//
// Text, bytes and refs compare as memcmp does; lists element by element; records by their fields in order of name,
// each field's name before its value; of two of which one begins the other, the shorter is less.
#pragma once

#include "crdt/value.h"

namespace grid::query {

using crdt::Value;
using crdt::ValueKind;

// What compares with each other: integers and numbers are one class, every other kind is its own.
ValueKind class_of(ValueKind kind);
inline bool are_of_one_class(const Value& a, const Value& b) { return class_of(a.kind()) == class_of(b.kind()); }

// Less than 0, 0 or more than 0.
int compare(const Value& a, const Value& b);

}  // namespace grid::query
