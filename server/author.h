// SPDX-License-Identifier: Apache-2.0
//
// Author: the gateway as a writer of cells: its own node id and clock.
//
// Place     Above journal.h, below session.h. Writes only what a policy's outcome calls for (PROTOCOL P7, P10).
// Promises  Its stamps lie above everything that was ever merged here and above every stamp of its own. Each start has
// a
//           node id of its own: what was relayed and lost with a power cut, or with a restored journal, stands for no
//           other write (CLK-1).
#pragma once

#include <string>

#include "crdt/clock.h"
#include "runtime/random.h"
#include "server/journal.h"

namespace grid::server {

class Author {
 public:
  Author(Journal& journal, runtime::Random& random) : journal_(journal), random_(random) {}

  // Sets `name` to `value`, of the caller and not the store's (empty: removed), under a stamp of its own, above `above`
  // as well.
  //   full, io, corrupt  As Journal::merge(); nothing was written.
  Status write(const crdt::CellName& name, Bytes value, std::uint64_t expires_ms, crdt::Stamp above);
  // The same for what stands under `name`: it stands again, above `above`; or is removed, when nothing is known of it.
  Status renew(const crdt::CellName& name, crdt::Stamp above);

 private:
  Journal& journal_;
  runtime::Random& random_;
  crdt::Clock clock_;
};

}  // namespace grid::server
