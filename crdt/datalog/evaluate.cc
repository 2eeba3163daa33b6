// SPDX-License-Identifier: Apache-2.0

#include "crdt/datalog/evaluate.h"

#include "crdt/datalog/answer.h"
#include "crdt/datalog/engine.h"

namespace grid::datalog {

Evaluation::Evaluation(const Index& index, Region& region, Budget budget)
    : index_(index), region_(region), meter_(budget) {}

Status Evaluation::run(const Query& query, std::span<const Value> inputs) {
  void* const memory = region_.take(sizeof(Engine));
  void* const beside = region_.take(sizeof(Answer));
  if (memory == nullptr || beside == nullptr) return say_limit(Status::full);
  engine_ = new (memory) Engine(index_, region_, meter_, problem_);
  answer_ = new (beside) Answer(*engine_);
  Status status = engine_->run(query, inputs);
  if (status == Status::ok) status = answer_->make();
  if (status == Status::ok) count_ = answer_->count();
  return say_limit(status);
}

Result<std::span<const Value>> Evaluation::row(std::size_t at) {
  const Result<std::span<const Value>> row = answer_->row(at);
  if (!row.ok()) return say_limit(row.status());
  return row;
}

Status Evaluation::say_limit(Status status) {
  if (status != Status::full || problem_.exists()) return status;
  if (meter_.is_over()) {
    problem_.say("limit: the query took more than ").say(meter_.all()).say(" steps");
  } else {
    problem_.say("limit: the query took more than ").say(region_.limit()).say(" bytes of memory");
  }
  return status;
}

std::size_t Evaluation::explained() const {
  std::size_t count = 0;
  if (engine_ == nullptr) return 0;
  for (const Goal* goal : engine_->goals()) {
    for (const Plan& plan : goal->plans) count += plan.stages.size();
  }
  return count;
}

Explained Evaluation::explain(std::size_t at) const {
  for (const Goal* goal : engine_->goals()) {
    for (std::size_t i = 0; i < goal->plans.size(); ++i) {
      const Plan& plan = goal->plans[i];
      if (at >= plan.stages.size()) {
        at -= plan.stages.size();
        continue;
      }
      const Stage& stage = plan.stages[at];
      return {engine_->program()[goal->predicate].name,
              static_cast<std::uint16_t>(i),
              stage.item == nullptr ? Place{} : stage.item->at,
              engine_->way_of(stage),
              stage.expected,
              stage.rows_in,
              stage.rows_out};
    }
  }
  return {};
}

}  // namespace grid::datalog
