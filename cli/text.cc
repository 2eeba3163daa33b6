// SPDX-License-Identifier: Apache-2.0
#include "cli/text.h"

#include <algorithm>
#include <cstdio>

#include "crdt/cell.h"
#include "transport/json/value_json.h"

namespace grid::cli {

std::string json_text(std::string_view text) {
  std::string clean(text);
  if (!crdt::is_utf8(text)) {
    std::replace_if(
        clean.begin(), clean.end(), [](char byte) { return static_cast<unsigned char>(byte) >= 0x80; }, '?');
  }
  std::string json;
  json::append_json_text(json, clean);
  return json;
}

std::string hex(std::uint64_t number) {
  char digits[17];
  std::snprintf(digits, sizeof(digits), "%016llx", static_cast<unsigned long long>(number));
  return digits;
}

std::string stamp_text(const crdt::Stamp& stamp) {
  if (stamp.is_none()) return {};
  std::string text(crdt::Stamp::kTextBytes, ' ');
  crdt::format(stamp, text.data());
  return text;
}

std::string counted(std::uint64_t count, std::string_view what) {
  std::string text = std::to_string(count) + " ";
  text += what;
  return count == 1 ? text : text += 's';
}

}  // namespace grid::cli
