// SPDX-License-Identifier: Apache-2.0
//
// A row of an answer in one text: sizes and bytes, one value behind the other. Equal rows are equal texts.
//
// Place     Below live_facts.h and answer_cache.h.
#pragma once

#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "crdt/value.h"

namespace grid::runtime {

inline std::string packed(std::span<const crdt::Value> row) {
  std::string text;
  for (const crdt::Value& value : row) {
    const auto size = static_cast<std::uint32_t>(value.canonical().size());
    text.append(reinterpret_cast<const char*>(&size), sizeof(size)).append(as_text(value.canonical()));
  }
  return text;
}

// Views of `text`.
inline std::vector<crdt::Value> unpacked(const std::string& text) {
  std::vector<crdt::Value> row;
  for (std::size_t at = 0; at < text.size();) {
    std::uint32_t size = 0;
    std::memcpy(&size, text.data() + at, sizeof(size));
    at += sizeof(size);
    row.emplace_back(as_bytes(std::string_view(text).substr(at, size)));
    at += size;
  }
  return row;
}

}  // namespace grid::runtime
