// SPDX-License-Identifier: Apache-2.0
//
// Values and keys as atoms, and back.
//
// Place     Above atom.h and symbols.h.
// Promises  What was one value comes back as that value; of numbers the whole ones as integers, of a ref the id as an
//           integer or a text.
#pragma once

#include "crdt/datalog/symbols.h"
#include "crdt/value.h"

namespace grid::datalog {

using crdt::Value;
using crdt::ValueKind;

// Whether it is an integer of 64 bits as well.
bool is_whole(double number);
// What a key says that an entity's id is: an integer, or a text without the quotes that it may stand in.
std::string_view id_of_ref(std::string_view key, std::int64_t& number, bool& is_number);

Result<Atom> atom_of_whole(std::int64_t number, Interner& interner);
Result<Atom> atom_of_number(double number, Interner& interner);
Result<Atom> atom_of_date(std::int64_t moment, Interner& interner);
Result<Atom> atom_of_text(std::string_view text, Interner& interner);
// `room_from` lends what a list or a record takes meanwhile. An absent value is nil.
Result<Atom> atom_of_value(const Value& value, Interner& interner, Region& room_from);

// The entity that a key stands for: an integer where the key is the decimal text of one, a text else. A text that would
// read as an integer, or begins with a double quote, stands between double quotes in the key.
Result<Atom> entity_of_key(std::string_view key, Interner& interner);
// Its key, in the front of `room` where it isn't as it stands; empty where `entity` is neither integer nor text.
std::string_view key_of_entity(Atom entity, const Symbolic& symbols, std::span<char> room);

inline std::string_view text_of(Atom text, const Symbolic& symbols) { return as_text(symbols.bytes_of(text.symbol())); }

// Only for an atom that exists.
void write_atom(Atom atom, const Symbolic& symbols, crdt::ValueWriter& writer);

}  // namespace grid::datalog
