// SPDX-License-Identifier: Apache-2.0
//
// Datalog of the embedding API: what grid/datalog.h asks, to the fact engine over the node's store.

#include "ports/linux/linux_host_impl.h"
#include "runtime/grid/datalog.h"

namespace grid {

Status LinuxHost::Impl::ask(std::string_view map, const DatalogQuestion& question, const DatalogVisitor& visitor,
                            DatalogAnswer& answer) {
  if (has_failed()) return Status::io;
  std::string trouble;
  const auto read = runtime::FactQuestion::read(question.text, question.inputs, trouble);
  if (read == nullptr) {
    complain(trouble);
    return Status::invalid;
  }
  answer.shape = static_cast<AnswerShape>(read->query().shape);
  struct Counted {
    const DatalogVisitor& visitor;
    std::uint64_t rows = 0;
  } counted{visitor};
  const Status status = facts_->ask(map, *read,
                                    {[](void* at, std::span<const Value> row) {
                                       auto* to = static_cast<Counted*>(at);
                                       ++to->rows;
                                       to->visitor.visit(to->visitor.at, row);
                                     },
                                     &counted});
  answer.rows = counted.rows;
  answer.steps = facts_->steps();
  if (status != Status::ok) complain(facts_->problem());
  if (status != Status::ok || visitor.explain == nullptr) return status;
  for (const runtime::FactStep& step : facts_->explain(*read)) {
    visitor.explain(visitor.at, {step.of, step.clause, step.line, step.column, step.by, step.expected, step.rows_in,
                                 step.rows_out});
  }
  return status;
}

Result<Scope> LinuxHost::Impl::datalog_scope(std::string_view map, const DatalogQuestion& question) {
  std::string trouble;
  const auto read = runtime::FactQuestion::read(question.text, question.inputs, trouble);
  if (read == nullptr) {
    complain(trouble);
    return Status::invalid;
  }
  return read->attributes().scope(map, scope_text_);
}

}  // namespace grid
