// SPDX-License-Identifier: Apache-2.0

#include "runtime/query/fact_engine.h"

#include <algorithm>

#include "runtime/machine.h"
#include "runtime/query/entity_question.h"
#include "runtime/query/live_facts.h"
#include "runtime/query/packed_row.h"

namespace grid::runtime {

using crdt::Value;
using datalog::Evaluation;

namespace {

constexpr std::size_t kChunkBytes = 1u << 18;

}  // namespace

Status FactEngine::refuse(Status status, std::string problem) {
  problem_ = std::move(problem);
  return status;
}

FactEngine::Kept& FactEngine::kept(std::string_view map) {
  std::unique_ptr<Kept>& kept = kept_[std::string(map)];
  if (kept != nullptr) return *kept;
  kept.reset(new Kept{FactIndex(index_chunks_, options_.index_bytes_max), std::nullopt});
  if (store_ != nullptr) kept->reader.emplace(*store_, map, options_.index_bytes_max);
  return *kept;
}

FactIndex& FactEngine::index_of(std::string_view map) { return kept(map).index; }

void FactEngine::let_go(std::string_view map) {
  const auto found = kept_.find(map);
  if (found != kept_.end()) kept_.erase(found);
  const auto watchers = watchers_.find(map);
  if (watchers != watchers_.end()) watchers_.erase(watchers);
}

void FactEngine::erased(const crdt::CellName& name) {
  const auto found = kept_.find(name.map);
  if (found != kept_.end() && found->second->reader.has_value()) found->second->reader->erased(name);
}

void FactEngine::watch(LiveFacts& live) {
  Watchers& watchers = watchers_[live.map()];
  live.number = ++watched_;
  if (live.attributes().are_all) watchers.of_all.emplace(live.number, &live);
  if (live.attributes().are_all) return;
  for (const std::string& name : live.attributes().names) watchers.by_attribute[name].emplace(live.number, &live);
}

void FactEngine::unwatch(LiveFacts& live) {
  Watchers& watchers = watchers_[live.map()];
  watchers.of_all.erase(live.number);
  for (const std::string& name : live.attributes().names) {
    const auto at = watchers.by_attribute.find(name);
    if (at == watchers.by_attribute.end()) continue;
    at->second.erase(live.number);
    if (at->second.empty()) watchers.by_attribute.erase(at);
  }
}

// Each of those whom one of the deltas concerns, once, with all that concern it.
template <typename Tell>
void FactEngine::Watchers::each(std::span<const FactDelta> deltas, Tell tell) {
  struct Concerned {
    LiveFacts* live = nullptr;
    std::vector<FactDelta> deltas;
  };
  std::map<std::uint64_t, Concerned> concerned;
  const auto concern = [&concerned](const ByNumber& lives, const FactDelta& delta) {
    for (const auto& [number, live] : lives) {
      concerned[number].live = live;
      concerned[number].deltas.push_back(delta);
    }
  };
  for (const FactDelta& delta : deltas) {
    const auto at = by_attribute.find(delta.predicate);
    if (at != by_attribute.end()) concern(at->second, delta);
    concern(of_all, delta);
  }
  for (const auto& [number, its] : concerned) tell(*its.live, its.deltas);
}

void FactEngine::Watchers::changing(std::span<const FactDelta> deltas) {
  each(deltas, [](LiveFacts& live, std::span<const FactDelta> its) { live.changing(its); });
}

void FactEngine::Watchers::changed(std::span<const FactDelta> deltas) {
  each(deltas, [](LiveFacts& live, std::span<const FactDelta> its) { live.changed(its); });
}

FactListener* FactEngine::listener_of(std::string_view map) {
  const auto watchers = watchers_.find(map);
  return watchers == watchers_.end() ? nullptr : &watchers->second;
}

Status FactEngine::refuse_facts(std::string_view map, Status status) {
  if (status != Status::full)
    return refuse(status, store_ == nullptr ? "the facts are not read yet" : store_->problem());
  const std::size_t bytes_max = std::min(options_.index_bytes_max, options_.all_bytes_max);
  return refuse(status, "limit: the facts of " + std::string(map) + " take more than " +
                            std::to_string(bytes_max >> 20) + " MiB");
}

Status FactEngine::catch_up(std::string_view map) {
  Kept& kept = this->kept(map);
  if (!kept.reader.has_value()) return kept.index.is_loaded() ? Status::ok : refuse_facts(map, Status::busy);
  const Status read = kept.reader->catch_up(kept.index, known_ms_, listener_of(map));
  return read == Status::ok ? read : refuse_facts(map, read);
}

std::uint64_t FactEngine::next_expiry_ms() const {
  std::uint64_t next_ms = kNever;
  for (const auto& [map, kept] : kept_) {
    const auto watchers = watchers_.find(map);
    const bool is_watched = watchers != watchers_.end() && !watchers->second.empty();
    if (is_watched && kept->reader.has_value()) next_ms = std::min(next_ms, kept->reader->next_expiry_ms());
  }
  return next_ms;
}

Status FactEngine::change(std::string_view map, std::span<const FactCell> cells) {
  const Status changed = index_of(map).change(cells, listener_of(map));
  return changed == Status::ok ? changed : refuse_facts(map, changed);
}

Status FactEngine::ask(std::string_view map, const FactQuestion& question, const Visitor& visitor) {
  GRID_TRY(catch_up(map));
  return ask(index_of(map), question.query(), question.inputs(), visitor);
}

Status FactEngine::answer(std::string_view map, const FactQuestion& question, const Visitor& visitor) {
  GRID_TRY(catch_up(map));
  FactIndex& index = index_of(map);
  if (const AnswerCache::Rows* const known = answers_.find(map, index, question); known != nullptr) {
    steps_ = 0;
    explained_.clear();
    for (const std::string& row : *known) visitor.visit(visitor.at, unpacked(row));
    return Status::ok;
  }
  struct Told {
    const Visitor& visitor;
    std::size_t bytes_left;
    AnswerCache::Rows rows{};
  } told{visitor, answers_.share()};
  const auto take = [](void* at, std::span<const Value> row) {
    Told& to = *static_cast<Told*>(at);
    to.visitor.visit(to.visitor.at, row);
    if (to.bytes_left == 0) return;
    const std::size_t bytes = AnswerCache::bytes_of(to.rows.emplace_back(packed(row)));
    to.bytes_left -= std::min(bytes, to.bytes_left);
    if (to.bytes_left == 0) to.rows = {};
  };
  GRID_TRY(ask(index, question.query(), question.inputs(), {take, &told}));
  if (told.bytes_left > 0) answers_.keep(map, index, question, std::move(told.rows));
  return Status::ok;
}

Status FactEngine::ask(FactIndex& index, const datalog::Query& query, std::span<const Value> inputs,
                       const Visitor& visitor) {
  Region region(chunks_, kChunkBytes, options_.query_bytes_max);
  Evaluation evaluation(index.index(), region, {.steps = options_.steps_max});
  explained_.clear();
  Status status = evaluation.run(query, inputs);
  steps_ = evaluation.steps();
  for (std::size_t i = 0; status == Status::ok && i < evaluation.explained(); ++i) {
    explained_.push_back(evaluation.explain(i));
  }
  for (std::size_t i = 0; status == Status::ok && i < evaluation.count(); ++i) {
    const Result<std::span<const Value>> row = evaluation.row(i);
    status = row.status();
    if (row.ok()) visitor.visit(visitor.at, *row);
  }
  return status == Status::ok ? status : refuse(status, std::string(evaluation.problem().sentence()));
}

std::vector<FactStep> FactEngine::explain(const FactQuestion& question) const {
  std::vector<FactStep> steps;
  for (const datalog::Explained& one : explained_) {
    steps.push_back({std::string(one.of), one.of == "query" ? form_at(question.text(), one.at) : std::string(),
                     one.at.line, one.at.column, std::string(one.by), one.expected, one.rows_in, one.rows_out});
  }
  return steps;
}

}  // namespace grid::runtime
