// SPDX-License-Identifier: Apache-2.0
//
// HeapChunks: regions in the heap, for machines that have one.
//
// Place     Below fact_engine.h.
#pragma once

#include <new>

#include "crdt/base/region.h"

namespace grid::runtime {

class HeapChunks final : public Chunks {
 public:
  void* take(std::size_t bytes) override { return ::operator new(bytes, std::nothrow); }
  void give(void* chunk, std::size_t) override { ::operator delete(chunk); }
};

}  // namespace grid::runtime
