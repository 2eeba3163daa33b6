// SPDX-License-Identifier: Apache-2.0
//
// FixedStore: a Store in a fixed number of slots, which stands for a chip's medium where none is under test.
//
// Place     Implements storage/store.h for the firmware of this folder. Finds by looking at every slot.
// Promises  Those of store.h but STO-1: nothing survives a power cut.
// Limits    kRecords log records of small rows, kFacts facts; what does not fit is `full` or `too_large`.
#pragma once

#include "storage/store.h"

namespace grid::storage {

class FixedStore final : public Store {
 public:
  static constexpr std::size_t kRecords = 320;
  static constexpr std::size_t kFacts = 16;

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
  std::uint64_t seal() override { return ++sealed_; }
  Status flush() override { return Status::ok; }
  void flushed() override {}
  const char* problem() const override { return problem_; }

 private:
  // Bytes of fixed room.
  template <std::size_t kMax>
  struct Text {
    std::uint8_t size = 0;
    std::uint8_t bytes[kMax];

    void set(Bytes from) {
      size = static_cast<std::uint8_t>(from.size());
      copy(from, bytes);
    }
    Bytes view() const { return {bytes, size}; }
  };
  struct Record {
    crdt::Op op;            // Its views are empty: view() makes them. No sequence: the slot is free.
    bool standing = false;  // In the index; else in the log only, until it is settled.
    Text<16> map;
    Text<32> key;
    Text<16> sub;
    Text<64> value;

    crdt::Op view() const;
    crdt::CellName name() const { return {as_text(map.view()), as_text(key.view()), as_text(sub.view())}; }
  };
  struct NamedFact {
    Text<32> name;
    Text<64> bytes;
  };

  Record* standing(const crdt::CellName& name);
  void supersede(Record& record);
  NamedFact* named(std::string_view name);

  Record records_[kRecords];
  NamedFact facts_[kFacts];
  Seq head_ = 0;
  Seq shared_ = 0;
  Seq settled_ = 0;
  std::uint64_t sealed_ = 0;
  const char* problem_ = "";
};

}  // namespace grid::storage
