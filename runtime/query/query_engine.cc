// SPDX-License-Identifier: Apache-2.0

#include "runtime/query/query_engine.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "crdt/query/cursor.h"
#include "runtime/query/found_rows.h"

namespace grid::runtime {

using query::Place;
using query::Predicate;
using query::Row;
using query::Sort;

namespace {

constexpr std::size_t kSortBytesMax = 4'096;
constexpr std::size_t kCursorTextBytesMax = 65'536;
constexpr std::size_t kSentenceBytesMax = 400;

std::string sentence_of(std::string_view what, const query::Trouble& trouble) {
  char room[kSentenceBytesMax];
  return std::string(what).append(trouble.sentence(room));
}

bool is_row(const crdt::Op& op, std::uint64_t known_ms) {
  return op.cell.name.sub.empty() && op.cell.is_live(known_ms);
}

}  // namespace

namespace {

crdt::CellName copied(const crdt::CellName& name, char (&room)[kNameBytesMax]) {
  const MutBytes bytes(reinterpret_cast<std::uint8_t*>(room), sizeof(room));
  copy(as_bytes(name.sub), copy(as_bytes(name.key), copy(as_bytes(name.map), bytes)));
  const char* const key = room + name.map.size();
  return {{room, name.map.size()}, {key, name.key.size()}, {key + name.key.size(), name.sub.size()}};
}

// The cells of a map in order, from a key on or behind it.
class KeyWalk {
 public:
  KeyWalk(std::string_view map, std::string_view key, bool is_behind)
      : place_(copied({map, key}, room_)), is_here_(!key.empty() && !is_behind) {}

  //   not_found  The store has no more.
  Result<crdt::Op> next(storage::Store& store) {
    Result<crdt::Op> op = Status::not_found;
    if (std::exchange(is_here_, false)) op = store.find(place_);
    if (op.status() == Status::not_found) op = store.next_cell(place_);
    if (op.ok()) place_ = copied(op->cell.name, room_);
    return op;
  }
  // Of the cell that came last.
  std::string_view key() const { return place_.key; }

 private:
  char room_[kNameBytesMax];
  crdt::CellName place_;
  bool is_here_;
};

}  // namespace

// One question being answered.
struct QueryEngine::Run {
  std::uint8_t sort_room[kSortBytesMax];
  std::vector<std::uint8_t> cursor_room;
  Predicate where;
  Sort sort;
  std::uint64_t hash = 0;
  std::string_view map;
  std::uint64_t known_ms = 0;
  std::uint64_t limit = 0;
  std::uint64_t looks_max = 0;
  std::optional<Place> after;
  std::optional<FoundRows> found;
  // Where rows come by key: of the row that was handed out last, and of the cell that was looked at last.
  std::string shown_key, looked_key;

  // No row that was not handed out is named to who has got all that was asked for.
  Place last_place(bool is_full) const {
    Place place;
    place.key = is_full ? shown_key : looked_key;
    return place;
  }
  bool is_behind_cursor(const Row& row) const { return !after || sort.compare(sort.place_of(row), *after) > 0; }
};

Status QueryEngine::refuse(Status status, std::string problem) {
  problem_ = std::move(problem);
  return status;
}

Status QueryEngine::declare(std::string_view map, std::string_view path, IndexKind kind) {
  std::uint8_t room[kSortBytesMax];
  query::Trouble trouble;
  const Result<query::Path> compiled = query::compile_path(path, room, trouble);
  if (!compiled.ok()) return refuse(compiled.status(), sentence_of("the path of the index, ", trouble));
  for (const auto& index : indexes_) {
    if (index->map() == map && index->path() == *compiled && index->kind() == kind) return Status::ok;
  }
  if (indexes_.size() == options_.indexes_max) return refuse(Status::full, "there are as many indexes as there may be");
  indexes_.push_back(std::make_unique<Index>(map, path, compiled->encoded(), kind, index_bytes_left_, store_.head()));
  return Status::ok;
}

// Indexes that were declared later begin behind the others; each takes what it has not seen.
Status QueryEngine::catch_up(std::uint64_t records_max) {
  if (indexes_.empty()) return Status::ok;
  const auto behind = std::min_element(indexes_.begin(), indexes_.end(),
                                       [](const auto& a, const auto& b) { return a->position() < b->position(); });
  crdt::Seq position = (*behind)->position();
  if (position == store_.head()) return Status::ok;
  for (; records_max > 0; --records_max) {
    const Result<crdt::Op> op = store_.next_op(position);
    if (op.status() == Status::not_found) {
      for (const auto& index : indexes_) index->set_position(store_.head());
      return Status::ok;
    }
    if (!op.ok()) return refuse(op.status(), store_.problem());
    position = op->seq;
    for (const auto& index : indexes_) {
      if (index->position() < position) index->note(*op);
    }
    for (const auto& index : indexes_) index->sweep(store_);  // From here on the record's views are gone.
  }
  return Status::busy;
}

Status QueryEngine::compile(const Question& question, Run& run) {
  query::Trouble trouble;
  program_.resize(Predicate::kProgramBytesMax);
  const Result<Predicate> where = query::compile(question.where, question.parameters, program_, trouble);
  if (!where.ok()) return refuse(where.status(), sentence_of("the predicate, ", trouble));
  const Result<Sort> sort = query::compile_sort(question.order, run.sort_room, trouble);
  if (!sort.ok()) return refuse(sort.status(), sentence_of("the order, ", trouble));
  run.where = *where;
  run.sort = *sort;
  run.hash = query::hash_of(question.map, run.where, run.sort);
  run.map = question.map;
  run.known_ms = question.known_ms;
  run.limit = question.limit;
  run.looks_max = question.looks_max;
  return question.after.empty() ? Status::ok : open_cursor(question, run);
}

Status QueryEngine::open_cursor(const Question& question, Run& run) {
  run.cursor_room.resize(question.after.size());
  const Result<Place> place = query::read_cursor(question.after, run.hash, run.sort, run.cursor_room);
  if (place.ok()) {
    run.after = *place;
    return Status::ok;
  }
  return refuse(place.status(), place.status() == Status::invalid ? "the cursor is of another query"
                                : place.status() == Status::newer ? "the cursor is of a later release"
                                                                  : "the cursor is damaged, or none");
}

Status QueryEngine::ask(const Question& question, const Predicate* where, const Visitor& visitor) {
  cursor_.clear();
  explanation_ = {};
  Run run;
  GRID_TRY(compile(question, run));
  if (where != nullptr) run.where = *where;
  GRID_TRY(catch_up());
  std::vector<const Index*> usable;
  for (const auto& index : indexes_) {
    if (index->map() == question.map) usable.push_back(index.get());
  }
  plan_ = plan_for(run.where, usable);
  explanation_.way = plan_.way;
  explanation_.index = plan_.index != nullptr ? plan_.index->path_text() : std::string_view();
  explanation_.why_no_index = plan_.why_no_index;
  explanation_.is_sorted = plan_.way == Way::index || !run.sort.is_by_key();
  // One more than is wanted tells that there is more.
  if (explanation_.is_sorted) run.found.emplace(run.sort, run.limit == 0 ? 0 : run.limit + 1, options_.rows_bytes_max);
  GRID_TRY(plan_.way == Way::index ? go_through_index(run) : go_through_keys(run, visitor));
  return explanation_.is_sorted ? hand_out(run, visitor) : Status::ok;
}

// In order of keys, and straight to the visitor when that is the order that is wanted.
Status QueryEngine::go_through_keys(Run& run, const Visitor& visitor) {
  const bool is_streamed = !explanation_.is_sorted;
  const bool goes_on = is_streamed && run.after && run.after->key >= plan_.keys.first;
  KeyWalk walk(run.map, goes_on ? run.after->key : plan_.keys.first, goes_on);
  for (std::uint64_t looks = 0;; ++looks) {
    const Result<crdt::Op> op = walk.next(store_);
    if (op.status() == Status::not_found) return Status::ok;
    if (!op.ok()) return refuse(op.status(), store_.problem());
    if (op->cell.name.map != run.map || plan_.keys.is_past(op->cell.name.key)) return Status::ok;
    // What lies beside a row has its key too, and the next page steps over it once more: a page that has come no
    // further than that has not come further at all.
    const bool has_moved = !goes_on || run.looked_key > run.after->key;
    const bool is_over = is_streamed && run.looks_max != 0 && looks >= run.looks_max && op->cell.name.sub.empty();
    if (is_over && has_moved) {
      return write_cursor(run, run.last_place(run.limit != 0 && explanation_.shown == run.limit));
    }
    bool is_enough = false;
    GRID_TRY(take(run, *op, is_streamed ? &visitor : nullptr, is_enough));
    if (is_enough) return write_cursor(run, run.last_place(true));
    if (run.looks_max != 0) run.looked_key = walk.key();
  }
}

Status QueryEngine::go_through_index(Run& run) {
  std::vector<crdt::Seq> seqs;
  seqs.reserve(plan_.expected);
  for (const CodeRange& range : plan_.ranges) plan_.index->collect(range, seqs);
  std::sort(seqs.begin(), seqs.end());
  for (const crdt::Seq seq : seqs) {
    const Result<crdt::Op> op = standing(seq);
    if (op.status() == Status::not_found) continue;
    if (!op.ok()) return refuse(op.status(), store_.problem());
    bool is_enough = false;
    GRID_TRY(take(run, *op, nullptr, is_enough));
  }
  return Status::ok;
}

// The log keeps local ops in flight even where another has replaced them.
Result<crdt::Op> QueryEngine::standing(crdt::Seq seq) {
  const Result<crdt::Op> op = store_.next_op(seq - 1);
  if (!op.ok()) return op;
  if (op->seq != seq) return Status::not_found;
  if (!op->local || seq <= store_.settled() || seq > store_.shared()) return op;
  char room[kNameBytesMax];
  const crdt::CellName name = copied(op->cell.name, room);
  const Result<crdt::Op> now = store_.find(name);
  if (now.ok() && now->seq != seq) return Status::not_found;
  return now;
}

// Holds one cell against the question. Without a visitor what is accepted waits to be sorted.
Status QueryEngine::take(Run& run, const crdt::Op& op, const Visitor* visitor, bool& is_enough) {
  if (!is_row(op, run.known_ms)) return Status::ok;
  const Row row{op.cell.name.key, crdt::Value(op.cell.value)};
  ++explanation_.looked_at;
  if (!run.where.matches(row) || !run.is_behind_cursor(row)) return Status::ok;
  is_enough = visitor != nullptr && run.limit != 0 && explanation_.shown == run.limit;
  if (is_enough) return Status::ok;
  ++explanation_.matched;
  if (visitor == nullptr) {
    if (run.found->add(row, op) == Status::ok) return Status::ok;
    return refuse(Status::full, "more rows would have to be sorted than there is memory for: say a limit");
  }
  ++explanation_.shown;
  run.shown_key = row.key;
  visitor->visit(visitor->at, row, op);
  return Status::ok;
}

Status QueryEngine::hand_out(Run& run, const Visitor& visitor) {
  const FoundRow* last = nullptr;
  for (const FoundRow& found : run.found->sorted()) {
    if (run.limit != 0 && explanation_.shown == run.limit) return write_cursor(run, last->place);
    const crdt::Op op{.cell = {.name = {run.map, found.row().key}, .stamp = found.stamp}, .local = found.local};
    visitor.visit(visitor.at, found.row(), op);
    ++explanation_.shown;
    last = &found;
  }
  return Status::ok;
}

Status QueryEngine::write_cursor(const Run& run, const Place& last) {
  cursor_.resize(kCursorTextBytesMax);
  const Result<std::string_view> text = query::write_cursor(last, run.hash, cursor_);
  cursor_.resize(text.ok() ? text->size() : 0);
  return text.ok() ? Status::ok : refuse(Status::full, "what the rows are sorted by is too long for a cursor");
}

}  // namespace grid::runtime
