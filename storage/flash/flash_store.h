// SPDX-License-Identifier: Apache-2.0
//
// FlashStore: the Store of a machine that has nothing but raw NOR flash.
//
// Place     Implements storage/store.h on a NorDevice. The log is the flash; in memory are only addresses: eight bytes
//           a cell, in the order of names and in that of sequences.
// Promises  Those of store.h. append() programs at once and does bounded work; seal() programs one commit, and makes
//           room when that is short; flush() only says how it went; flushed() erases what comes free.
//           A sealed batch is on the medium when seal() returns: a crash keeps all of them.
//           A record that rots under a running store is lost, and counted, as soon as it is met: it costs no other one.
// Ownership All memory is carved from the arena at construction. The device is the caller's.
// Threads   As store.h says.
// Limits    A record lies within a sector. Damage found at mount() ends it with Status::corrupt, unless `salvage` says
//           to go on with what is left.
#pragma once

#include <atomic>

#include "crdt/base/arena.h"
#include "storage/flash/flash_ring.h"
#include "storage/store.h"

namespace grid::storage {

struct FlashOptions {
  std::uint32_t cells_max = 256;
  std::uint32_t in_flight_max = 32;  // Superseded ops that wait for the server, besides the cells.
  std::uint32_t facts_max = 32;
  std::uint32_t value_bytes_max = 1'024;
  std::uint32_t fact_bytes_max = Store::kFactBytesMax;
  std::uint32_t batch_bytes_max = 8'192;  // Of what is not flushed yet.
  bool salvage = false;                   // Mount what is left of a damaged log.
};

class FlashStore final : public Store {
 public:
  FlashStore(NorDevice& device, Arena& arena, const FlashOptions& options);

  // Before anything else, and once.
  //   invalid  The partition, or the memory, is too small for the options, or it was made for another size.
  //   corrupt  Noise, or a damaged log: problem() names the offset.
  //   newer    Of a later format.
  //   full     It holds more than the options have room for.
  //   io       The device failed.
  Status mount();
  // What the arena must have.
  static constexpr std::size_t memory_bytes(const FlashOptions& options, std::uint32_t sector_count) {
    const std::size_t slots = 2 * std::size_t{options.cells_max} + options.in_flight_max + options.facts_max;
    return flash::FlashRing::memory_bytes(sector_count) + slots * sizeof(Address) + record_bytes_max(options) + 64;
  }

  Result<Seq> append(const crdt::Op& op) override;
  Status has_room(std::size_t appends, std::size_t bytes) override;
  Status restamp(Seq seq, crdt::Stamp stamp, std::uint64_t expires_ms) override;
  Status share(Seq seq) override;
  Status settle(Seq seq) override;
  Seq shared() const override { return shared_; }
  Seq settled() const override { return settled_; }
  Status set_fact(std::string_view name, Bytes bytes) override;
  Result<Bytes> fact(std::string_view name) override;
  Result<Fact> next_fact(std::string_view prefix, std::string_view after) override;
  Result<crdt::Op> find(const crdt::CellName& name) override;
  Result<crdt::Op> next_cell(const crdt::CellName& after) override;
  Result<crdt::Op> next_op(Seq after) override;
  Seq head() const override { return head_; }
  std::uint64_t seal() override;
  Status flush() override { return outcome_.load(std::memory_order_acquire); }
  void flushed() override;
  const char* problem() const override { return problem_; }

  struct Wear {
    std::uint32_t sectors = 0;
    std::uint32_t sectors_good = 0;
    std::uint32_t erases_max = 0;
    std::uint64_t erases_sum = 0;
    std::uint32_t records_lost = 0;  // Damaged when they were read, since the mount.
  };
  Wear wear() const;
  std::uint64_t live_bytes() const { return std::uint64_t{live_units_} * flash::kUnitBytes; }
  // What the live records may come to.
  std::uint64_t live_bytes_max() const;
  std::size_t cell_count() const { return by_name_.size(); }

 private:
  using Address = flash::Address;
  using Head = flash::Head;
  using Kind = flash::Kind;
  using Addresses = Vec<Address>;

  // What stands under a name, or where it would.
  struct Place {
    std::size_t index = 0;
    bool is_there = false;
    Head head;  // Of what stands.
  };
  struct Compared {
    bool is_before = false, is_it = false;
    Head head;
  };

  static constexpr std::size_t record_bytes_max(const FlashOptions& options) {
    const std::size_t op = Head::kOpBytes + kNameBytesMax + 24 + options.value_bytes_max;
    const std::size_t fact = Head::kFactBytes + kFactNameBytesMax + options.fact_bytes_max;
    return ((op > fact ? op : fact) + flash::kUnitBytes - 1) / flash::kUnitBytes * flash::kUnitBytes;
  }

  // Reads, flash_reads.cc
  Status check(Address at, Head& head);
  void forget(Address at);
  Status check_around(const Addresses& order, std::size_t index);
  Status compare(const Addresses& order, Address at, const crdt::CellName& name, Seq seq, Compared& out);
  Result<Place> search_once(const Addresses& order, const crdt::CellName& name, Seq seq, bool after);
  Result<Place> search(const Addresses& order, const crdt::CellName& name, Seq seq, bool after);
  Result<crdt::Op> next_of(const Addresses& order, const crdt::CellName& name, Seq seq);
  Status compare_name(Address at, const crdt::CellName& name, Compared& out);
  Result<bool> begins_with(Address fact, std::string_view prefix);
  Result<Place> place_of(const crdt::CellName& name);
  Result<std::size_t> index_of_seq(Seq seq);
  Result<Place> place_of_fact(std::string_view name);
  Result<Bytes> read_record(Address at, Head& head);
  Result<crdt::Op> read_op(Address at);
  Result<Fact> read_fact(Address at);

  // Writes, flash_store.cc
  Status check_op(const crdt::Op& op);
  Status check_room(std::uint32_t bytes, std::uint32_t freed_units, bool makes_room);
  Result<Address> write(const Head& head, std::span<const Bytes> parts, bool makes_room);
  Result<Address> write_op(const crdt::Op& op, std::uint8_t flags, bool makes_room);
  bool stays_in_flight(const Place& place) const;
  void supersede(const Place& place, bool keeps);
  void drop_settled();
  // No more than there is: a damaged head may say anything.
  void release(std::uint32_t units) { live_units_ -= units < live_units_ ? units : live_units_; }

  // Commits and compaction, flash_compact.cc
  Status commit_batch();
  Status make_room();
  bool compact_some(std::uint32_t bytes);
  Status compact_step(std::uint32_t spare, std::uint32_t& units);
  bool can_compact() const;
  Status move(Address at, const Head& head, std::uint32_t spare);
  Address first_live(Address begin, Address end) const;

  // flash_mount.cc
  Status check_options();
  struct Doubt;
  Status find_doubt(Doubt& doubt);
  Result<bool> is_believed(Address at, const Head& head, const Doubt& doubt);
  Status replay();
  Status replay_record(Address at, const Head& head, Seq settled);
  Status replay_op(Address at, const Head& head, Seq settled);
  Status replay_again(Address at, const Head& head, std::size_t index);
  Status replay_fact(Address at, const Head& head);
  Result<crdt::CellName> read_name(Address at);

  Status fail(Status status, const char* what);
  Status fail_at(Status status, const char* what, std::uint64_t offset);
  Status fail_read(Status status, Address at);

  flash::FlashRing ring_;
  std::uint32_t sector_bytes_;
  Addresses by_name_;
  Addresses by_seq_;  // With kInFlight: superseded, and not settled yet.
  Addresses facts_;   // By name.
  MutBytes record_;   // What the last read gave out.
  std::uint32_t in_flight_count_ = 0;

  Seq head_ = 0, shared_ = 0, settled_ = 0;
  std::uint64_t seals_ = 0;
  std::uint32_t live_units_ = 0;
  std::uint32_t open_bytes_ = 0;       // Of the open batch.
  std::uint32_t unflushed_bytes_ = 0;  // With the sealed ones.
  std::uint32_t records_lost_ = 0;
  bool marks_moved_ = false;
  bool is_mounted_ = false;
  std::uint32_t batch_generation_ = 0;   // Of the sector in which the open batch began.
  std::size_t evacuated_ = 0;            // So many of the oldest sectors have nothing left that the log needs.
  Address cursor_ = 0, cursor_end_ = 0;  // In the sector after those.

  std::atomic<Status> outcome_ = Status::ok;
  FlashOptions options_;
  char problem_[160] = "";
};

}  // namespace grid::storage
