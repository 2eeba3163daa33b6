// SPDX-License-Identifier: Apache-2.0
//
// View: which of the data models a cell belongs to, told by the first byte of its sub.
//
// Place     Above cell.h, below the views of several cells a key (or_map.h, pn_counter.h, facts.h). Storage and wire
//           don't ask; whoever shows cells to people does, and needs no schema for it.
#pragma once

#include "crdt/cell.h"

namespace grid::crdt {

enum class View : std::uint8_t {
  lww_map = 0,  // No sub: the key holds one value.
  or_map = 1,   // A tag: one value among those that the key holds.
  counter = 2,  // A node's part of the key's sum.
  facts = 3,    // An attribute of the entity that the key is (facts.h).
  unknown = 255,
};

inline View view_of(std::string_view sub) {
  if (sub.empty()) return View::lww_map;
  const auto kind = static_cast<View>(sub[0]);
  return kind >= View::or_map && kind <= View::facts ? kind : View::unknown;
}

// Of a fact (facts.h), whose sub begins with its view, the size of its attribute, and that. Empty: the marker, which
// buries the entity.
inline std::string_view attribute_of(std::string_view sub) {
  if (sub.size() < 2) return {};
  const std::size_t size = static_cast<std::uint8_t>(sub[1]), rest = sub.size() - 2;
  return {sub.data() + 2, size < rest ? size : rest};
}

// Behind every sub of a key: a scan from there goes on with the next one.
inline constexpr std::string_view kBehindAllSubs = "\xff";

}  // namespace grid::crdt
