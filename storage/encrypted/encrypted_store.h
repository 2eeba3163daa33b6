// SPDX-License-Identifier: Apache-2.0
//
// EncryptedStore: a Store over another one, which then holds nothing that can be read without the key.
//
// Place     Implements storage/store.h over rewritable_store.h. Knows no technology below it, and no file.
// Promises  Those of store.h, and:
//             - Names, values, stamps, expiry, who wrote, and the facts are sealed, each for its own place. In the
//             clear
//               stay how many records there are, how long each is, which are local and in flight, and which records
//               are of one cell (docs/decisions/0030-encryption-at-rest.md says what that tells a thief).
//             - With a key that is not the store's nothing is changed.
//             - With the key and the one before it, all that is written is under the new one at once; rotate() brings
//               the rest over, piece by piece, and whatever it was cut off from it goes on with.
// Ownership Borrows the store below; nobody else may write to it meanwhile. Owns the keys.
// Threads   As store.h says.
// Limits    Names and facts stand in memory, in order: about 150 bytes a cell and the length of its name. Opening reads
//           and opens all that is there.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "storage/encrypted/sealer.h"
#include "storage/rewritable_store.h"

namespace grid::storage {

struct EncryptedOptions {
  Key key{};
  std::optional<Key> old_key{};  // The one before, while a store is brought from it to `key`.
  Sealer::Entropy entropy;
  std::size_t value_bytes_max = kValueBytesMax;  // The store below keeps kDecorationBytesMax more.
};

class EncryptedStore final : public Store {
 public:
  // Over `below`, a store of ours or an empty one. Null with `status` and `problem`, a sentence:
  //   denied   The key is not the store's, or the old one is needed too. Nothing was changed.
  //   invalid  It is a store, and not an encrypted one. Nothing was changed.
  //   newer    Encrypted by a later release. Nothing was changed.
  //   corrupt  A piece is not what was written; `problem` says which.
  //   full, io
  static std::unique_ptr<EncryptedStore> open(RewritableStore& below, const EncryptedOptions& options, Status& status,
                                              std::string& problem);
  // Whether `below` holds what only open() can read.
  static Result<bool> is_encrypted(Store& below);

  // Whether pieces may be left that are sealed under the old key.
  bool is_rotating() const { return is_rotating_; }
  // Seals up to `pieces` more of them anew, in the open batch. Once is_rotating() is false and the batch is durable the
  // old key opens nothing of this store any more.
  //   full, corrupt, io  As append(). After `full` and a flush it goes on.
  Status rotate(std::size_t pieces);

  Result<Seq> append(const crdt::Op& op) override;
  Status has_room(std::size_t appends, std::size_t bytes) override;
  Status restamp(Seq seq, crdt::Stamp stamp, std::uint64_t expires_ms) override;
  Status share(Seq seq) override { return passed(below_.share(seq)); }
  Status settle(Seq seq) override { return passed(below_.settle(seq)); }
  Seq shared() const override { return below_.shared(); }
  Seq settled() const override { return below_.settled(); }
  Status set_fact(std::string_view name, Bytes bytes) override;
  Result<Bytes> fact(std::string_view name) override;
  Result<Fact> next_fact(std::string_view prefix, std::string_view after) override;
  Result<crdt::Op> find(const crdt::CellName& name) override;
  Result<crdt::Op> next_cell(const crdt::CellName& after) override;
  Result<crdt::Op> next_op(Seq after) override;
  Seq head() const override { return below_.head(); }
  std::uint64_t seal() override { return below_.seal(); }
  Status flush() override;
  void flushed() override { below_.flushed(); }
  const char* problem() const override;

 private:
  struct Name {
    explicit Name(const crdt::CellName& name);
    std::string bytes;  // Map, key and sub.
    std::uint16_t map;
    std::uint16_t key;
    crdt::CellName view() const;
  };
  struct NameOrder {
    using is_transparent = void;
    static crdt::CellName view(const crdt::CellName& name) { return name; }
    static crdt::CellName view(const Name& name) { return name.view(); }
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return view(a) < view(b);
    }
  };
  struct Place {
    Seq seq;
    std::uint64_t cell;  // Its name in the store below: the sequence of its first record.
  };
  struct KeptFact {
    std::string bytes;
    std::uint64_t number = 0;  // Its name in the store below.
    bool is_current = false;   // Sealed under the newer key.
  };
  // Memory for one piece, wiped when it goes.
  class Scratch {
   public:
    ~Scratch() { wipe(room_); }
    MutBytes take(std::size_t size);

   private:
    std::unique_ptr<std::uint8_t[]> bytes_;
    MutBytes room_;
  };

  EncryptedStore(RewritableStore& below, const EncryptedOptions& options) : below_(below), options_(options) {}

  Status load();
  Status make();
  Status read_label(Bytes label);
  Status accept(Bytes key, Bytes old, Bytes store_id);
  Status write_label();
  Status load_facts();
  Status load_cells();

  Status check(const crdt::Op& op);
  MutBytes sealed(Seq seq, std::uint64_t cell, const crdt::Op& op);
  Result<crdt::Op> opened(const Result<crdt::Op>& below);
  Result<crdt::Op> at(Seq seq);
  Status put_fact(std::string_view name, Bytes bytes, std::uint64_t number);
  // Seals `op` anew, which was opened from `below`.
  Status reseal(const crdt::Op& below, const crdt::Op& op);
  Status rotate_facts(std::size_t& pieces);

  Status fail(Status status, std::string sentence);
  Status fail_at(Seq seq, Status status, const char* what);
  Status passed(Status status);
  template <typename T>
  Result<T> passed(Result<T> result) {
    static_cast<void>(passed(result.status()));
    return result;
  }

  RewritableStore& below_;
  EncryptedOptions options_;
  std::optional<Sealer> sealer_;
  std::array<std::uint8_t, 16> store_id_{};
  std::map<Name, Place, NameOrder> index_;
  std::map<std::string, KeptFact, std::less<>> facts_;
  std::uint64_t fact_numbers_ = 0;  // Given so far.
  bool is_rotating_ = false;
  Seq rotated_ = 0;  // Records up to it are under the newer key.
  Scratch plain_;    // What reads hand out.
  Scratch piece_;    // What is written.
  std::string problem_;
  mutable std::atomic<bool> is_ours_ = false;  // The last failure was this store's own.
};

}  // namespace grid::storage
