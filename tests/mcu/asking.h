// SPDX-License-Identifier: Apache-2.0
//
// Asking: a device that has facts and is asked about them: join, range, aggregates, recursion, pull, negation; what is
// beyond its budget; and again. Told on a chip, and on Linux for the sake of sanitizers.
//
// Place     Above runtime/grid/small_datalog.h. Whoever tells it says how its questions are put: in C++ or as texts.
#pragma once

#include "runtime/grid/small_datalog.h"

namespace grid::mcu {

enum class Asked : std::uint8_t { join, range, aggregate, recursion, pull, negation, branches, beyond };

// Whether the engine that is linked has all of the language, or what crdt/datalog/lean.h says.
#ifdef GRID_LEAN
inline constexpr bool kIsLean = true;
#else
inline constexpr bool kIsLean = false;
#endif

// asked_made.cc, asked_read.cc
Result<datalog::Query> question(Asked asked, Arena& arena);

// What was answered took at most,
struct Asking {
  std::size_t memory = 0;  // of what is lent to a question,
  std::size_t query = 0;   // and for the question itself.
  std::uint64_t steps = 0;
  // Null: all was as it must be. Else what was not; and what came instead.
  const char* failed = nullptr;
  char came[512] = "";
  // Room that is not on the stack.
  char text[512], whole[512], kept[256];
};

// Where words have 64 bits all is larger, and what is taken at once is more.
inline constexpr std::size_t kAskingBytes = (sizeof(void*) < 8 ? 24 : 96) * 1'024;
inline constexpr std::size_t kAskingQueryBytes = (sizeof(void*) < 8 ? 8 : 16) * 1'024;

// `node` is open with kFactViews and has no facts.
void tell(Node& node, MutBytes memory, MutBytes room, Asking& asking);

}  // namespace grid::mcu
