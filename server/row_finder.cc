// SPDX-License-Identifier: Apache-2.0

#include "server/row_finder.h"

#include <algorithm>

#include "crdt/base/check.h"
#include "crdt/query/compile.h"

namespace grid::server {

using runtime::Index;
using storage::Seq;

namespace {

std::string sentence_of(const query::Trouble& trouble) {
  char room[400];
  return std::string(trouble.sentence(room));
}

}  // namespace

bool add_index(const IndexedField& index, std::vector<IndexedField>& indexes, std::string& problem) {
  std::uint8_t room[query::kPathNamesMax * (query::kPathNameBytesMax + 1) + 1];
  query::Trouble trouble;
  if (crdt::check_map_name(index.map) != Status::ok) {
    problem = "a map is 1 to 64 of A-Z a-z 0-9 _ . -";
  } else if (!query::compile_path(index.field, room, trouble).ok()) {
    problem = sentence_of(trouble);
  } else if (std::find(indexes.begin(), indexes.end(), index) != indexes.end()) {
    problem = index.field + " is named twice";
  } else if (indexes.size() == kIndexesMax) {
    problem = "there are more than " + std::to_string(kIndexesMax) + " indexes";
  } else {
    indexes.push_back(index);
    return true;
  }
  return false;
}

RowFinder::RowFinder(storage::Store& store, std::span<const IndexedField> fields, std::size_t bytes_max)
    : engine_(store, {.index_bytes_max = bytes_max, .indexes_max = kIndexesMax}) {
  for (const IndexedField& one : fields) GRID_CHECK(engine_.declare(one.map, one.field, one.kind) == Status::ok);
}

Status RowFinder::advance() { return engine_.catch_up(kRecordsOfAPiece); }

std::optional<RowFinder::Found> RowFinder::find(std::string_view map, const query::Predicate& where, Seq after,
                                                std::size_t count_max) const {
  std::vector<const Index*> usable;
  for (const auto& index : engine_.indexes()) {
    if (index->map() == map && index->position() > after) usable.push_back(index.get());
  }
  if (usable.empty()) return std::nullopt;
  const runtime::Plan plan = runtime::plan_for(where, usable);
  if (plan.index == nullptr) return std::nullopt;
  Found found;
  found.through = found.indexed = plan.index->position();
  found.seqs.reserve(plan.expected);
  for (const runtime::CodeRange& range : plan.ranges) plan.index->collect(range, found.seqs);
  std::erase_if(found.seqs, [after](Seq seq) { return seq <= after; });
  if (found.seqs.size() > count_max) {
    const auto last = found.seqs.begin() + static_cast<std::ptrdiff_t>(count_max) - 1;
    std::nth_element(found.seqs.begin(), last, found.seqs.end());
    found.through = *last;
    found.seqs.resize(count_max);
    found.seqs.shrink_to_fit();
  }
  std::sort(found.seqs.begin(), found.seqs.end());
  return found;
}

std::size_t RowFinder::bytes() const {
  std::size_t bytes = 0;
  for (const auto& index : engine_.indexes()) bytes += index->bytes();
  return bytes;
}

std::size_t RowFinder::over_cap_count() const {
  const auto indexes = engine_.indexes();
  return static_cast<std::size_t>(
      std::count_if(indexes.begin(), indexes.end(), [](const auto& index) { return index->is_over_cap(); }));
}

}  // namespace grid::server
