// SPDX-License-Identifier: Apache-2.0

#include "crdt/datalog/puller.h"

#include "crdt/datalog/scan.h"
#include "crdt/datalog/sorted.h"

namespace grid::datalog {
namespace {

constexpr std::string_view kIdKey = "db/id";
constexpr std::size_t kHeadBytes = 16;  // Of a value beside what it holds, and of a field's name.

}  // namespace

Status Puller::pull(const Pull& pattern, Atom entity) {
  release_all();
  nodes_.clear();
  frames_.clear();
  values_.clear();
  root_ = kNone;
  GRID_TRY(open_entity(entity, pattern, nullptr, 0));
  while (!frames_.empty()) {
    GRID_TRY(meter_.step());
    GRID_TRY(frames_[frames_.size() - 1].is_entity ? step_entity() : step_list());
  }
  return encode_all();
}

// Whether there are other facts of it makes no difference: who holds those of some attributes is to pull the same.
Status Puller::open_entity(Atom entity, const Pull& pattern, const PullItem* by, std::uint32_t again) {
  Frame frame;
  frame.entity = entity;
  frame.pattern = &pattern;
  frame.item = by;
  frame.again = again;
  GRID_TRY(add_node({Node::Kind::record, {}, {}, kNone, kNone, kNone}, kNone, frame.node));
  if (pattern.with_id) GRID_TRY(add_value(entity, false, frame.node, kIdKey));
  return frames_.push(frame);
}

Status Puller::step_entity() {
  Frame& frame = frames_[frames_.size() - 1];
  if (frame.at < frame.pattern->items.size()) {
    const PullItem& item = frame.pattern->items[frame.at++];
    return take_item(item);
  }
  if (frame.pattern->is_wild) GRID_TRY(take_wild(frame));
  const std::uint32_t node = frame.node;
  frames_.truncate(frames_.size() - 1);
  return close(nodes_[node].first == kNone ? kNone : node);
}

// `result` is what the top frame, a list, waited for.
Status Puller::close(std::uint32_t result) {
  if (frames_.empty()) {
    root_ = result;
  } else if (result != kNone) {
    hang(result, frames_[frames_.size() - 1].node);
  }
  return Status::ok;
}

// Of an item whose record the top frame fills.
Status Puller::take_item(const PullItem& item) {
  const Frame entity = frames_[frames_.size() - 1];
  const auto from = static_cast<std::uint32_t>(values_.size());
  bool are_refs = false;
  bool is_single = false;
  GRID_TRY(take_values(entity.entity, item, are_refs, is_single));
  const std::uint32_t left = item.again == 0 ? 0 : left_of(item);
  const bool is_exhausted = item.again != 0 && left == 0;
  if (is_exhausted) keep_met(from, *entity.pattern, are_refs);
  if (values_.size() == from) {
    if (!item.otherwise.exists() || is_exhausted) return Status::ok;
    const Result<Atom> otherwise = words_.atom(item.otherwise);
    if (!otherwise.ok()) return otherwise.status();
    return add_value(*otherwise, false, entity.node, item.key);
  }
  const bool goes_on = are_refs && (item.nested != nullptr || item.again != 0);
  if (!goes_on) return take_plain(entity.node, item.key, from, are_refs, is_single);
  Frame list;
  list.is_entity = false;
  list.pattern = item.nested != nullptr ? item.nested : entity.pattern;
  list.item = &item;
  list.from = list.at = from;
  list.again = left;
  list.is_single = is_single;
  GRID_TRY(add_node({Node::Kind::list, {}, item.key, kNone, kNone, kNone}, kNone, list.node));
  return frames_.push(list);
}

// Of the values from `from` on, those that the recursion has come to already: they are told by their ids at any depth.
void Puller::keep_met(std::uint32_t from, const Pull& pattern, bool are_refs) {
  std::size_t kept = from;
  for (std::size_t i = from; are_refs && i < values_.size(); ++i) {
    if (is_met(values_[i].value, pattern)) values_[kept++] = values_[i];
  }
  values_.truncate(kept);
}

// In the total order, no more than the item wants.
Status Puller::take_values(Atom entity, const PullItem& item, bool& are_refs, bool& is_single) {
  const std::size_t from = values_.size();
  const Result<Atom> name = atom_of_text(item.attribute, words_);
  if (!name.ok()) return name.status();
  Wanted wanted;
  wanted.attribute = index_.attribute_named(*name);
  if (wanted.attribute == kNoAttribute) return Status::ok;
  (item.is_reverse ? wanted.value : wanted.entity) = entity;
  Scan scan(index_, words_, wanted);
  are_refs = true;
  is_single = !item.is_reverse;
  for (Fact fact; scan.next(fact);) {
    GRID_TRY(meter_.step());
    if (item.is_reverse && !fact.is_ref()) continue;
    if (item.is_reverse) fact.value = fact.entity;
    is_single = is_single && fact.is_one();
    are_refs = are_refs && (item.is_reverse || fact.is_ref());
    GRID_TRY(values_.push(fact));
  }
  sort_all(values_.begin() + from, values_.end(),
           [this](const Fact& a, const Fact& b) { return words_.order(a.value, b.value) < 0; });
  is_single = is_single && values_.size() == from + 1;
  if (item.limit != 0 && values_.size() - from > item.limit) values_.truncate(from + item.limit);
  return Status::ok;
}

Status Puller::take_plain(std::uint32_t record, std::string_view key, std::uint32_t from, bool are_refs,
                          bool is_single) {
  std::uint32_t parent = record;
  if (!is_single) GRID_TRY(add_node({Node::Kind::list, {}, key, kNone, kNone, kNone}, record, parent));
  for (std::size_t i = from; i < values_.size(); ++i)
    GRID_TRY(add_value(values_[i].value, are_refs || values_[i].is_ref(), parent, key));
  values_.truncate(from);
  return Status::ok;
}

// All attributes that no item names.
Status Puller::take_wild(const Frame& entity) {
  const Frame at = entity;
  FactCursor cursor = index_.from_entity(at.entity, 0, {});
  while (!cursor.is_at_end() && cursor.entity() == at.entity) {
    const std::uint32_t attribute = cursor.fact().attribute();
    const std::string_view name = words_.text(index_.attribute(attribute).name);
    if (!is_named(*at.pattern, name)) {
      PullItem item;
      item.attribute = item.key = name;
      bool are_refs = false;
      bool is_single = false;
      const auto from = static_cast<std::uint32_t>(values_.size());
      GRID_TRY(take_values(at.entity, item, are_refs, is_single));
      if (values_.size() > from) GRID_TRY(take_plain(at.node, name, from, false, is_single));
    }
    cursor = index_.from_entity(at.entity, attribute + 1, {});
  }
  return Status::ok;
}

bool Puller::is_named(const Pull& pattern, std::string_view key) const {
  if (pattern.with_id && key == kIdKey) return true;
  return std::any_of(pattern.items.begin(), pattern.items.end(), [key](const PullItem& item) {
    return item.key == key || (!item.is_reverse && item.attribute == key);
  });
}

Status Puller::step_list() {
  Frame& frame = frames_[frames_.size() - 1];
  if (frame.at == values_.size()) {
    const Frame list = frame;
    frames_.truncate(frames_.size() - 1);
    return finish_list(list);
  }
  const Atom entity = values_[frame.at++].value;
  const PullItem& item = *frame.item;
  const std::uint32_t node = frame.node;
  if (item.again != 0 && is_met(entity, *frame.pattern)) return add_value(entity, true, node, {});
  const std::uint32_t again = frame.again == PullItem::kForever || frame.again == 0 ? frame.again : frame.again - 1;
  return open_entity(entity, *frame.pattern, &item, again);
}

// A list of nothing is nothing.
Status Puller::finish_list(const Frame& list) {
  values_.truncate(list.from);
  const std::uint32_t first = nodes_[list.node].first;
  if (first == kNone) return Status::ok;
  if (list.is_single) nodes_[list.node].first = kNone;  // What it held stands for itself.
  const std::uint32_t node = list.is_single ? first : list.node;
  nodes_[node].key = list.item->key;
  hang(node, frames_[frames_.size() - 1].node);
  return Status::ok;
}

// How often the item may come again below the top frame.
std::uint32_t Puller::left_of(const PullItem& item) const {
  for (std::size_t i = frames_.size(); i-- > 0;) {
    if (frames_[i].is_entity && frames_[i].item == &item) return frames_[i].again;
  }
  return item.again;
}

// Where a recursion began is not what it has come to: as DataScript has it.
bool Puller::is_met(Atom entity, const Pull& pattern) const {
  return std::any_of(frames_.begin(), frames_.end(), [&](const Frame& frame) {
    return frame.is_entity && frame.item != nullptr && frame.item->again != 0 && frame.entity == entity &&
           frame.pattern == &pattern;
  });
}

Status Puller::add_value(Atom atom, bool is_ref, std::uint32_t parent, std::string_view key) {
  std::uint32_t at = kNone;
  if (!is_ref) return add_node({Node::Kind::atom, atom, key, kNone, kNone, kNone}, parent, at);
  GRID_TRY(add_node({Node::Kind::record, {}, key, kNone, kNone, kNone}, parent, at));
  return add_node({Node::Kind::atom, atom, kIdKey, kNone, kNone, kNone}, at, at);
}

Status Puller::add_node(const Node& node, std::uint32_t parent, std::uint32_t& at) {
  if (nodes_.size() == kNone) return Status::full;
  GRID_TRY(nodes_.push(node));
  at = static_cast<std::uint32_t>(nodes_.size() - 1);
  if (parent != kNone) hang(at, parent);
  return Status::ok;
}

// Of two fields of one name the later one stays.
void Puller::hang(std::uint32_t node, std::uint32_t parent) {
  Node& above = nodes_[parent];
  std::uint32_t* link = &above.first;
  if (above.kind == Node::Kind::record) {
    while (*link != kNone && nodes_[*link].key != nodes_[node].key) link = &nodes_[*link].next;
  } else if (above.last != kNone) {
    link = &nodes_[above.last].next;
  }
  nodes_[node].next = *link == kNone ? kNone : nodes_[*link].next;
  if (*link == kNone || *link == above.last) above.last = node;
  *link = node;
}

void Puller::release(Encoded& one) {
  words_.region().give(one.bytes, one.room);
  one = {};
}

void Puller::release_all() {
  for (Encoded& one : encoded_) release(one);
  encoded_.clear();
}

// What a node holds was added behind it: from the last to the first, its parts are encoded when its turn comes. Not by
// a writer that is within all of them at once: an answer may nest deeper than a value of a cell does.
Status Puller::encode_all() {
  GRID_TRY(meter_.step(nodes_.size()));
  GRID_TRY(encoded_.resize(nodes_.size()));
  for (std::size_t i = nodes_.size(); i-- > 0;) {
    const Node& node = nodes_[i];
    const bool is_empty = node.kind != Node::Kind::atom && node.first == kNone;
    if (!is_empty) GRID_TRY(encode(node, encoded_[i]));
  }
  return Status::ok;
}

Status Puller::encode(const Node& node, Encoded& into) {
  std::size_t room = kHeadBytes;
  if (node.kind == Node::Kind::atom && node.atom.is_symbol()) room += words_.bytes_of(node.atom.symbol()).size();
  for (std::uint32_t at = node.first; at != kNone; at = nodes_[at].next) {
    room += encoded_[at].size + nodes_[at].key.size() + kHeadBytes;
  }
  auto* const bytes = static_cast<std::uint8_t*>(words_.region().take(room));
  if (bytes == nullptr) return Status::full;
  into = {bytes, room, 0};
  crdt::ValueWriter writer(MutBytes(bytes, room));
  if (node.kind == Node::Kind::atom) write_atom(node.atom, words_, writer);
  if (node.kind == Node::Kind::list) writer.begin_list();
  if (node.kind == Node::Kind::record) writer.begin_record();
  for (std::uint32_t at = node.first; at != kNone; at = nodes_[at].next) {
    if (node.kind == Node::Kind::record) writer.field(nodes_[at].key);
    writer.nested(Value(Bytes(encoded_[at].bytes, encoded_[at].size)));
    release(encoded_[at]);
  }
  if (node.kind == Node::Kind::list) writer.end_list();
  if (node.kind == Node::Kind::record) writer.end_record();
  const Result<Bytes> written = writer.finish();
  if (written.ok()) into.size = written->size();
  return written.status();
}

void Puller::write(crdt::ValueWriter& writer) const {
  if (root_ == kNone) return writer.null();
  writer.nested(Value(Bytes(encoded_[root_].bytes, encoded_[root_].size)));
}

}  // namespace grid::datalog
