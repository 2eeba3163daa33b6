// SPDX-License-Identifier: Apache-2.0
//
// OR-Map: the view of cells in which a key holds a set of values, and a remove takes away what its replica has seen.
//
// Place     Above view.h. A view says what cells mean; it stores nothing.
// Promises  ORM-1  Each add is a cell of its own, under a tag that is never used twice. A remove buries the tags that
//                  it names, so a value that is added elsewhere at the same time survives.
//
// After Shapiro et al., "A comprehensive study of Convergent and Commutative Replicated Data Types" (2011),
// section 3.3.5, with tombstones that are cells.
#pragma once

#include "crdt/view.h"

namespace grid::crdt {

// Who added, and as which op of its log. It stands as it is when the op gets another stamp.
struct OrTag {
  static constexpr std::size_t kBytes = 17;

  NodeId node = 0;
  Seq seq = 0;

  static bool is(std::string_view sub) { return sub.size() == kBytes && view_of(sub) == View::or_map; }
  static OrTag read(std::string_view sub) {
    const std::uint8_t* from = as_bytes(sub).data();
    return {load_be(from + 1), load_be(from + 9)};
  }
  std::string_view write(std::uint8_t (&to)[kBytes]) const {
    to[0] = static_cast<std::uint8_t>(View::or_map);
    store_be(node, to + 1);
    store_be(seq, to + 9);
    return as_text(to);
  }
};

}  // namespace grid::crdt
