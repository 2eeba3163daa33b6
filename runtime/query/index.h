// SPDX-License-Identifier: Apache-2.0
//
// Index: which records of the log hold which value under one path of one map.
//
// Place     Below planner.h. Knows records by their sequence, never by key: the log has one record a row, so an entry
//           whose record is gone is of no row any more.
// Promises  Every row that stands, and whose value is_indexed(), has an entry once the index has read the log to its
//           head. Entries may be of rows that have changed since: whoever uses one looks at the row.
//           BND-1  It takes at most the bytes that it is given; then it lets go of all of them and says so.
// Ownership Borrows its store for the calls that name one.
//
// An entry of a row that was overwritten stays until a sweep meets it: two entries are looked at for each one that is
// added, so that no more than about every second entry is of no use.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "crdt/query/path.h"
#include "runtime/query/code.h"
#include "storage/store.h"

namespace grid::runtime {

enum class IndexKind : std::uint8_t {
  hash,     // `=` and `in`, of text of any length.
  ordered,  // Ranges and prefixes too; of text the first 15 bytes count.
};

class Index {
 public:
  // `path` is the compiled form of `path_text`, `head` the log's: up to there it has no entry that an older one is in
  // the way of. `bytes_left` is what all indexes may still take together; it outlives them.
  Index(std::string_view map, std::string_view path_text, Bytes path, IndexKind kind, std::size_t& bytes_left,
        crdt::Seq head);

  std::string_view map() const { return map_; }
  std::string_view path_text() const { return path_text_; }
  query::Path path() const { return query::Path(path_); }
  IndexKind kind() const { return kind_; }
  // It needed more bytes than there were: it is empty, and of no use.
  bool is_over_cap() const { return is_over_cap_; }
  std::size_t entries() const { return entries_; }
  std::size_t bytes() const { return blocks_.size() * kBlockBytes; }

  // Takes note of the log's record `op`, which is behind position().
  void note(const crdt::Op& op);
  // Looks for entries of no use, once for each record that was noted.
  void sweep(storage::Store& store);
  // How far it has read the log.
  crdt::Seq position() const { return position_; }
  void set_position(crdt::Seq seq) { position_ = seq; }

  // Entries within the range, and their sequences.
  std::size_t count(const CodeRange& range) const;
  void collect(const CodeRange& range, std::vector<crdt::Seq>& into) const;

 private:
  struct Entry {
    Code code;
    crdt::Seq seq;
    friend auto operator<=>(const Entry&, const Entry&) = default;
  };
  static constexpr std::size_t kBlockEntries = 512;
  static constexpr std::size_t kBlockBytes = kBlockEntries * sizeof(Entry) + 64;
  using Block = std::vector<Entry>;

  // The first entry that is not less: its block and its place there.
  struct Spot {
    std::size_t block;
    std::size_t at;
  };
  Spot spot_of(const Entry& entry) const;
  void insert(const Entry& entry);
  bool take_block();
  void split(std::size_t block);
  void sweep_one(storage::Store& store);
  void give_up();

  std::string map_;
  std::string path_text_;
  std::vector<std::uint8_t> path_;
  IndexKind kind_;
  std::size_t& bytes_left_;
  crdt::Seq swept_behind_;
  crdt::Seq position_ = 0;
  std::vector<Block> blocks_;
  std::size_t entries_ = 0;
  std::size_t unswept_ = 0;  // Entries that were added, for each of which two are still to be looked at.
  std::size_t sweep_block_ = 0;
  std::size_t sweep_at_ = 0;
  bool is_over_cap_ = false;
};

}  // namespace grid::runtime
