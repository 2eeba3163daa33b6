// SPDX-License-Identifier: Apache-2.0

#include "server/desk.h"

#include "crdt/query/compile.h"
#include "runtime/query/join.h"
#include "server/coordinator.h"
#include "server/mask.h"

namespace grid::server {

using crdt::Value;
using query::Predicate;

namespace {

constexpr std::uint64_t kIndexRecordsOfAnAsk = 65'536;
// A few milliseconds; others wait meanwhile.
constexpr std::uint64_t kCellsOfAnAsk = 4'096;

}  // namespace

// What is held against each row, on its way from the engine to who asks.
struct Desk::Sieve {
  std::vector<std::uint8_t> program{};  // For the engine.
  std::vector<std::uint8_t> asked{};    // For what is left of a row that is shown in part.
  const Sight& sight;
  const Visitor& visitor;
  std::vector<std::uint8_t> room{};

  // Of a map that is shown in part, what was asked is asked of what is left.
  void take(const query::Row& row, const crdt::Op& op) {
    room.resize(row.value.canonical().size());
    const Result<Value> left = shown(sight, row.key, row.value, room);
    if (!left.ok() || !left->exists()) return;
    if (!sight.masked.is_none() && !Predicate(asked).matches({row.key, *left})) return;
    visitor.visit(visitor.at, {row.key, left->canonical(), op.cell.expires_ms, op.cell.stamp});
  }
};

Status Desk::refuse(Status status, std::string sentence) {
  problem_ = std::move(sentence);
  return status;
}

Status Desk::refuse(Right right, std::string_view map) {
  return refuse(Status::denied, std::string("no grant to ").append(name_of(right)).append(" this in map ").append(map));
}

Status Desk::compile(const Sight& sight, const runtime::Question& question, Sieve& sieve) {
  if (!question.where.empty()) {
    query::Trouble trouble;
    sieve.asked.resize(Predicate::kProgramBytesMax);
    const Result<Predicate> asked = query::compile(question.where, question.parameters, sieve.asked, trouble);
    char sentence[400];
    if (!asked.ok()) return refuse(asked.status(), std::string(trouble.sentence(sentence)));
    sieve.asked.resize(asked->program().size());
  }
  if (sight.whole.is_all()) {
    sieve.program = sieve.asked;
    return Status::ok;
  }
  const Bytes whole = sight.whole.predicate().program();
  const Bytes masked = sight.masked.predicate().program();
  auto program = sight.masked.is_none()  ? runtime::join(sieve.asked, runtime::Joint::both, whole)
                 : sight.whole.is_none() ? runtime::join(masked, runtime::Joint::both, {})
                                         : runtime::join(whole, runtime::Joint::either, masked);
  if (!program.ok()) return refuse(program.status(), "the predicate is too large beside the grants of this map");
  sieve.program = std::move(*program);
  return Status::ok;
}

Status Desk::ask(const Permit& who, const runtime::Question& question, const Visitor& visitor) {
  problem_.clear();
  const Sight sight = who.sight(question.map);
  if (sight.whole.is_none() && sight.masked.is_none()) return refuse(Right::read, question.map);
  if (!sight.masked.is_none() && !question.order.empty()) {
    return refuse(Status::denied, "rows of this map are shown in part: they come by key, and in no other order");
  }
  Sieve sieve{.sight = sight, .visitor = visitor};
  GRID_TRY(compile(sight, question, sieve));
  const Status built = finder_.engine().catch_up(kIndexRecordsOfAnAsk);
  if (built == Status::busy) return refuse(built, "the indexes of this app are being built");
  GRID_TRY(built);
  runtime::Question visible = question;
  visible.where = {};
  visible.parameters = {};
  visible.known_ms = journal_.wall_ms();
  visible.looks_max = kCellsOfAnAsk;
  const auto take = [](void* at, const query::Row& row, const crdt::Op& op) { static_cast<Sieve*>(at)->take(row, op); };
  const Status asked = finder_.engine().ask_compiled(visible, Predicate(sieve.program), {take, &sieve});
  return asked == Status::ok ? asked : refuse(asked, finder_.engine().problem());
}

Status Desk::may_ask_facts(const Permit& who, std::string_view map) {
  problem_.clear();
  const Sight sight = who.sight(map);
  if (sight.whole.is_all()) return Status::ok;
  if (sight.whole.is_none() && sight.masked.is_none()) return refuse(Right::read, map);
  return refuse(Status::denied, "rows of map " + std::string(map) +
                                    " are shown to you in part, and a question about facts looks at all of it");
}

// Rights, on what stands and on what would (PROTOCOL P21), and then the rules of the map.
Status Desk::judge(const Permit& who, const Proposal& write, bool& is_moot) {
  const Right right = write.next.exists() ? Right::put : Right::remove;
  const RowSet rows = who.rows(right, write.name.map);
  if (rows.is_none()) return refuse(right, write.name.map);
  is_moot = !write.next.exists() && !write.now.exists();
  if (is_moot) return Status::ok;
  const auto has = [&](const Value& row) { return !row.exists() || rows.has(write.name.key, row.canonical()); };
  if (!rows.is_all() && !(has(write.next) && has(write.now))) return refuse(right, write.name.map);
  Policy* const policy = options_.policy;
  if (policy == nullptr || !policy->governs(write.name.map)) return Status::ok;
  const Ruling ruling = policy->judge({&write, 1});
  if (ruling.status != Status::ok) return refuse(ruling.status, std::string(ruling.sentence));
  is_moot = write.now.exists() && policy->resolve(write) == Resolution::now;
  return Status::ok;
}

Status Desk::write(const Permit& who, const runtime::Call& call) {
  problem_.clear();
  if (last_op_ > quota_.paid()) return refuse(Status::busy, "the app takes no more writes in this second");
  const crdt::CellName name{call.scope.map, call.scope.text, {}};
  const Status named = crdt::check_name(name);
  if (named != Status::ok) return refuse(named, "this is no name of a row");
  const bool is_put = call.verb == runtime::Call::Verb::put;
  if (call.value.size() > options_.value_bytes_max) {
    return refuse(Status::too_large, "the value is larger than " + std::to_string(options_.value_bytes_max) + " bytes");
  }
  const Result<crdt::Op> standing = journal_.store().find(name);
  if (!standing.ok() && standing.status() != Status::not_found) return standing.status();
  Proposal write{.name = name, .stamp = {}, .next = is_put ? Value(call.value) : Value(), .now_stamp = {}, .now = {}};
  std::string now;  // The store's view ends with the next look into it.
  if (standing.ok()) {
    write.now_stamp = standing->cell.stamp;
    if (standing->cell.is_live(journal_.wall_ms())) now = as_text(standing->cell.value);
    if (!now.empty()) write.now = Value(as_bytes(now));
  }
  bool is_moot = false;
  GRID_TRY(judge(who, write, is_moot));
  if (is_moot) return Status::ok;
  const std::uint64_t expires_ms = is_put && call.ttl_ms != 0 ? journal_.wall_ms() + call.ttl_ms : 0;
  const Bytes value = is_put ? call.value : Bytes{};
  // It wins over whatever stands.
  const Result<Journal::Held> growth = journal_.growth_by({.cell = {name, {}, expires_ms, value}}, true);
  if (!growth.ok()) return growth.status();
  std::string full;
  if (quota_.judge(*growth, full) != Status::ok) return refuse(Status::full, std::move(full));
  const Status written = author_.write(name, value, expires_ms, write.now_stamp);
  if (written == Status::ok) last_op_ = quota_.take();
  return written == Status::full ? refuse(Status::busy, "the journal takes no more just now") : written;
}

}  // namespace grid::server
