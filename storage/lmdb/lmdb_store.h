// SPDX-License-Identifier: Apache-2.0
//
// LmdbStore: the Store of a machine with a file system, log first over LMDB.
//
// Place     Implements storage/store.h. Knows LMDB, files and one mutex; no clock.
// Promises  Those of store.h. What a full disk did not take stays, in memory, and the next flush tries again. After
//           any other failure of a write or a sync no flush succeeds, until the store is opened again.
//           One process has a store open at a time.
// Ownership Views stand until the next call, as store.h says; they may be of the map itself.
// Threads   As store.h says.
// Limits    What is not flushed takes batch_bytes_max. What is not folded takes about 150 bytes an entry, twice
//           table_entries_max of them.
//
// Writing appends to the log only, which is cheap because it is in order; the index is folded from it now and then,
// many names at once and in order. Until then they are in a table in memory, which a reopening makes again from the
// end of the log. A read asks the tables, newest first, then the index, for the sequence, and then the log.
// docs/STORAGE.md has every byte.
#pragma once

#include <deque>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "storage/lmdb/medium.h"
#include "storage/rewritable_store.h"

namespace grid::storage {

struct LmdbOptions {
  std::string path;                                                         // A directory; made if it isn't there.
  std::size_t map_bytes = sizeof(void*) == 8 ? 1'073'741'824 : 67'108'864;  // To begin with: it grows. Costs no memory.
  std::size_t table_entries_max = 32'768;                                   // Then the table is folded.
  std::size_t batch_bytes_max = std::size_t{64} * 1'048'576;
  std::size_t value_bytes_max = kValueBytesMax;  // Up to kDecorationBytesMax more.
  bool sync = true;                              // False for benchmarks: a crash of the machine may corrupt the store.
};

class LmdbStore final : public RewritableStore {
 public:
  // The store in `options.path`; null with `status` and `problem`, a sentence, when it can't be opened:
  //   busy     Another process has it open; `problem` says which.
  //   invalid  The directory is not empty, and not a store. Nothing was changed.
  //   newer    Of a format of a later release. Nothing was changed.
  //   denied   The directory can't be written by this user, or is on a medium that can't be written.
  //   corrupt  The file was cut short, or a record that must be read does not read.
  //   full, io
  static std::unique_ptr<LmdbStore> open(const LmdbOptions& options, Status& status, std::string& problem);

  Result<Seq> append(const crdt::Op& op) override;
  Status has_room(std::size_t appends, std::size_t bytes) override;
  Status restamp(Seq seq, crdt::Stamp stamp, std::uint64_t expires_ms) override;
  Status rewrite(Seq seq, Bytes value) override;
  Status share(Seq seq) override;
  Status settle(Seq seq) override;
  Seq shared() const override { return marks_.shared; }
  Seq settled() const override { return marks_.settled; }
  Status set_fact(std::string_view name, Bytes bytes) override;
  Result<Bytes> fact(std::string_view name) override;
  Result<Fact> next_fact(std::string_view prefix, std::string_view after) override;
  Result<crdt::Op> find(const crdt::CellName& name) override;
  Result<crdt::Op> next_cell(const crdt::CellName& after) override;
  Result<crdt::Op> next_op(Seq after) override;
  Seq head() const override { return marks_.head; }
  std::uint64_t seal() override;
  Status flush() override;
  void flushed() override;
  const char* problem() const override;

 private:
  struct Frozen {
    lmdb::NameTable table;
    Seq through = 0;
  };
  struct FactChange {
    std::string bytes;  // Empty: removed.
    std::uint64_t batch = 0;
  };
  struct Restamped {
    Bytes record;
    std::uint64_t batch = 0;
  };

  static constexpr std::size_t kFoldSteps = 128;  // That a full table is folded in, unless batches are large.

  explicit LmdbStore(const LmdbOptions& options) : options_(options) {}
  Status load();
  Status replay();

  // Reads, through all layers. 0 is MDB_SUCCESS.
  int standing(std::string_view name, Seq& seq);
  int next_name(std::string_view& name, Seq& seq);
  int record(Seq seq, Bytes& out);
  int next_record(Seq after, Seq& seq, Bytes& out);
  Bytes record_in_memory(Seq seq) const;
  bool is_dead(Seq seq) const;
  Result<crdt::Op> op_of(Seq seq, Bytes record);
  Result<crdt::Op> op_at(Seq seq);

  Status check_value(Bytes value);
  Result<crdt::Op> op_to_change(Seq seq);
  Status change(Seq seq, const crdt::Op& op);
  Status supersede(Seq seq);
  lmdb::Batch& open_batch() { return *batches_.back(); }
  std::uint64_t open_number() const { return sealed_ + 1; }
  Bytes encode(Seq seq, const crdt::Op& op);
  void begin_batch();
  Status check_room(std::size_t bytes);
  void freeze();
  void make_room();
  std::size_t unfolded() const;

  // The flushing thread's.
  Status write(const std::vector<const lmdb::Batch*>& batches);
  bool grow_after(int error);
  Status fail_flush(int error);
  Status refuse_flush();

  void note(std::string sentence);
  Status fail(Status status, std::string sentence);
  Status fail_read(int error);

  LmdbOptions options_;
  lmdb::Medium medium_;
  lmdb::Marks marks_;                                 // With the open batch.
  std::deque<std::unique_ptr<lmdb::Batch>> batches_;  // Those that the snapshot may lack; the last is open.
  std::size_t sealed_bytes_ = 0;                      // Of all but the open one.
  std::uint64_t sealed_ = 0;
  std::map<Seq, Restamped> restamped_;
  std::map<std::string, FactChange, std::less<>> facts_;
  std::unique_ptr<lmdb::NameTable> table_ = std::make_unique<lmdb::NameTable>();
  std::unique_ptr<Frozen> frozen_;
  std::set<Seq> kept_;  // Superseded, but in flight.
  struct {
    Seq after = 0;
    Seq through = 0;
  } gap_;  // After the one and up to the other there is nothing to be read, and never will be.
  std::thread::id owner_;

  std::unique_ptr<lmdb::Fold> fold_;  // The flushing thread's: how far `frozen_` is folded.
  std::size_t fold_debt_ = 0;         // Likewise: entries that ought to be folded by now.

  mutable std::mutex mutex_;  // Guards what follows, and handing over `frozen_` and sealed batches.
  std::vector<const lmdb::Batch*> to_write_;
  const Frozen* to_fold_ = nullptr;
  bool is_flushing_ = false;
  bool wants_room_ = false;
  std::uint64_t written_ = 0;  // The newest batch that is on the medium.
  bool is_folded_ = false;     // `frozen_` is on the medium.
  bool has_failed_ = false;    // It is unknown what the medium holds.
  mutable std::string flush_problem_;
  mutable std::string problem_;
};

}  // namespace grid::storage
