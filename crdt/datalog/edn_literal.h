// SPDX-License-Identifier: Apache-2.0
//
// What single words of EDN stand for.
//
// Place     Inside crdt/datalog, below edn.h.
#pragma once

#include "crdt/base/bytes.h"
#include "crdt/base/status.h"

namespace grid::datalog::edn {

// `inside` of a text's quotes, or of a letter as one escape, with each escape undone, in the front of `room`, which is
// as long as `inside`.
//   invalid  An escape is none.
Result<std::string_view> unescaped(std::string_view inside, std::span<char> room);

// The character behind a backslash: "a", "newline", "u00e9", in the front of `room`.
//   invalid  It is none.
Result<std::string_view> letter_of(std::string_view name, std::span<char, 4> room);

// Milliseconds since 1970 of "2026-11-21T02:01:00.123+01:00", of which any end from the month on may be left out.
// UTC, where no offset is told.
//   invalid  It is not of that form, there is no such moment, or it tells more than milliseconds.
Result<std::int64_t> date_of(std::string_view text);

// Base64 with its padding, into the front of `room`.
//   invalid  It is not.
Result<Bytes> bytes_of(std::string_view base64, MutBytes room);

}  // namespace grid::datalog::edn
