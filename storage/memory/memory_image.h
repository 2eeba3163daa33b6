// SPDX-License-Identifier: Apache-2.0
//
// MemoryImage: the state of a store as plainly as it can be said, moved by one Change at a time.
//
// Place     Below memory_store.h, which keeps two: what stands now, and what a crash would leave. Knows no batches.
// Promises  A function of the changes applied: two images that took the same ones are equal.
// Ownership A copy is independent. Views that come out stand until the next apply().
#pragma once

#include <map>
#include <set>
#include <string>
#include <tuple>

#include "storage/store.h"

namespace grid::storage {

// A crdt::Op that owns its bytes.
struct MemoryRecord {
  std::string map, key, sub, value;
  crdt::Op op;  // Its views are empty: view() makes them.

  MemoryRecord() = default;
  explicit MemoryRecord(const crdt::Op& from);
  crdt::CellName name() const { return {map, key, sub}; }
  crdt::Op view(Seq seq) const;
};

struct Change {
  enum class Kind : std::uint8_t { append, restamp, rewrite, share, settle, set_fact };

  Kind kind = Kind::append;
  Seq seq = 0;                   // restamp, rewrite, share, settle
  MemoryRecord record;           // append
  crdt::Stamp stamp;             // restamp
  std::uint64_t expires_ms = 0;  // restamp
  std::string name;              // set_fact
  std::string bytes;             // set_fact: none remove it; rewrite

  std::size_t size() const;
};

class MemoryImage {
 public:
  void apply(const Change& change);

  const MemoryRecord* find(const crdt::CellName& name, Seq& seq) const;
  const MemoryRecord* next_cell(const crdt::CellName& after, Seq& seq) const;
  const MemoryRecord* next_op(Seq after, Seq& seq) const;
  // Whether `seq` is in the log, local and never shared.
  bool can_restamp(Seq seq) const;
  bool has_record(Seq seq) const { return log_.contains(seq); }

  using Facts = std::map<std::string, std::string, std::less<>>;
  const Facts& facts() const { return facts_; }
  Seq head() const { return head_; }
  Seq shared() const { return shared_; }
  Seq settled() const { return settled_; }

 private:
  struct NameOrder {
    using is_transparent = void;
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return view(a) < view(b);
    }
    static crdt::CellName view(const crdt::CellName& name) { return name; }
    static crdt::CellName view(const std::tuple<std::string, std::string, std::string>& name) {
      return {std::get<0>(name), std::get<1>(name), std::get<2>(name)};
    }
  };

  void append(const MemoryRecord& record);
  void supersede(Seq seq);
  void settle(Seq seq);
  const MemoryRecord* record_at(Seq at, Seq& seq) const;

  std::map<Seq, MemoryRecord> log_;
  std::map<std::tuple<std::string, std::string, std::string>, Seq, NameOrder> index_;
  std::set<Seq> in_flight_;  // Superseded, and in the log only until they are settled.
  Facts facts_;
  Seq head_ = 0;
  Seq shared_ = 0;
  Seq settled_ = 0;
};

}  // namespace grid::storage
