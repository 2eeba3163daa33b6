// SPDX-License-Identifier: Apache-2.0
//
// HeapChunks: regions in the heap, for machines that have one.
//
// Place     Below fact_engine.h.
// Promises  BND-1  All regions that share it take together at most the bytes that it is given.
#pragma once

#include <cstdint>
#include <new>

#include "crdt/base/region.h"

namespace grid::runtime {

class HeapChunks final : public Chunks {
 public:
  explicit HeapChunks(std::size_t bytes_max = SIZE_MAX) : bytes_max_(bytes_max) {}

  void* take(std::size_t bytes) override {
    if (bytes > bytes_max_ - taken_) return nullptr;
    void* const chunk = ::operator new(bytes, std::nothrow);
    if (chunk != nullptr) taken_ += bytes;
    return chunk;
  }
  void give(void* chunk, std::size_t bytes) override {
    taken_ -= bytes;
    ::operator delete(chunk);
  }
  std::size_t taken() const { return taken_; }

 private:
  std::size_t bytes_max_;
  std::size_t taken_ = 0;
};

}  // namespace grid::runtime
