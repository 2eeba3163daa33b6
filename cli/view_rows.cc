// SPDX-License-Identifier: Apache-2.0
#include "cli/view_rows.h"

namespace grid::cli {

ViewRows::ViewRows(Session& session, const std::string& map, const std::vector<Row>& rows)
    : sets_(session.node(), map), counters_(session.node(), map), facts_(session.node(), map), session_(session) {
  bool has_views = false;
  for (const Row& row : rows) {
    has_views = has_views || row.view != crdt::View::lww_map;
    if (row.view == crdt::View::or_map) wanted_[row.key].insert(row.value);
    if (row.view == crdt::View::facts) objects_[{row.key, row.predicate}].insert(row.value);
  }
  if (has_views) session.pull({ScopeKind::map, map, {}});
}

Status ViewRows::put(const Row& row) {
  if (row.view == crdt::View::counter) return count(row);
  if (row.view == crdt::View::facts) return put_fact(row);
  if (const auto wanted = wanted_.extract(row.key); !wanted.empty()) GRID_TRY(trim(row.key, wanted.mapped()));
  const Value value{as_bytes(row.value)};
  return sets_.contains(row.key, value) ? Status::ok : sets_.add(row.key, value).status();
}

Status ViewRows::trim(const std::string& key, const std::set<std::string_view>& wanted) {
  std::vector<std::string> others;
  const auto sort_out = [&](const Value& value) {
    const std::string_view bytes = as_text(value.canonical());
    if (wanted.count(bytes) == 0) others.emplace_back(bytes);
  };
  GRID_TRY(sets_.values(key, sort_out));
  for (const std::string& other : others) GRID_TRY(sets_.remove(key, Value(as_bytes(other))).status());
  return Status::ok;
}

Status ViewRows::put_fact(const Row& row) {
  if (const auto wanted = objects_.extract({row.key, row.predicate}); !wanted.empty()) {
    GRID_TRY(trim(row, wanted.mapped()));
  }
  const Scalar object{Value(as_bytes(row.value))};
  if (!row.is_many) return facts_.set(row.key, row.predicate, object).status();
  const bool is_there = facts_.has(row.key, row.predicate, object);
  return is_there ? Status::ok : facts_.add(row.key, row.predicate, object).status();
}

Status ViewRows::trim(const Row& fact, const std::set<std::string_view>& wanted) {
  std::vector<std::string> others;
  const auto sort_out = [&](const Fact& one) {
    const std::string_view bytes = as_text(one.object.canonical());
    if (wanted.count(bytes) == 0) others.emplace_back(bytes);
  };
  GRID_TRY(facts_.each_of(fact.key, fact.predicate, sort_out));
  for (const std::string& other : others) {
    GRID_TRY(facts_.remove(fact.key, fact.predicate, Scalar(Value(as_bytes(other)))).status());
  }
  return Status::ok;
}

// A counter of 0 that never was counted gets a part all the same: it has a key from then on.
Status ViewRows::count(const Row& row) {
  std::int64_t by = 0;
  const std::int64_t standing = counters_.value(row.key);
  if (__builtin_sub_overflow(Value(as_bytes(row.value)).integer_or(0), standing, &by)) {
    session_.node().driver().complain("the counter stands too far from this value");
    return Status::invalid;
  }
  if (by == 0 && standing != 0) return Status::ok;
  return counters_.increment(row.key, by).status();
}

}  // namespace grid::cli
