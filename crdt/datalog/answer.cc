// SPDX-License-Identifier: Apache-2.0

#include "crdt/datalog/answer.h"

#include "crdt/datalog/sorted.h"

namespace grid::datalog {
namespace {

constexpr std::size_t kScalarBytes = 16;  // Of what is no symbol, at most.

bool is_aggregated(const Query& query) {
  for (const Find& find : query.find) {
    if (find.aggregate != Aggregate::none) return true;
  }
  return false;
}

}  // namespace

std::size_t Answer::column_of(Variable variable) const {
  const Program& program = engine_.program();
  const std::span<const Variable> head = program[program.main()].bodies[0].head;
  return program.scalars() + place_of(head.subspan(program.scalars()), variable);
}

Status Answer::make() {
  const Query& query = engine_.program().query();
  Rows rows(region_, query.find.size());
  rows_.swap(rows);
  if (is_aggregated(query)) {
    GRID_TRY(take_groups());
  } else {
    GRID_TRY(take_rows());
  }
  GRID_TRY(sort());
  const std::size_t all = rows_.count();
  const bool is_one = query.shape == Shape::scalar || query.shape == Shape::tuple;
  first_ = static_cast<std::size_t>(std::min<std::uint64_t>(query.offset, all));
  count_ = static_cast<std::size_t>(std::min<std::uint64_t>(query.limit, all - first_));
  if (is_one) count_ = std::min<std::size_t>(count_, 1);
  return Status::ok;
}

Status Answer::take_rows() {
  const Query& query = engine_.program().query();
  Growing<std::size_t> columns(region_);
  for (const Find& find : query.find) GRID_TRY(columns.push(column_of(find.variable)));
  const Rows& found = engine_.answers();
  for (std::uint32_t i = 0; i < found.count(); ++i) {
    Atom* row = nullptr;
    GRID_TRY(rows_.append(row));
    for (std::size_t j = 0; j < columns.size(); ++j) row[j] = found[i][columns[j]];
  }
  return Status::ok;
}

// Rows are of one group where they have the same under all that isn't aggregated.
Status Answer::group(RowSet& groups, Growing<std::uint32_t>& group_of) {
  const Query& query = engine_.program().query();
  const Rows& found = engine_.answers();
  Growing<Atom> key(region_);
  GRID_TRY(key.resize(groups.rows().width()));
  GRID_TRY(group_of.resize(found.count()));
  for (std::uint32_t i = 0; i < found.count(); ++i) {
    std::size_t at = 0;
    for (const Find& find : query.find) {
      if (find.aggregate == Aggregate::none) key[at++] = found[i][column_of(find.variable)];
    }
    GRID_TRY(engine_.meter().step());
    GRID_TRY(groups.add(key.data(), group_of[i]));
  }
  return Status::ok;
}

Status Answer::take_groups() {
  const Query& query = engine_.program().query();
  const Rows& found = engine_.answers();
  std::size_t keys = 0;
  for (const Find& find : query.find) keys += find.aggregate == Aggregate::none ? 1 : 0;
  RowSet groups(region_, keys);
  Growing<std::uint32_t> group_of(region_);
  GRID_TRY(group(groups, group_of));
  // The rows of each group lie together in `members`, from where `starts` says.
  Growing<std::uint32_t> starts(region_);
  Growing<std::uint32_t> members(region_);
  GRID_TRY(starts.resize(groups.count() + std::size_t{2}));
  GRID_TRY(members.resize(found.count()));
  for (const std::uint32_t one : group_of) ++starts[one + 2];
  for (std::size_t i = 2; i < starts.size(); ++i) starts[i] += starts[i - 1];
  for (std::uint32_t i = 0; i < found.count(); ++i) members[starts[group_of[i] + 1]++] = i;
  Growing<Atom> atoms(region_);
  for (std::uint32_t one = 0; one < groups.count(); ++one) {
    Atom* row = nullptr;
    GRID_TRY(rows_.append(row));
    std::size_t key = 0;
    for (std::size_t j = 0; j < query.find.size(); ++j) {
      const Find& find = query.find[j];
      if (find.aggregate == Aggregate::none) {
        row[j] = groups.rows()[one][key++];
        continue;
      }
      const std::size_t column = column_of(find.variable);
      atoms.clear();
      for (std::uint32_t i = starts[one]; i < starts[one + 1]; ++i) GRID_TRY(atoms.push(found[members[i]][column]));
      GRID_TRY(aggregate(find, {atoms.data(), atoms.size()}, row[j]));
    }
  }
  return Status::ok;
}

// The rest of the order settles what was not asked, so that an answer is the same everywhere.
int Answer::compare(std::uint32_t a, std::uint32_t b) const {
  const Query& query = engine_.program().query();
  for (const Order& key : query.order) {
    const int order = words_.order(rows_[a][key.find], rows_[b][key.find]);
    if (order != 0) return key.is_descending ? -order : order;
  }
  for (std::size_t i = 0; i < rows_.width(); ++i) {
    if (const int order = words_.order(rows_[a][i], rows_[b][i]); order != 0) return order;
  }
  return 0;
}

Status Answer::sort() {
  const Query& query = engine_.program().query();
  GRID_TRY(order_.resize(rows_.count()));
  GRID_TRY(engine_.meter().step(rows_.count()));
  for (std::uint32_t i = 0; i < rows_.count(); ++i) order_[i] = i;
  const auto is_before = [this](std::uint32_t a, std::uint32_t b) { return compare(a, b) < 0; };
  const bool is_page = query.limit < order_.size() && query.offset < order_.size() - query.limit;
  std::uint32_t* const end = is_page ? order_.begin() + query.offset + query.limit : order_.end();
  sort_until(order_.begin(), end, order_.end(), is_before);
  return Status::ok;
}

Result<std::span<const Value>> Answer::row(std::size_t at) {
  GRID_CHECK(at < count_);
  const Query& query = engine_.program().query();
  const Atom* const row = rows_[order_[first_ + at]];
  // Values are borrowed from the room once it is as large as it must be.
  Growing<std::size_t> ends(region_);
  std::size_t size = 0;
  for (std::size_t i = 0; i < query.find.size(); ++i) {
    GRID_TRY(write(i, row[i], size));
    GRID_TRY(ends.push(size));
  }
  values_.clear();
  for (std::size_t i = 0, from = 0; i < ends.size(); from = ends[i++])
    GRID_TRY(values_.push(Value(Bytes(room_.data() + from, ends[i] - from))));
  return std::span<const Value>(values_.data(), values_.size());
}

Status Answer::write(std::size_t find, Atom atom, std::size_t& size) {
  const Pull* const pull = engine_.program().query().find[find].pull;
  const Status pulled = pull != nullptr ? puller_.pull(*pull, atom) : Status::ok;
  if (pulled == Status::too_large) {
    engine_.problem().say("limit: a pull gives a record of more than 1024 fields");
    return Status::full;
  }
  GRID_TRY(pulled);
  std::size_t wanted = kScalarBytes + (pull != nullptr ? puller_.bytes() : 0);
  if (pull == nullptr && atom.is_symbol()) wanted += words_.bytes_of(atom.symbol()).size();
  for (;; wanted *= 2) {
    GRID_TRY(room_.resize(size + wanted));
    crdt::ValueWriter writer(MutBytes(room_.data() + size, wanted));
    if (pull != nullptr) {
      puller_.write(writer);
    } else {
      write_atom(atom, words_, writer);
    }
    const Result<Bytes> written = writer.finish();
    if (written.ok()) size += written->size();
    if (written.status() != Status::full) return written.status();
  }
}

}  // namespace grid::datalog
