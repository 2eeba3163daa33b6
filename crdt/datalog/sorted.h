// SPDX-License-Identifier: Apache-2.0
//
// Sorting: that of the standard library, or where memory is counted in KiB a heap sort, which is a fifth of its code.
//
// Place     Lowest of crdt/datalog.
#pragma once

#include <algorithm>

#include "crdt/datalog/symbols.h"

namespace grid::datalog {

template <typename T, typename IsBefore>
void heap_sort(T* items, std::size_t size, IsBefore is_before) {
  for (std::size_t begin = size / 2, end = size; end > 1;) {
    begin > 0 ? --begin : (std::swap(items[0], items[--end]), 0);
    for (std::size_t at = begin, child = 2 * at + 1; child < end; at = child, child = 2 * at + 1) {
      if (child + 1 < end && is_before(items[child], items[child + 1])) ++child;
      if (!is_before(items[at], items[child])) break;
      std::swap(items[at], items[child]);
    }
  }
}

// All that stands before `middle` is sorted, and nothing behind it comes before that.
template <typename T, typename IsBefore>
void sort_until(T* first, T* middle, T* last, IsBefore is_before) {
  if constexpr (kIsSmallMachine) {
    heap_sort(first, static_cast<std::size_t>(last - first), is_before);
  } else {
    std::partial_sort(first, middle, last, is_before);
  }
}

template <typename T, typename IsBefore>
void sort_all(T* first, T* last, IsBefore is_before) {
  if constexpr (kIsSmallMachine) {
    heap_sort(first, static_cast<std::size_t>(last - first), is_before);
  } else {
    std::sort(first, last, is_before);
  }
}

}  // namespace grid::datalog
