// SPDX-License-Identifier: Apache-2.0
//
// Edit: a write that reads first. What a view over several cells of a key does within one step.
//
// Place     Beside call.h, which carries an edit as a function: a device that uses no such view links none. The edits
//           are in edits.h, a replica is the editor.
// Ownership What is read stands until the next call on the editor.
#pragma once

#include <cstdint>

#include "crdt/base/status.h"
#include "crdt/cell.h"
#include "runtime/problem.h"

namespace grid::runtime {

struct Call;

class Editor {
 public:
  // What stands under the name, tombstones included.
  virtual Result<crdt::Op> standing(const crdt::CellName& name) = 0;
  // The first standing cell whose name is greater.
  virtual Result<crdt::Op> behind(const crdt::CellName& name) = 0;
  // It was written here, and no link has seen it.
  virtual bool is_unshared(const crdt::Op& op) const = 0;
  // Whether it is pending: what stands may yet be refused.
  virtual bool is_pending(const crdt::Op& op) const = 0;
  virtual crdt::NodeId node() const = 0;
  // The sequence that the next cell gets.
  virtual crdt::Seq next_seq() const = 0;
  // By which expiry is judged; 0 while the time is unknown.
  virtual std::uint64_t known_ms() const = 0;

  // Writes a cell; empty `value` is a tombstone. Counts as the call's write.
  //   as Write::status()
  virtual Status put_cell(const crdt::CellName& name, Bytes value, std::uint64_t ttl_ms) = 0;
  // Takes back an unshared op that stands alone: as if it had never been written (PROTOCOL P26).
  virtual Status withdraw(const crdt::Op& op) = 0;
  virtual Problem& problem() = 0;

 protected:
  ~Editor() = default;
};

using Edit = Status (*)(Editor& editor, const Call& call);

}  // namespace grid::runtime
