// SPDX-License-Identifier: Apache-2.0
//
// DeadLetters: the ops that did not get through, kept in the store until somebody retries or discards them.
//
// Place     Above storage/store.h, beside the replica, which it is given to (ReplicaOptions::letters).
// Promises  Bounded, and never cleared silently: a full list keeps what it has, as the first failure tells more than
// its
//           followers, and counts what found no room. A letter goes into the commit that takes its op back.
// Ownership Borrows its memory for life, and the store of its replica. A letter that is read stands in that memory
// until the next call.
//
// A letter is a run of facts, `dead/` + its sequence in hex + `/` + a part's number: a head, its names and sentence,
// the value. What was superseded, and may yet matter, is kept alike under `was/`, by the sequence of its superseder.
#pragma once

#include "crdt/base/bytes.h"
#include "runtime/letter_box.h"
#include "storage/store.h"

namespace grid::runtime {

struct DeadLetterOptions {
  std::uint32_t letters_max = 1'000;
  std::uint64_t bytes_max = 16u << 20;                       // Of all of them.
  std::uint32_t part_bytes = storage::Store::kFactBytesMax;  // Of a fact in this store: FlashOptions::fact_bytes_max.
};

class DeadLetters final : public LetterBox {
 public:
  static constexpr std::size_t kSentenceBytesMax = 120;
  static constexpr std::size_t kHeadBytes = 42;
  // What the memory holds for values up to so many bytes: one letter.
  static constexpr std::size_t memory_bytes(std::uint32_t value_bytes_max) {
    return kHeadBytes + kNameBytesMax + kSentenceBytesMax + value_bytes_max;
  }

  explicit DeadLetters(MutBytes memory, const DeadLetterOptions& options = {});

  void open(storage::Store& store) override;
  void supersede(OpLog& log, const crdt::CellName& name, crdt::Seq by) override;
  Status refuse(OpLog& log, crdt::Seq seq, Status why, std::string_view sentence) override;
  void drop(const crdt::Op& op) override;
  void settle() override;
  Result<Letter> next(crdt::Seq after) override;
  Status discard(crdt::Seq id) override;
  std::uint32_t count() const override { return dead_.letters; }
  std::uint64_t unkept_count() const override { return unkept_; }

  // What the above are made of.
  void keep(const Letter& letter);
  // `earlier` was never sent, and op `by` takes its place.
  void note_superseded(const crdt::Op& earlier, crdt::Seq by);
  // Op `by` was refused: what it took the place of becomes a letter. Its sequence; 0: there was none, or it is unknown.
  crdt::Seq lose_with(crdt::Seq by);

 private:
  // Of facts under one prefix.
  struct Tally {
    std::uint32_t letters = 0;
    std::uint64_t bytes = 0;
  };
  class Name;

  Tally tally(std::string_view prefix);
  std::size_t encode(const Letter& letter);
  Status write(std::string_view prefix, crdt::Seq id, std::size_t size, Tally& kept);
  Status erase(std::string_view prefix, crdt::Seq id, Tally& kept);
  Result<Letter> read(std::string_view prefix, crdt::Seq id);
  void miss();

  storage::Store* store_ = nullptr;
  MutBytes memory_;
  DeadLetterOptions options_;
  Tally dead_;
  Tally was_;
  std::uint64_t unkept_ = 0;
};

}  // namespace grid::runtime
