// SPDX-License-Identifier: Apache-2.0
//
// Values as JSON text and back.
//
// Place     A shell above crdt/value.h, for people and their programs: gridctl, HTTP, the server's database. Nothing
//           that is hashed or compared passes through here.
// Promises  value -> text -> value gives the same canonical bytes. A number without a point or an exponent is an
//           integer, every other one is a double, and doubles are written as the shortest text that reads back the
//           same.
//
// What JSON can't say is an object of one field whose name begins with '$':
//   {"$bytes": "3q2+7w=="}                      base64 with padding
//   {"$timestamp": "2026-11-21T02:01:00.123Z"}  or milliseconds since 1970 UTC as an integer
//   {"$ref": "bench/3"}
//   {"$number": "nan"}                          or "inf", "-inf"
//   {"$record": {"$bytes": 1}}                  a record that has such a name itself
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "crdt/base/status.h"
#include "crdt/value.h"

namespace grid::json {

// Where a text is wrong, and how.
struct JsonError {
  std::size_t at = 0;    // Byte of the text at which the trouble begins.
  std::size_t line = 1;  // The same for people, both from 1; a column is a byte.
  std::size_t column = 1;
  std::string sentence{};  // Without a full stop: "the field \"a\" occurs twice"
};

// The canonical encoding of the one value that `text` is.
//   invalid    It is not JSON in UTF-8, an integer is beyond 64 bits, a number is beyond a double, a field occurs
//              twice, or a name that begins with '$' stands where none may.
//   too_large  Deeper than kValueDepthMax, a record of more than kRecordFieldsMax fields, or beyond kValueBytesMax.
Status value_from_json(std::string_view text, std::string& canonical, JsonError& error);

// On one line, fields in canonical order; "null" for an absent value.
std::string json_from_value(const crdt::Value& value);
void append_json(std::string& out, const crdt::Value& value);

// `text` (UTF-8) as a JSON string, with its quotes.
void append_json_text(std::string& out, std::string_view text);

}  // namespace grid::json
