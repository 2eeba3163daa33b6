// SPDX-License-Identifier: Apache-2.0
//
// Observer: who is told what becomes of each op, so that one can be followed from its link to the database.
//
// Place     Below coordinator.h. A host writes it down (server/host/op_log.h). Never told: a value, or a token.
// Ownership What it is shown stands until it returns. It makes no call on the coordinator.
// Threads   None: the coordinator's.
#pragma once

#include <string_view>

#include "crdt/base/status.h"
#include "crdt/cell.h"
#include "runtime/machine.h"
#include "storage/store.h"

namespace grid::server {

// An op that was judged. Its link and its `seq` name it for as long as the link lasts, its stamp for ever.
struct SeenOp {
  runtime::LinkId link = 0;  // 0: by HTTP.
  std::string_view identity{};
  crdt::Seq seq = 0;
  crdt::Stamp stamp{};  // None by HTTP: the gateway gives it one.
  crdt::CellName name{};
  bool is_removal = false;
  Status status = Status::ok;  // ok: it was taken.
  std::string_view why{};      // It was not, as a sentence; may be empty.
  storage::Seq position = 0;   // Its arrival; 0: nothing arrived, it was here or has lost.
};

class Observer {
 public:
  // Whether ops and acknowledgements are of interest just now; the rest is told anyhow.
  virtual bool wants_ops() const = 0;
  virtual void op(const SeenOp& seen) = 0;
  // What of the link's ops its device is told to be applied, and to be durable.
  virtual void acknowledged(runtime::LinkId link, crdt::Seq applied, crdt::Seq durable) = 0;
  // The session of this link ends, by the gateway's or the device's wish.
  virtual void ended(runtime::LinkId link, Status status, std::string_view reason) = 0;
  // What arrived up to here is on disk,
  virtual void durable(storage::Seq through) = 0;
  // and is in the database.
  virtual void drained(storage::Seq through) = 0;

 protected:
  ~Observer() = default;
};

}  // namespace grid::server
