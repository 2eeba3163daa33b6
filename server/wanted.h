// SPDX-License-Identifier: Apache-2.0
//
// Wanted: whether some subscription of a device wants a row as it stands (PROTOCOL P22).
//
// Place     Below session.h, which knows them all; for those who know one.
#pragma once

#include "crdt/cell.h"

namespace grid::server {

struct Wanted {
  bool (*ask)(const void* at, const crdt::Cell& row);
  const void* at;

  bool operator()(const crdt::Cell& row) const { return ask(at, row); }
};

}  // namespace grid::server
