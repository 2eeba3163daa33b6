// SPDX-License-Identifier: Apache-2.0
//
// Puller: what a pattern of pull takes from the facts of an entity, as a record.
//
// Place     Beside answer.h. Knows the index.
// Promises  Nothing recurs on the stack. What finds nothing is left out: a field, a record, the whole.
//
// An entity is pulled into a tree of nodes first, since only its end tells whether there is anything to write.
#pragma once

#include "crdt/datalog/budget.h"
#include "crdt/datalog/index.h"
#include "crdt/datalog/query.h"
#include "crdt/datalog/words.h"

namespace grid::datalog {

class Puller {
 public:
  Puller(const Index& index, Words& words, Meter& meter)
      : index_(index),
        words_(words),
        meter_(meter),
        nodes_(words.region()),
        frames_(words.region()),
        values_(words.region()),
        encoded_(words.region()) {}

  //   too_large  A record has more than crdt::kRecordFieldsMax fields.
  //   full       No memory, or no steps.
  Status pull(const Pull& pattern, Atom entity);
  // What was pulled last; null where that was nothing.
  void write(crdt::ValueWriter& writer) const;
  std::size_t bytes() const { return root_ == kNone ? 0 : encoded_[root_].size; }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  struct Node {
    enum class Kind : std::uint8_t { atom, list, record };
    Kind kind = Kind::atom;
    Atom atom{};
    std::string_view key{};  // In a record.
    std::uint32_t first = kNone;
    std::uint32_t last = kNone;
    std::uint32_t next = kNone;
  };

  // A node in its encoding, until it is part of another one's.
  struct Encoded {
    std::uint8_t* bytes = nullptr;
    std::size_t room = 0;
    std::size_t size = 0;
  };

  // An entity whose items are gone through, or the entities that an item of it refers to.
  struct Frame {
    bool is_entity = true;
    Atom entity{};
    const Pull* pattern = nullptr;
    const PullItem* item = nullptr;  // Of a list: whose values they are.
    std::uint32_t at = 0;            // The next item, or value.
    std::uint32_t from = 0;          // The values of a list.
    std::uint32_t again = 0;         // Of an entity: how often its item may come again.
    bool is_single = false;
    std::uint32_t node = kNone;
  };

  Status step_entity();
  Status step_list();
  Status open_entity(Atom entity, const Pull& pattern, const PullItem* by, std::uint32_t again);
  Status take_item(const PullItem& item);
  Status take_values(Atom entity, const PullItem& item, bool& are_refs, bool& is_single);
  Status take_wild(const Frame& entity);
  Status take_plain(std::uint32_t record, std::string_view key, std::uint32_t from, bool are_refs, bool is_single);
  Status close(std::uint32_t result);
  Status finish_list(const Frame& list);
  std::uint32_t left_of(const PullItem& item) const;
  bool is_met(Atom entity, const Pull& pattern) const;
  void keep_met(std::uint32_t from, const Pull& pattern, bool are_refs);
  bool is_named(const Pull& pattern, std::string_view key) const;
  Status add_node(const Node& node, std::uint32_t parent, std::uint32_t& at);
  Status add_value(Atom atom, bool is_ref, std::uint32_t parent, std::string_view key);
  void hang(std::uint32_t node, std::uint32_t parent);
  Status encode_all();
  Status encode(const Node& node, Encoded& into);
  void release(Encoded& one);
  void release_all();

  const Index& index_;
  Words& words_;
  Meter& meter_;
  Growing<Node> nodes_;
  Growing<Frame> frames_;
  Growing<Fact>
      values_;  // Of the lists that are open, one behind the other. Of a reverse item the value is who refers.
  Growing<Encoded> encoded_;  // By node.
  std::uint32_t root_ = kNone;
};

}  // namespace grid::datalog
