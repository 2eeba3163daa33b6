// SPDX-License-Identifier: Apache-2.0

#include "runtime/query/fact_engine.h"

namespace grid::runtime {

using crdt::Value;
using datalog::Evaluation;

namespace {

constexpr std::size_t kChunkBytes = 1u << 18;

// From there to the bracket that closes it.
std::string form_at(std::string_view text, datalog::Place place) {
  std::size_t from = 0;
  for (std::uint32_t line = 1; line < place.line && from < text.size(); ++line) from = text.find('\n', from) + 1;
  from += place.column - 1;
  std::size_t at = from;
  std::size_t depth = 0;
  for (bool is_text = false; at < text.size(); ++at) {
    const char c = text[at];
    if (is_text && c == '\\') {
      ++at;
    } else if (c == '"') {
      is_text = !is_text;
    } else if (!is_text && (c == '(' || c == '[' || c == '{')) {
      ++depth;
    } else if (!is_text && (c == ')' || c == ']' || c == '}') && (depth == 0 || --depth == 0)) {
      break;
    }
  }
  return from < text.size() ? std::string(text.substr(from, at + 1 - from)) : std::string();
}

}  // namespace

Status FactEngine::refuse(Status status, std::string problem) {
  problem_ = std::move(problem);
  return status;
}

FactIndex& FactEngine::index_of(std::string_view map) {
  std::unique_ptr<FactIndex>& index = indexes_[std::string(map)];
  if (index == nullptr) index = std::make_unique<FactIndex>(store_, map, chunks_, options_.index_bytes_max);
  return *index;
}

void FactEngine::erased(const crdt::CellName& name) {
  const auto index = indexes_.find(name.map);
  if (index != indexes_.end()) index->second->erased(name);
}

Status FactEngine::ask(std::string_view map, const FactQuestion& question, const Visitor& visitor) {
  FactIndex& index = index_of(map);
  const Status read = index.catch_up();
  if (read == Status::full) {
    return refuse(read, "limit: the facts of " + std::string(map) + " take more than " +
                            std::to_string(options_.index_bytes_max >> 20) + " MiB");
  }
  if (read != Status::ok) return refuse(read, store_.problem());
  return ask(index, question.query(), question.inputs(), visitor);
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
