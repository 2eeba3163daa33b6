// SPDX-License-Identifier: Apache-2.0
//
// What stands behind the handles of grid/c.h.
//
// Place     Within ports/linux only: c_node.cc opens, runs and writes; c_reads.cc reads; c_search.cc searches.
#pragma once

#include <string>
#include <vector>

#include "ports/linux/grid/c.h"
#include "ports/linux/grid/linux.h"

struct grid_node {
  // Whoever gives tokens, of grid_options; outlives the host, which asks.
  struct {
    const char* (*ask)(void* context);
    void* context;
  } tokens{};
  grid::LinuxHost host;
  grid::Node* node = nullptr;  // The host's.
  // Of what the header promises to end with the node, if nobody ended it before.
  std::vector<grid_watch*> watches;
  std::vector<grid_search*> searches;
  std::vector<grid_batch*> batches;
};

namespace grid::c {

inline grid_status status_of(Status status) { return static_cast<grid_status>(status); }
inline std::string_view text_of(const char* text) { return text == nullptr ? std::string_view() : text; }
inline grid_value value_of(const Value& value) { return {value.canonical().data(), value.canonical().size()}; }
inline Value value_of(const grid_value& value) {
  return Value(Bytes(static_cast<const std::uint8_t*>(value.bytes), value.size));
}
inline grid_row row_of(const Change& row) {
  return {row.map.data(), row.map.size(), row.key.data(), row.key.size(), value_of(row.now), row.local};
}

// The canonical bytes of `json`; complains to the node when it is none.
Status parse(grid_node& node, const char* json, std::string& canonical);

}  // namespace grid::c
