// SPDX-License-Identifier: Apache-2.0

#include "runtime/query/answer_cache.h"

#include <algorithm>
#include <utility>

#include "runtime/query/packed_row.h"

namespace grid::runtime {

namespace {

constexpr std::size_t kOverhead = 256;  // Of an answer beside its rows.

// What makes it this question. Neither a map nor a text of EDN has a NUL.
std::string name_of(std::string_view map, const FactQuestion& question) {
  std::string name(map);
  name.append(1, '\0').append(question.text()).append(1, '\0').append(question.rules()).append(1, '\0');
  return name + packed(question.inputs());
}

bool stands(const FactIndex& index, const QueryAttributes& attributes, std::uint64_t since) {
  if (attributes.are_all) return index.changes() == since;
  return std::all_of(attributes.names.begin(), attributes.names.end(),
                     [&](const std::string& name) { return index.last_change(name) <= since; });
}

}  // namespace

void AnswerCache::drop(Answers::iterator at) {
  bytes_ -= at->second.bytes;
  answers_.erase(at);
}

const AnswerCache::Rows* AnswerCache::find(std::string_view map, const FactIndex& index, const FactQuestion& question) {
  const auto at = answers_.find(name_of(map, question));
  if (at == answers_.end()) return nullptr;
  Answer& answer = at->second;
  if (answer.loads != index.loads() || !stands(index, question.attributes(), answer.changes)) return drop(at), nullptr;
  answer.used = ++uses_;
  return &answer.rows;
}

void AnswerCache::keep(std::string_view map, const FactIndex& index, const FactQuestion& question, Rows&& rows) {
  std::string name = name_of(map, question);
  Answer answer{index.loads(), index.changes(), ++uses_, kOverhead + name.size(), std::move(rows)};
  for (const std::string& row : answer.rows) answer.bytes += bytes_of(row);
  if (answer.bytes > share()) return;
  if (const auto before = answers_.find(name); before != answers_.end()) drop(before);
  while (bytes_ + answer.bytes > bytes_max_) {
    drop(std::min_element(answers_.begin(), answers_.end(),
                          [](const auto& a, const auto& b) { return a.second.used < b.second.used; }));
  }
  bytes_ += answer.bytes;
  answers_.emplace(std::move(name), std::move(answer));
}

}  // namespace grid::runtime
