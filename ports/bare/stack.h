// SPDX-License-Identifier: Apache-2.0
//
// How much of the machine's stack was never used: it is painted, and what is left of the paint is looked for.
//
// Place     Lowest of ports/bare. The stack may grow down to the program's variables; there is no heap between them.
#pragma once

#include <cstddef>

namespace grid::bare {

// Paints what is below the caller's frame.
void paint_stack();
// What was still paint at the worst moment since then.
std::size_t stack_free_bytes();
// What was not: how deep it has been.
std::size_t stack_used_bytes();

}  // namespace grid::bare
