// SPDX-License-Identifier: Apache-2.0
#include "transport/json/base64.h"

namespace grid::json {

namespace {

constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// Four digits for up to three bytes.
void append_group(std::string& out, Bytes group) {
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < 3; ++i) bits = bits << 8 | (i < group.size() ? group[i] : 0u);
  for (std::size_t i = 0; i < 4; ++i) out += i <= group.size() ? kDigits[bits >> (18 - 6 * i) & 63] : '=';
}

}  // namespace

void append_base64(std::string& out, Bytes bytes) {
  for (; bytes.size() > 3; bytes = bytes.subspan(3)) append_group(out, bytes.first(3));
  if (!bytes.empty()) append_group(out, bytes);
}

bool parse_base64(std::string_view text, std::string& bytes) {
  bytes.clear();
  const std::size_t end = text.find_last_not_of('=') + 1;
  std::uint32_t bits = 0;
  std::size_t held = 0;
  for (const char digit : text.substr(0, end)) {
    const std::size_t six = kDigits.find(digit);
    if (six == std::string_view::npos) return false;
    bits = bits << 6 | static_cast<std::uint32_t>(six);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes += static_cast<char>(bits >> held & 0xff);
  }
  // One reading only: the text that these bytes have.
  std::string again;
  append_base64(again, as_bytes(bytes));
  return again == text;
}

}  // namespace grid::json
