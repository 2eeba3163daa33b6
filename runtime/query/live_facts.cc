// SPDX-License-Identifier: Apache-2.0
//
// Of a conjunction, a row that a change brings has one of the facts that came in it, and a row that a change takes had
// one of those that went. So the question is asked with such facts given: of what goes before the index changes, of
// what comes behind that. A row whose fact went may stand on others: that is asked, too.

#include "runtime/query/live_facts.h"

#include "runtime/query/packed_row.h"

namespace grid::runtime {

using crdt::Value;
using datalog::Binding;
using datalog::Call;
using datalog::Clause;
using datalog::Term;

namespace {

// More than so many facts at once, and answering anew is sooner done.
constexpr std::size_t kDeltasMax = 4'096;
constexpr std::size_t kRowOverhead = 96;

// A list of lists on its way into an input.
class Relation {
 public:
  void begin_row() { rows_.emplace_back(); }
  void add(const Value& value) {
    rows_.back().emplace_back(value.canonical().begin(), value.canonical().end());
    bytes_ += value.canonical().size() + kPerValue;
  }
  void add_text(std::string_view text) {
    std::vector<std::uint8_t> room(text.size() + kPerValue);
    crdt::ValueWriter writer(room);
    writer.text(text);
    add(Value(*writer.finish()));
  }
  bool empty() const { return rows_.empty(); }

  std::vector<std::uint8_t> list() const {
    std::vector<std::uint8_t> room(bytes_ + kPerValue * (rows_.size() + 1));
    crdt::ValueWriter writer(room);
    writer.begin_list();
    for (const auto& row : rows_) {
      writer.begin_list();
      for (const auto& value : row) writer.copy_of(Value(value));
      writer.end_list();
    }
    writer.end_list();
    const Result<Bytes> written = writer.finish();
    room.resize(written.ok() ? written->size() : 0);
    return room;
  }

 private:
  static constexpr std::size_t kPerValue = 16;
  std::vector<std::vector<std::vector<std::uint8_t>>> rows_;
  std::size_t bytes_ = 0;
};

// An attribute that is named is that one; other constants are left to the evaluation, which knows that 1 is 1.0.
bool may_match(const Clause& pattern, const FactDelta& delta) {
  const Term& attribute = pattern.terms[1];
  return attribute.kind != Term::Kind::constant || attribute.constant.text_or({}) == delta.predicate;
}

bool is_conjunctive(const datalog::Query& query) {
  for (const datalog::Find& find : query.find) {
    if (find.aggregate != datalog::Aggregate::none || find.pull != nullptr) return false;
  }
  for (const Clause& clause : query.where) {
    const bool looks_at_facts =
        clause.call == Call::missing || clause.call == Call::get_else || clause.call == Call::get_some;
    if (clause.kind == Clause::Kind::pattern) continue;
    if (clause.kind != Clause::Kind::predicate && clause.kind != Clause::Kind::function) return false;
    if (looks_at_facts) return false;
  }
  const bool is_whole = query.limit == UINT64_MAX && query.offset == 0;
  return is_whole && (query.shape == datalog::Shape::relation || query.shape == datalog::Shape::collection);
}

}  // namespace

LiveFacts::LiveFacts(FactEngine& engine, std::string_view map, std::unique_ptr<FactQuestion> question,
                     std::size_t bytes_max)
    : engine_(engine), map_(map), question_(std::move(question)), bytes_max_(bytes_max) {
  prepare();
  engine_.watch(*this);
}

LiveFacts::~LiveFacts() { engine_.unwatch(*this); }

void LiveFacts::prepare() {
  const datalog::Query& query = question_->query();
  is_incremental_ = is_conjunctive(query);
  if (!is_incremental_) return;
  for (const Clause& clause : query.where) {
    if (clause.kind != Clause::Kind::pattern) continue;
    std::vector<Binding> parts;
    for (const Term& term : clause.terms) {
      const bool is_variable = term.kind == Term::Kind::variable;
      parts.push_back({.kind = is_variable ? Binding::Kind::scalar : Binding::Kind::blank, .variable = term.variable});
    }
    seed(&clause, std::move(parts));
  }
  std::vector<Binding> found;
  for (const datalog::Find& find : query.find) {
    found.push_back({.kind = Binding::Kind::scalar, .variable = find.variable});
  }
  seed(nullptr, std::move(found));
}

void LiveFacts::seed(const Clause* pattern, std::vector<Binding> parts) {
  auto seeded = std::make_unique<Seeded>();
  seeded->pattern = pattern;
  seeded->parts = std::move(parts);
  seeded->tuple = {.kind = Binding::Kind::tuple, .parts = seeded->parts};
  seeded->query = question_->query();
  seeded->in.assign(seeded->query.in.begin(), seeded->query.in.end());
  seeded->in.push_back({.kind = Binding::Kind::collection, .parts = {&seeded->tuple, 1}});
  seeded->query.in = seeded->in;
  seeded_.push_back(std::move(seeded));
}

Status LiveFacts::ask_seeded(const Seeded& seeded, const std::vector<std::uint8_t>& relation, Rows& into) {
  std::vector<Value> inputs(question_->inputs().begin(), question_->inputs().end());
  inputs.emplace_back(Bytes(relation));
  return engine_.ask(
      engine_.index_of(map_), seeded.query, inputs,
      {[](void* at, std::span<const Value> row) { static_cast<Rows*>(at)->insert(packed(row)); }, &into});
}

// The rows that stand on one of the facts.
Status LiveFacts::collect(bool are_added, std::span<const FactDelta> deltas, Rows& into) {
  for (const auto& seeded : seeded_) {
    if (seeded->pattern == nullptr) continue;
    Relation relation;
    for (const FactDelta& delta : deltas) {
      if (delta.is_added != are_added || !may_match(*seeded->pattern, delta)) continue;
      relation.begin_row();
      relation.add(Value(delta.entity));
      relation.add_text(delta.predicate);
      relation.add(Value(delta.object));
    }
    if (!relation.empty()) GRID_TRY(ask_seeded(*seeded, relation.list(), into));
  }
  return Status::ok;
}

// What failed is told with the next advance(), when the engine may have had another trouble.
void LiveFacts::note(Status status) {
  failed_ = status;
  if (status != Status::ok) trouble_ = engine_.problem();
}

void LiveFacts::changing(std::span<const FactDelta> deltas) {
  if (!is_incremental_ || deltas.size() > kDeltasMax) is_stale_ = true;
  if (!is_stale_ && failed_ == Status::ok) note(collect(false, deltas, candidates_));
}

void LiveFacts::changed(std::span<const FactDelta> deltas) {
  if (!is_stale_ && failed_ == Status::ok) note(follow(deltas));
}

Status LiveFacts::follow(std::span<const FactDelta> deltas) {
  Rows come;
  GRID_TRY(collect(true, deltas, come));
  for (const std::string& row : come) GRID_TRY(put(row));
  return settle_candidates();
}

Status LiveFacts::settle_candidates() {
  Relation relation;
  for (const std::string& row : candidates_) {
    if (rows_.count(row) == 0) continue;
    relation.begin_row();
    for (const Value& value : unpacked(row)) relation.add(value);
  }
  Rows standing;
  if (!relation.empty()) GRID_TRY(ask_seeded(*seeded_.back(), relation.list(), standing));
  for (const std::string& row : candidates_) {
    if (standing.count(row) == 0) take_out(row);
  }
  candidates_.clear();
  return Status::ok;
}

Status LiveFacts::put(const std::string& row) {
  if (rows_.count(row) != 0) return Status::ok;
  bytes_ += row.size() + kRowOverhead;
  if (bytes_ > bytes_max_) return Status::full;
  note_move(row, false);
  rows_.insert(row);
  return Status::ok;
}

// One that is back where it was has not moved.
void LiveFacts::note_move(const std::string& row, bool was_in) {
  if (!moved_.emplace(row, was_in).second) moved_.erase(row);
}

void LiveFacts::take_out(const std::string& row) {
  if (rows_.count(row) == 0) return;
  note_move(row, true);
  rows_.erase(row);
  bytes_ -= row.size() + kRowOverhead;
}

Status LiveFacts::ask_anew() {
  ++asked_count_;
  Rows now;
  GRID_TRY(
      engine_.ask(engine_.index_of(map_), question_->query(), question_->inputs(),
                  {[](void* at, std::span<const Value> row) { static_cast<Rows*>(at)->insert(packed(row)); }, &now}));
  Rows gone;
  for (const std::string& row : rows_) {
    if (now.count(row) == 0) gone.insert(row);
  }
  for (const std::string& row : gone) take_out(row);
  for (const std::string& row : now) GRID_TRY(put(row));
  candidates_.clear();
  is_stale_ = false;
  return Status::ok;
}

Status LiveFacts::advance(const Visitor& visitor) {
  GRID_TRY(engine_.catch_up(map_));
  GRID_TRY(failed_);
  const std::uint64_t loads = engine_.index_of(map_).loads();
  is_stale_ = is_stale_ || loads != loads_;
  loads_ = loads;
  if (is_stale_) GRID_TRY(ask_anew());
  tell(visitor);
  return Status::ok;
}

// What has left is told first: a row that changes leaves as it was, and enters as it is.
void LiveFacts::tell(const Visitor& visitor) {
  for (const bool has_entered : {false, true}) {
    for (const auto& [row, was_in] : moved_) {
      if (was_in != has_entered) visitor.visit(visitor.at, has_entered, unpacked(row));
    }
  }
  moved_.clear();
}

}  // namespace grid::runtime
