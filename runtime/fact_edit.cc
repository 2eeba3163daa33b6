// SPDX-License-Identifier: Apache-2.0

#include "crdt/hash.h"
#include "runtime/call.h"
#include "runtime/edits.h"
#include "runtime/entity.h"
#include "runtime/oplog.h"
#include "runtime/random.h"

namespace grid::runtime {

using crdt::CellName;
using crdt::FactName;
using crdt::Op;
using crdt::Value;
using Verb = FactWrite::Verb;

namespace {

// How many facts of an entity are looked at for its base (PROTOCOL P17). A base that is too low lets in no more than
// one that is right: what counts is that there is one.
constexpr std::size_t kBaseLooksMax = 64;

constexpr const char* kNotAlive = " was deleted, and a deleted entity stays deleted: give a new one another id";

// One cell in the making.
struct Draft {
  std::uint8_t sub[FactName::kBytesMax];
  std::uint8_t object[16];
};

Status refuse(Editor& editor, const FactWrite& write, const char* why) {
  editor.problem().say("entity ").text(write.entity).text(why);
  return Status::invalid;
}

Status check_names(Editor& editor, const Call& call, const FactWrite& write) {
  GRID_TRY(editor.check_row({.map = call.scope.map, .key = write.entity, .value = write.object}));
  if (crdt::check_entity(write.entity) != Status::ok) return refuse(editor, write, " is a key that no id has");
  if (editor.standing({call.scope.map, write.entity, crdt::kMarker}).ok()) {
    if (write.verb != Verb::delete_entity) return refuse(editor, write, kNotAlive);
    return Status::ok;
  }
  const bool has_predicate = write.verb != Verb::delete_entity;
  const Status named = has_predicate ? crdt::check_predicate(write.predicate) : Status::ok;
  if (named == Status::ok) return named;
  editor.problem().say("a predicate must be 1 to ").number(crdt::kPredicateBytesMax);
  editor.problem().text(" bytes of UTF-8 without control characters");
  return named;
}

// The greatest stamp of the entity's that the server has vouched for, as far as one looks.
crdt::Stamp base_of(Editor& editor, std::string_view map, std::string_view entity) {
  crdt::Stamp base;
  char sub[kSubBytesMax];
  std::size_t size = crdt::kMarker.copy(sub, sizeof(sub));
  for (std::size_t looks = 0; looks < kBaseLooksMax; ++looks) {
    const Result<Op> op = next_fact_behind(editor.store(), {map, entity, {sub, size}});
    if (!op.ok()) break;
    const crdt::Stamp stamp = editor.is_pending(*op) ? op->base : op->cell.stamp;
    if (stamp > base) base = stamp;
    size = op->cell.name.sub.copy(sub, sizeof(sub));
  }
  return base;
}

// The cells of `call.facts`, in memory for `kCount` of them.
template <std::size_t kCount>
class Plan {
 public:
  Plan(Editor& editor, const Call& call) : editor_(editor), call_(call) {}

  Status make() {
    for (const FactWrite& write : call_.facts) {
      GRID_TRY(check_names(editor_, call_, write));
      GRID_TRY(draft(write));
    }
    for (std::size_t i = 0; i < count_; ++i) GRID_TRY(check_alone(i));
    return Status::ok;
  }

  // All of it, or nothing.
  Status write() {
    if (count_ == 0) return Status::ok;
    GRID_TRY(check_room());
    for (std::size_t i = 0; i < count_; ++i) {
      if (opens_unit(i)) GRID_TRY(editor_.check_unit(gather(i)));
    }
    for (std::size_t i = 0; i < count_; ++i) {
      if (opens_unit(i)) GRID_TRY(editor_.put_unit(gather(i)));
    }
    return Status::ok;
  }

 private:
  // The object is in `object`, or where the caller has it.
  Result<Bytes> object_of(const FactWrite& write, Draft& draft) {
    const bool is_many = write.verb != Verb::set;
    const Result<Bytes> object = crdt::object_of(Value(write.object), is_many, draft.object);
    if (object.ok()) return object;
    const Value given(write.object);
    editor_.problem().say("the object of ").text(write.predicate).text(" is ");
    editor_.problem()
        .text(name_of(given.kind()))
        .text(given.kind() == crdt::ValueKind::ref ? " to a key that no id has" : "");
    editor_.problem().text(": it may be text, a number, a boolean, a date, a ref or bytes");
    return object;
  }

  Status draft(const FactWrite& write) {
    const CellName marker{call_.scope.map, write.entity, crdt::kMarker};
    if (write.verb == Verb::delete_entity) {
      return editor_.standing(marker).ok() ? Status::ok : push(marker, {}, 0);
    }
    if (write.verb == Verb::remove) return draft_removal(write);
    Draft& draft = drafts_[count_];
    const Result<Bytes> object = object_of(write, draft);
    if (!object.ok()) return object.status();
    const Result<std::string_view> sub = FactName::write(write.predicate, write.verb == Verb::add, *object, draft.sub);
    return sub.ok() ? push({marker.map, marker.key, *sub}, *object, write.ttl_ms) : sub.status();
  }

  // One of many, or the one, if that is it.
  Status draft_removal(const FactWrite& write) {
    Draft& draft = drafts_[count_];
    const Result<Bytes> object = object_of(write, draft);
    if (!object.ok()) return object.status();
    for (const bool is_many : {true, false}) {
      const Result<std::string_view> sub = FactName::write(write.predicate, is_many, *object, draft.sub);
      if (!sub.ok()) return sub.status();
      const CellName name{call_.scope.map, write.entity, *sub};
      const Result<Op> op = editor_.standing(name);
      if (!op.ok() && op.status() != Status::not_found) return op.status();
      if (!op.ok() || !op->cell.is_live(editor_.known_ms())) continue;
      const bool is_it = is_many || equal(op->cell.value, write.object) || equal(op->cell.value, *object);
      if (is_it) return push(name, {}, 0);
    }
    return call_.facts.size() == 1 ? Status::not_found : Status::ok;
  }

  Status push(const CellName& name, Bytes value, std::uint64_t ttl_ms) {
    const bool is_known = count_ > 0 && cells_[count_ - 1].name.key == name.key;
    const crdt::Stamp base = is_known ? cells_[count_ - 1].base : base_of(editor_, name.map, name.key);
    cells_[count_++] = {name, value, editor_.expiry_of(ttl_ms), base};
    return Status::ok;
  }

  // Of a fact no second write, and of what is deleted none.
  Status check_alone(std::size_t index) const {
    for (std::size_t i = 0; i < count_; ++i) {
      const CellName &name = cells_[index].name, &other = cells_[i].name;
      if (i == index || other.key != name.key) continue;
      const bool is_deleted = crdt::is_marker(name.sub);
      if (!is_deleted && other.sub != name.sub) continue;
      editor_.problem().say("two of these writes are of one fact of entity ").text(name.key);
      if (is_deleted) editor_.problem().say("entity ").text(name.key).text(" is deleted and written at once");
      return Status::invalid;
    }
    return Status::ok;
  }

  // Before the first is written: halfway, there would be no way back. With a marker go all facts that there are.
  Status check_room() const {
    std::size_t bytes = 0, units_met = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      const CellChange& cell = cells_[i];
      bytes += cell.name.map.size() + cell.name.key.size() + cell.name.sub.size() + cell.value.size();
      const Result<Op> before = editor_.standing(cell.name);
      if (before.ok() && editor_.is_unshared(*before) && !before->unit.is_alone()) ++units_met;
      if (crdt::is_marker(cell.name.sub)) GRID_TRY(check_room_to_bury(cell.name));
    }
    return editor_.has_room(count_, units_met, bytes);
  }

  Status check_room_to_bury(const CellName& marker) const {
    char sub[kSubBytesMax];
    std::size_t size = marker.sub.copy(sub, sizeof(sub)), facts = 0, bytes = 0;
    for (;; ++facts) {
      const Result<Op> op = next_fact_behind(editor_.store(), {marker.map, marker.key, {sub, size}});
      if (op.status() == Status::not_found) break;
      if (!op.ok()) return op.status();
      size = op->cell.name.sub.copy(sub, sizeof(sub));
      bytes += marker.map.size() + marker.key.size() + size;
    }
    const Status status = editor_.store().has_room(facts + kCount, bytes + kCount * kNameBytesMax);
    if (status == Status::ok) return status;
    editor_.problem().say("the store has no room to delete entity ").text(marker.key).text(": its facts are ");
    editor_.problem().number(facts);
    return status;
  }

  bool opens_unit(std::size_t index) const {
    for (std::size_t i = 0; i < index; ++i) {
      if (cells_[i].name.key == cells_[index].name.key) return false;
    }
    return true;
  }

  std::span<const CellChange> gather(std::size_t first) {
    std::size_t count = 0;
    for (std::size_t i = first; i < count_; ++i) {
      if (cells_[i].name.key == cells_[first].name.key) unit_[count++] = cells_[i];
    }
    return {unit_, count};
  }

  Editor& editor_;
  const Call& call_;
  std::size_t count_ = 0;
  CellChange cells_[kCount];
  CellChange unit_[kCount];
  Draft drafts_[kCount];
};

template <std::size_t kCount>
Status write_planned(Editor& editor, const Call& call) {
  Plan<kCount> plan(editor, call);
  GRID_TRY(plan.make());
  return plan.write();
}

// One after the other: there may be more of them than a frame holds. Each leaves a tombstone, also where it was never
// sent: a fact has one name whoever writes it, and an earlier op of that name may be on its way.
Status remove_all(Editor& editor, const Call& call) {
  const FactWrite& write = call.facts[0];
  GRID_TRY(check_names(editor, call, write));
  std::uint8_t begin[FactName::kBytesMax];
  const Result<std::string_view> predicate = FactName::begin_of(write.predicate, begin);
  if (!predicate.ok()) return predicate.status();
  char sub[kSubBytesMax];
  CellName at{call.scope.map, write.entity, *predicate};
  for (std::size_t removed = 0;;) {
    const Result<Op> op = next_fact_behind(editor.store(), at);
    if (!op.ok() && op.status() != Status::not_found) return op.status();
    if (!op.ok() || !op->cell.name.sub.starts_with(*predicate)) return removed > 0 ? Status::ok : Status::not_found;
    at.sub = {sub, op->cell.name.sub.copy(sub, sizeof(sub))};
    if (!op->cell.is_live(editor.known_ms())) continue;
    GRID_TRY(editor.put_cell(at, {}, 0));
    ++removed;
  }
}

}  // namespace

Status write_facts(Editor& editor, const Call& call) {
  if (!editor.knows_facts()) {
    editor.problem().say("this node was opened without facts: its views are to be kFactViews");
    return Status::invalid;
  }
  if (call.facts.size() > kFactWritesMax) {
    editor.problem().say("a transaction has ").number(call.facts.size()).text(" writes; the limit is ");
    editor.problem().number(kFactWritesMax);
    return Status::too_large;
  }
  for (const FactWrite& write : call.facts) {
    const bool is_of_all = write.verb == Verb::remove && write.object.empty();
    if (is_of_all && call.facts.size() == 1) return remove_all(editor, call);
    const bool needs_object = write.verb != Verb::delete_entity && write.object.empty();
    if (needs_object) return refuse(editor, write, ": a write lacks its object; all of a predicate go by themselves");
  }
  return call.facts.size() <= 1 ? write_planned<1>(editor, call) : write_planned<kFactWritesMax>(editor, call);
}

Status find_marker(Editor& editor, const Call& call) {
  return editor.standing({call.scope.map, call.scope.text, crdt::kMarker}).status();
}

// The node's id and the place in its log are no chance, but nobody else's: ids of two nodes that drew alike differ.
Status draw_entity_id(Editor& editor, const Call& call) {
  if (call.room.size() < kEntityIdBytes) return Status::too_large;
  const std::uint64_t drawn = editor.chance().next();
  crdt::Hash64 own;
  own.add_number(editor.node()).add_number(editor.next_seq()).add_number(editor.chance().next());
  std::uint64_t words[] = {drawn, own.value()};
  for (std::size_t i = 0; i < kEntityIdBytes; ++i) {
    std::uint64_t& word = words[i < kEntityIdBytes / 2 ? 0 : 1];
    call.room[i] =
        static_cast<std::uint8_t>("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"[word & 63]);
    word >>= 6;
  }
  return Status::ok;
}

}  // namespace grid::runtime
