// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <cmath>

#include "transport/json/base64.h"
#include "transport/json/date.h"
#include "transport/json/value_json.h"

namespace grid::json {

namespace {

using crdt::Value;
using crdt::ValueKind;

void append_integer(std::string& out, std::int64_t number) {
  char text[24];
  out.append(text, std::to_chars(text, text + sizeof(text), number).ptr);
}

// The point tells a double from an integer, so it is never left out.
void append_number(std::string& out, double number) {
  if (std::isnan(number)) {
    out += R"({"$number":"nan"})";
  } else if (std::isinf(number)) {
    out += number > 0 ? R"({"$number":"inf"})" : R"({"$number":"-inf"})";
  } else {
    char text[32];
    const std::string_view shortest(
        text, static_cast<std::size_t>(std::to_chars(text, text + sizeof(text), number).ptr - text));
    out += shortest;
    if (shortest.find_first_of(".e") == std::string_view::npos) out += ".0";
  }
}

void append_bytes(std::string& out, Bytes bytes) {
  out += R"({"$bytes":")";
  append_base64(out, bytes);
  out += "\"}";
}

void append_timestamp(std::string& out, std::int64_t ms) {
  out += R"({"$timestamp":)";
  if (has_date(ms)) {
    append_date(out += '"', ms);
    out += '"';
  } else {
    append_integer(out, ms);
  }
  out += '}';
}

void append_list(std::string& out, const Value& list) {
  const char* before = "[";
  for (Value::Walk walk(list); walk.next(); before = ",") append_json(out += before, walk.value());
  out += *before == '[' ? "[]" : "]";
}

bool needs_escape(const Value& record) {
  for (Value::Walk walk(record); walk.next();) {
    if (walk.name().starts_with('$')) return true;
  }
  return false;
}

void append_record(std::string& out, const Value& record) {
  const bool escaped = needs_escape(record);
  if (escaped) out += R"({"$record":)";
  const char* before = "{";
  for (Value::Walk walk(record); walk.next(); before = ",") {
    append_json_text(out += before, walk.name());
    append_json(out += ':', walk.value());
  }
  out += *before == '{' ? "{}" : "}";
  if (escaped) out += '}';
}

void append_escape(std::string& out, char control) {
  constexpr std::string_view kShort = "\b\t\n\f\r";
  constexpr std::string_view kLetters = "btnfr";
  constexpr char kHex[] = "0123456789abcdef";
  out += '\\';
  if (const std::size_t index = kShort.find(control); index != std::string_view::npos) {
    out += kLetters[index];
  } else {
    out += "u00";
    out += kHex[control >> 4 & 15];
    out += kHex[control & 15];
  }
}

}  // namespace

void append_json_text(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      append_escape(out, c);
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_json(std::string& out, const Value& value) {
  switch (value.kind()) {
    case ValueKind::absent:
    case ValueKind::null:
      out += "null";
      break;
    case ValueKind::boolean:
      out += value.truth_or(false) ? "true" : "false";
      break;
    case ValueKind::integer:
      append_integer(out, value.integer_or(0));
      break;
    case ValueKind::number:
      append_number(out, value.number_or(0));
      break;
    case ValueKind::text:
      append_json_text(out, value.text_or(""));
      break;
    case ValueKind::bytes:
      append_bytes(out, value.bytes_or({}));
      break;
    case ValueKind::timestamp:
      append_timestamp(out, value.timestamp_or(0));
      break;
    case ValueKind::ref:
      append_json_text(out += R"({"$ref":)", value.text_or(""));
      out += '}';
      break;
    case ValueKind::list:
      append_list(out, value);
      break;
    case ValueKind::record:
      append_record(out, value);
      break;
  }
}

std::string json_from_value(const Value& value) {
  std::string out;
  append_json(out, value);
  return out;
}

}  // namespace grid::json
