// SPDX-License-Identifier: Apache-2.0

#include "runtime/query/live_query.h"

#include <utility>

namespace grid::runtime {

namespace {

constexpr std::size_t kSortBytesMax = 4'096;

std::string sentence_of(std::string_view what, const query::Trouble& trouble) {
  char room[400];
  return std::string(what).append(trouble.sentence(room));
}

}  // namespace

Status LiveQuery::open(const Question& question) {
  map_ = question.map;
  where_ = question.where;
  order_ = question.order;
  limit_ = question.limit;
  query::Trouble trouble;
  program_.resize(query::Predicate::kProgramBytesMax);
  const auto predicate = query::compile(question.where, question.parameters, program_, trouble);
  if (!predicate.ok()) return problem_ = sentence_of("the predicate, ", trouble), predicate.status();
  program_.resize(predicate->program().size());
  program_.shrink_to_fit();
  predicate_ = query::Predicate(program_);
  sort_bytes_.resize(kSortBytesMax);
  const auto sort = query::compile_sort(question.order, sort_bytes_, trouble);
  if (!sort.ok()) return problem_ = sentence_of("the order, ", trouble), sort.status();
  sort_ = *sort;
  position_ = store_.head();
  known_ms_ = question.known_ms;
  const Status filled = refill(question.known_ms);
  if (filled != Status::ok)
    problem_ = filled == Status::full ? "the rows of the answer take too much memory" : store_.problem();
  return filled;
}

std::unique_ptr<LiveQuery::Row> LiveQuery::row_of(const crdt::Op& op) const {
  auto row = std::make_unique<Row>();
  row->key = op.cell.name.key;
  row->value.assign(op.cell.value.begin(), op.cell.value.end());
  row->place = sort_.place_of(row->view());
  row->stamp = op.cell.stamp;
  row->expires_ms = op.cell.expires_ms;
  row->local = op.local;
  return row;
}

// Before the first time that a row comes into the answer, or goes out of it, what was told of it is noted.
void LiveQuery::touch(const Row& row) {
  const auto [at, is_first] = touched_.try_emplace(row.key);
  if (is_first && window_.count(&row) != 0) at->second = {true, row.value, row.stamp};
}

// The row is gone.
void LiveQuery::forget(const Row& row) {
  bytes_ -= row.bytes();
  if (row.expires_ms != 0) expiries_.erase({row.expires_ms, row.key});
  rows_.erase(rows_.find(row.key));
}

void LiveQuery::take_out(const Row& row) {
  touch(row);
  const bool was_in_window = window_.erase(&row) != 0;
  if (!was_in_window) spare_.erase(&row);
  forget(row);
  if (!was_in_window || spare_.empty()) return;
  touch(**spare_.begin());
  window_.insert(*spare_.begin());
  spare_.erase(spare_.begin());
}

// Behind the last row that is kept there may be others, unless all are known.
void LiveQuery::put_in(std::unique_ptr<Row> held) {
  const Row* const row = held.get();
  const Rows& tail = spare_.empty() ? window_ : spare_;
  const bool is_behind = tail.empty() || sort_.compare((*tail.rbegin())->place, row->place) < 0;
  if (is_bounded() && is_behind && !knows_all_) return;
  touch(*row);
  bytes_ += row->bytes();
  if (row->expires_ms != 0) expiries_.emplace(row->expires_ms, row->key);
  rows_[row->key] = std::move(held);
  const bool is_in_window =
      !is_bounded() || window_.size() < limit_ || sort_.compare(row->place, (*window_.rbegin())->place) < 0;
  (is_in_window ? window_ : spare_).insert(row);
  if (is_bounded() && window_.size() > limit_) {
    const Row* const last = *window_.rbegin();
    touch(*last);
    window_.erase(last);
    spare_.insert(last);
  }
  if (spare_.size() <= spare_max()) return;
  const Row* const last = *spare_.rbegin();
  spare_.erase(last);
  forget(*last);
  knows_all_ = false;
}

// The row as it stands now.
Status LiveQuery::look_at(std::string_view key, std::uint64_t known_ms) {
  const Result<crdt::Op> op = store_.find({map_, key, {}});
  if (!op.ok() && op.status() != Status::not_found) return op.status();
  const auto known = rows_.find(key);
  if (known != rows_.end() && op.ok() && op->cell.stamp == known->second->stamp && op->cell.is_live(known_ms)) {
    known->second->local = op->local;
    return Status::ok;
  }
  std::unique_ptr<Row> row;
  if (op.ok() && op->cell.is_live(known_ms) && predicate_.matches({op->cell.name.key, crdt::Value(op->cell.value)})) {
    row = row_of(*op);
  }
  if (known != rows_.end()) take_out(*known->second);
  if (row != nullptr) put_in(std::move(row));
  if (bytes_ > bytes_max_) return Status::full;
  const bool runs_short = is_bounded() && window_.size() < limit_ && !knows_all_;
  return runs_short ? refill(known_ms) : Status::ok;
}

// The window and what stands behind it, asked anew. What was told stays noted, so that only differences are told.
Status LiveQuery::refill(std::uint64_t known_ms) {
  ++asked_count_;
  for (const Row* row : window_) touch(*row);
  window_.clear();
  spare_.clear();
  rows_.clear();
  expiries_.clear();
  bytes_ = 0;
  const std::uint64_t wanted = is_bounded() ? limit_ + spare_max() : 0;
  std::vector<std::string> keys;
  const QueryEngine::Visitor visitor{[](void* at, const query::Row& row, const crdt::Op&) {
                                       static_cast<std::vector<std::string>*>(at)->emplace_back(row.key);
                                     },
                                     &keys};
  // The program is the question, whatever its parameters were.
  const Question question{.map = map_, .order = order_, .limit = wanted, .known_ms = known_ms};
  const Status asked = engine_.ask_compiled(question, predicate_, visitor);
  // A cursor behind them is of no use here: let it be too long.
  const bool is_whole = asked == Status::full && wanted != 0 && keys.size() == wanted;
  if (asked != Status::ok && !is_whole) return asked;
  knows_all_ = true;
  for (const std::string& key : keys) {
    const Result<crdt::Op> op = store_.find({map_, key, {}});
    if (!op.ok()) return op.status();
    put_in(row_of(*op));
    if (bytes_ > bytes_max_) return Status::full;
  }
  knows_all_ = !is_bounded() || keys.size() < wanted;
  return Status::ok;
}

void LiveQuery::erased(const crdt::CellName& name) {
  if (name.sub.empty() && name.map == map_) erased_.emplace(name.key);
}

Status LiveQuery::advance(std::uint64_t known_ms, const Visitor& visitor, std::uint64_t records_max) {
  // Set back, the time brings back what had expired.
  Status status = known_ms < known_ms_ ? refill(known_ms) : Status::ok;
  known_ms_ = known_ms;
  for (const std::string& key : std::exchange(erased_, {})) {
    if (status == Status::ok) status = look_at(key, known_ms);
  }
  while (status == Status::ok && known_ms != 0 && next_expiry_ms() <= known_ms) {
    const std::string key = expiries_.begin()->second;
    status = look_at(key, known_ms);
  }
  for (; status == Status::ok && position_ < store_.head(); --records_max) {
    if (records_max == 0) {
      status = Status::busy;
      break;
    }
    const Result<crdt::Op> op = store_.next_op(position_);
    if (!op.ok() && op.status() != Status::not_found) return op.status();
    position_ = op.ok() ? op->seq : store_.head();
    if (!op.ok() || op->cell.name.map != map_ || !op->cell.name.sub.empty()) continue;
    const std::string key(op->cell.name.key);
    status = look_at(key, known_ms);
  }
  if (status == Status::ok || status == Status::busy) tell(visitor);
  return status;
}

void LiveQuery::tell(const Visitor& visitor) {
  for (const auto& [key, before] : std::exchange(touched_, {})) {
    const auto known = rows_.find(key);
    const Row* const now =
        known != rows_.end() && window_.count(known->second.get()) != 0 ? known->second.get() : nullptr;
    if (now == nullptr ? !before.is_in : before.is_in && now->stamp == before.stamp) continue;
    const LiveKind kind = !before.is_in ? LiveKind::enter : now == nullptr ? LiveKind::leave : LiveKind::update;
    visitor.visit(visitor.at, {kind, key, before.is_in ? crdt::Value(before.value) : crdt::Value(),
                               now != nullptr ? crdt::Value(now->value) : crdt::Value(),
                               now != nullptr ? now->stamp : crdt::Stamp{}, now != nullptr && now->local});
  }
}

}  // namespace grid::runtime
