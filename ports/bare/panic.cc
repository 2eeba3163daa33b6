// SPDX-License-Identifier: Apache-2.0
//
// Last words of a bare machine, and its heap: there is none, and whoever asks for some is stopped.

#include <stdio.h>
#include <stdlib.h>

#include <new>

#include "crdt/base/check.h"

namespace grid {

void panic(const char* what) {
  printf("grid: stopped by a broken invariant: %s\n", what);
  _Exit(70);
}

}  // namespace grid

extern "C" {
void* malloc(size_t) { grid::panic("malloc: there is no heap"); }
void* calloc(size_t, size_t) { grid::panic("calloc: there is no heap"); }
void* realloc(void*, size_t) { grid::panic("realloc: there is no heap"); }
void free(void*) { grid::panic("free: there is no heap"); }
}

void* operator new(std::size_t) { grid::panic("new: there is no heap"); }
void operator delete(void*) noexcept { grid::panic("delete: there is no heap"); }
void operator delete(void*, std::size_t) noexcept { grid::panic("delete: there is no heap"); }

// What libstdc++'s headers ask for where an exception would be thrown.
namespace std {
[[noreturn]] void __throw_out_of_range_fmt(const char* what, ...) { grid::panic(what); }
}  // namespace std
