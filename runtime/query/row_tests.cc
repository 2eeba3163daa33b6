// SPDX-License-Identifier: Apache-2.0

#include "runtime/query/row_tests.h"

#include "crdt/facts.h"
#include "crdt/pn_counter.h"
#include "runtime/oplog.h"
#include "runtime/pulls.h"
#include "runtime/scan.h"

namespace grid::runtime {

std::unique_ptr<CompiledRowTest> CompiledRowTest::compile(std::string_view text, query::Trouble& trouble) {
  std::vector<std::uint8_t> room(query::Predicate::kProgramBytesMax);
  const Result<query::Predicate> predicate = query::compile(text, {}, room, trouble);
  if (!predicate.ok()) return nullptr;
  return of(predicate->program());
}

std::unique_ptr<CompiledRowTest> CompiledRowTest::of(Bytes program) {
  auto test = std::make_unique<CompiledRowTest>();
  test->program_.assign(program.begin(), program.end());
  return test;
}

const RowTest* RowTests::test_of(std::string_view text) {
  const auto known = tests_.find(text);
  if (known != tests_.end()) return known->second.get();
  if (tests_.size() == kTestsMax) return nullptr;
  query::Trouble trouble;
  std::unique_ptr<CompiledRowTest> test = CompiledRowTest::compile(text, trouble);
  if (test == nullptr) return nullptr;
  return tests_.emplace(std::string(text), std::move(test)).first->second.get();
}

namespace {

bool may_go(OpLog& log, const crdt::Op& op) {
  std::uint8_t own[crdt::CounterPart::kNameBytes];
  const std::string_view sub = op.cell.name.sub;
  const bool is_own_part = crdt::CounterPart::is(sub) && sub == crdt::CounterPart::name(log.node(), own);
  return !op.cell.is_tombstone() && !log.is_pending(op) && !is_own_part;
}

}  // namespace

void RowTests::welcomed(std::uint32_t features, Pulls& pulls, Problem& problem) {
  for (const Pull& pull : pulls.all()) {
    const Scope scope = pull.scope.get();
    if (scope.rows != nullptr && (features & wire::kFeaturePredicates) == 0)
      problem.say("the server is too old for a subscription by predicate: ").text(scope.text);
    const bool is_of_facts = scope.is_partial() && scope.rows == nullptr;
    if (is_of_facts && (features & wire::kFeatureFacts) == 0)
      problem.say("the server is too old for a subscription to facts of ").text(scope.map);
  }
}

void RowTests::resumed(Pull& pull) {
  if (pull.in_doubt || (pull.scope.rows() != nullptr && pull.cursor.size > 0)) {
    pull.check = Pull::Check::wanted;
    pull.compared = 0;
  }
  pull.in_doubt = false;
}

Status RowTests::answered_again(Pull& pull) {
  if (pull.scope.rows() == nullptr) return Status::corrupt;
  pull.check = Pull::Check::wanted;
  pull.compared = 0;
  pull.compare_due = true;
  pull.current = false;
  return Status::ok;
}

// Facts stand for themselves: each goes when no scope has it.
Status RowTests::sweep_facts(OpLog& log, Pulls& pulls, std::uint32_t id, const std::string& map) {
  for (Scan scan(Scope{ScopeKind::map, map, {}});;) {
    const Result<crdt::Op> op = scan.next(log.store());
    if (op.status() == Status::not_found) return Status::ok;
    if (!op.ok()) return op.status();
    if (!may_go(log, *op) || pulls.want(op->cell)) continue;
    const std::string key(op->cell.name.key), sub(op->cell.name.sub);
    GRID_TRY(pulls.doubt_others(id, {map, key, sub}));
    GRID_TRY(log.erase({map, key, sub}));
  }
}

Status RowTests::sweep(OpLog& log, Pulls& pulls, std::uint32_t id) {
  const Scope scope = pulls.find(id)->scope.get();
  if (!scope.is_partial()) return Status::ok;
  if (scope.rows == nullptr) return sweep_facts(log, pulls, id, std::string(scope.map));
  const std::string map(scope.map);
  std::string key;
  for (Scan scan(Scope{ScopeKind::map, map, {}});;) {
    const Result<crdt::Op> op = scan.next(log.store());
    if (op.status() == Status::not_found) return Status::ok;
    if (!op.ok()) return op.status();
    if (op->cell.name.key == key) continue;
    key = op->cell.name.key;
    if (op->cell.name.sub.empty() && log.is_pending(*op)) continue;
    // What lies under a row that has no value is in no predicate's scope.
    const bool has_value = op->cell.name.sub.empty();
    const crdt::Cell row = has_value ? op->cell : crdt::Cell{.name = {map, key, {}}, .stamp = {}};
    if (!pulls.want(row)) GRID_TRY(evict(log, pulls, id, {map, key, {}}));
  }
}

namespace {

// A scope that stays, of that map or of any, and whose answer has come: one that waits for it sweeps then.
bool has_answered(const Pull& pull, std::string_view map) {
  const Scope scope = pull.scope.get();
  const bool is_answered = pull.phase == Pull::Phase::streaming || pull.phase == Pull::Phase::comparing;
  return is_answered && !pull.unsubscribe_due && scope.is_partial() && (map.empty() || scope.map == map);
}

}  // namespace

// Who has left everything has left every map.
Status RowTests::sweep_left(OpLog& log, Pulls& pulls) {
  for (auto at = left_.begin(); at != left_.end();) {
    const auto& [map, sent] = *at;
    if (log.store().settled() < sent) {
      ++at;
      continue;
    }
    for (std::size_t i = 0; i < pulls.all().size(); ++i) {
      if (!has_answered(pulls.all()[i], map)) continue;
      GRID_TRY(sweep(log, pulls, pulls.all()[i].id));
      if (!map.empty()) break;
    }
    at = left_.erase(at);
  }
  return Status::ok;
}

// Cursors go first: they cover rows that will be here no more. When the store has no room for the rest, a comparison
// too many does no harm.
Status RowTests::evict(OpLog& log, Pulls& pulls, std::uint32_t id, const crdt::CellName& row) {
  const std::string map(row.map);
  const std::string key(row.key);
  GRID_TRY(pulls.doubt_others(id, row));
  for (Scan scan(Scope{ScopeKind::key, map, key});;) {
    const Result<crdt::Op> op = scan.next(log.store());
    if (op.status() == Status::not_found) return Status::ok;
    if (!op.ok()) return op.status();
    if (!may_go(log, *op)) continue;
    const std::string sub(op->cell.name.sub);
    GRID_TRY(log.erase({map, key, sub}));
  }
}

Status check_attributes(std::string_view text) {
  bool is_good = true;
  std::string_view last;
  each_attribute(text, [&](std::string_view one) {
    is_good = crdt::check_predicate(one) == Status::ok && one > last;
    last = one;
    return is_good;
  });
  return is_good ? Status::ok : Status::invalid;
}

}  // namespace grid::runtime
