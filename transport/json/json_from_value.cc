// SPDX-License-Identifier: Apache-2.0
#include <charconv>
#include <cmath>
#include <vector>

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

void append_scalar(std::string& out, const Value& value) {
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
    case ValueKind::stub:
      out += R"({"$stub":)" + std::to_string(value.stub_bytes()) + "}";
      break;
    case ValueKind::list:
    case ValueKind::record:
      break;
  }
}

// A list or a record that is being written: of those, a value has no more than kValueDepthMax at a time.
struct Open {
  Value::Walk walk;
  bool is_record;
  std::string_view end;
  bool is_first = true;
};

bool needs_escape(const Value& record) {
  for (Value::Walk walk(record); walk.next();) {
    if (walk.name().starts_with('$')) return true;
  }
  return false;
}

// All of a scalar, or the beginning of anything else.
void begin(std::string& out, const Value& value, std::vector<Open>& open) {
  if (value.kind() == ValueKind::list) {
    out += '[';
    open.push_back({Value::Walk(value), false, "]"});
  } else if (value.kind() == ValueKind::record) {
    const bool escaped = needs_escape(value);
    out += escaped ? R"({"$record":{)" : "{";
    open.push_back({Value::Walk(value), true, escaped ? "}}" : "}"});
  } else {
    append_scalar(out, value);
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
  std::vector<Open> open;
  begin(out, value, open);
  while (!open.empty()) {
    Open& innermost = open.back();
    if (!innermost.walk.next()) {
      out += innermost.end;
      open.pop_back();
      continue;
    }
    if (!innermost.is_first) out += ',';
    innermost.is_first = false;
    if (innermost.is_record) {
      append_json_text(out, innermost.walk.name());
      out += ':';
    }
    begin(out, innermost.walk.value(), open);
  }
}

std::string json_from_value(const Value& value) {
  std::string out;
  append_json(out, value);
  return out;
}

}  // namespace grid::json
