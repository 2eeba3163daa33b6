// SPDX-License-Identifier: Apache-2.0

#include "runtime/grid/small_datalog.h"

#include "runtime/grid/facts.h"

namespace grid {

namespace {

// What a name of a cell was, which the store may write over.
template <std::size_t kMax>
class Kept {
 public:
  std::string_view view() const { return {text_, size_}; }
  void take(std::string_view text) { size_ = text.copy(text_, kMax); }

 private:
  char text_[kMax];
  std::size_t size_ = 0;
};

}  // namespace

Status SmallDatalog::ask(const datalog::Query& query, std::span<const Value> inputs, const Visitor& visitor) {
  problem_.clear();
  bytes_ = 0;
  taken_ = 0;
  FixedChunk chunk(memory_);
  if (memory_.size() < Region::kChunkBytesMin) {
    problem_.say("limit: the memory that is lent is too small");
    return Status::full;
  }
  Region region(chunk, memory_.size(), memory_.size());
  const Status status = answer(region, query, inputs, visitor);
  bytes_ = region.reached();
  return status;
}

Status SmallDatalog::answer(Region& region, const datalog::Query& query, std::span<const Value> inputs,
                            const Visitor& visitor) {
  datalog::Index index(region);
  const Status loaded = load(index);
  if (loaded == Status::full) {
    problem_.say("limit: the facts of ").say(map_).say(" take more than ").say(memory_.size()).say(" bytes of memory");
  }
  GRID_TRY(loaded);
  datalog::Evaluation evaluation(index, region, {steps_max_});
  Status status = evaluation.run(query, inputs);
  for (std::size_t i = 0; status == Status::ok && i < evaluation.count(); ++i) {
    const Result<std::span<const Value>> row = evaluation.row(i);
    status = row.status();
    if (row.ok()) visitor.visit(visitor.at, *row);
  }
  taken_ = evaluation.steps();
  if (status != Status::ok) problem_ = evaluation.problem();
  return status;
}

// A marker is no live cell: of each entity it is asked for. Under it may lie what a power cut has left.
Status SmallDatalog::load(datalog::Index& index) {
  const Facts facts(node_, map_);
  Kept<kKeyBytesMax> key;
  Kept<kSubBytesMax> sub;
  for (;;) {
    const Result<crdt::Op> op = node_.driver().next_cell({map_, key.view(), sub.view()});
    if (op.status() == Status::not_found) return Status::ok;
    if (!op.ok()) return op.status();
    const crdt::CellName name = op->cell.name;
    if (name.map != map_) return Status::ok;
    if (name.key != key.view()) {
      key.take(name.key);
      sub.take(facts.is_deleted(key.view()) ? crdt::kBehindAllSubs : std::string_view());
      continue;
    }
    sub.take(name.sub);
    const Result<crdt::FactName> fact = crdt::FactName::read(sub.view());
    if (!fact.ok()) continue;
    const Status added = index.add_once(key.view(), fact->predicate, Value(op->cell.value), !fact->is_many());
    if (added != Status::ok && added != Status::invalid) return added;  // A stub is none that can be read here.
  }
}

}  // namespace grid
