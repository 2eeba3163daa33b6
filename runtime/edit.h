// SPDX-License-Identifier: Apache-2.0
//
// Edit: a write that reads first. What a view over several cells of a key does within one step.
//
// Place     Beside call.h, which carries an edit as a function: a device that uses no such view links none. The edits
//           are in edits.h, a replica is the editor.
// Ownership What is read stands until the next call on the editor.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "crdt/base/status.h"
#include "crdt/cell.h"
#include "runtime/problem.h"

namespace grid::storage {
class Store;
}

namespace grid::runtime {

struct Call;
struct CellChange;
class LetterBox;
class Random;

// A row of a batch. By reference.
struct RowWrite {
  std::string_view map;
  std::string_view key;
  Bytes value{};  // Empty removes.
  std::uint64_t ttl_ms = 0;
};
inline constexpr std::size_t kBatchRowsMax = 64;

// A change of what is known of an entity (crdt/facts.h). By reference.
struct FactWrite {
  enum class Verb : std::uint8_t {
    set,            // The one object under the predicate.
    add,            // One of its objects.
    remove,         // An object, however it was given, or all of the predicate, if `object` is empty.
    delete_entity,  // For good.
  };

  std::string_view entity;  // Its key.
  Verb verb = Verb::set;
  std::string_view predicate{};
  Bytes object{};  // A value.
  std::uint64_t ttl_ms = 0;
};
inline constexpr std::size_t kFactWritesMax = 64;

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
  // Null: this device keeps none. Whoever changes them, or a fact of the store, calls touch().
  virtual LetterBox* letters() = 0;
  virtual void touch() = 0;
  virtual bool knows_facts() const = 0;
  virtual storage::Store& store() = 0;
  virtual Random& chance() = 0;

  // ---- several rows at once
  virtual std::string_view app() const = 0;
  virtual std::uint64_t expiry_of(std::uint64_t ttl_ms) const = 0;
  //   invalid, too_large  As Write::status(), and problem() says why.
  virtual Status check_row(const RowWrite& row) = 0;
  //   too_large  The cells and nothing else are more than one frame holds.
  virtual Status check_unit(std::span<const CellChange> cells) = 0;
  // Whether so many rows can be written, all of them, of which some bring along the rest of a unit.
  virtual Status has_room(std::size_t rows, std::size_t units, std::size_t bytes) = 0;
  // As OpLog::write_unit(). A store that fails halfway stops the node: nothing of it is ever committed.
  virtual Status put_unit(std::span<const CellChange> cells) = 0;

 protected:
  ~Editor() = default;
};

using Edit = Status (*)(Editor& editor, const Call& call);

}  // namespace grid::runtime
