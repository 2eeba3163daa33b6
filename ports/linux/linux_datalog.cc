// SPDX-License-Identifier: Apache-2.0
//
// Datalog of the embedding API: what grid/datalog.h asks, to the fact engine over the node's store.

#include <algorithm>
#include <set>

#include "crdt/facts.h"
#include "ports/linux/linux_host_impl.h"
#include "ports/port.h"
#include "runtime/grid/datalog.h"

namespace grid {
namespace {

// Until the time is looked at again: the machine's clock may have been set meanwhile.
constexpr std::uint64_t kPatienceMs = 60'000;

// A copy: whoever is called back may make calls on the node.
struct Told {
  bool has_entered;
  std::vector<std::vector<std::uint8_t>> row;
};

}  // namespace

std::unique_ptr<runtime::FactQuestion> LinuxHost::Impl::read_question(const DatalogQuestion& question) {
  std::string trouble;
  auto read = runtime::FactQuestion::read(question.text, question.inputs, trouble);
  if (read == nullptr) complain(trouble);
  return read;
}

runtime::FactEngine& LinuxHost::Impl::facts_of_now() {
  facts_->observe(replica_->known_ms(port::wall_ms()));
  return *facts_;
}

Status LinuxHost::Impl::ask(std::string_view map, const DatalogQuestion& question, const DatalogVisitor& visitor,
                            DatalogAnswer& answer) {
  if (has_failed()) return Status::io;
  const auto read = read_question(question);
  if (read == nullptr) return Status::invalid;
  answer.shape = static_cast<AnswerShape>(read->query().shape);
  struct Counted {
    const DatalogVisitor& visitor;
    std::uint64_t rows = 0;
  } counted{visitor};
  const auto take = [](void* at, std::span<const Value> row) {
    auto* to = static_cast<Counted*>(at);
    ++to->rows;
    to->visitor.visit(to->visitor.at, row);
  };
  const Status status = visitor.explain == nullptr ? facts_of_now().answer(map, *read, {take, &counted})
                                                   : facts_of_now().ask(map, *read, {take, &counted});
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

// ---- what is subscribed to, so that it can be answered

Status LinuxHost::Impl::pull(const Scope& scope, std::uint32_t& id) {
  runtime::Call call{.verb = runtime::Call::Verb::subscribe, .scope = scope};
  perform(call);
  id = call.id;
  return call.status;
}

// At the end of the node nothing is left: what is held is to be there the next time.
void LinuxHost::Impl::release(std::uint32_t id, const Scope& scope) {
  if (!host_.has_value()) return;
  runtime::Call call{.verb = runtime::Call::Verb::unsubscribe, .id = id};
  perform(call);
  if (scope.kind == ScopeKind::entity) forget_scope(scope);
}

void LinuxHost::Impl::sweep(std::string_view map) {
  row_tests_.left(map, store_->settled());
  host_->step(runtime::Event::Kind::wake);
}

// On which entities the answer stands by what is held here: a store that has pulled them before goes on with them.
bool LinuxHost::Impl::find_entities(std::string_view map, const runtime::EntityQuestion& asked,
                                    std::span<const Value> inputs, std::vector<std::string>& keys) {
  std::string trouble;
  const auto read = runtime::FactQuestion::read(asked.text, inputs, trouble);
  if (read == nullptr) return false;
  std::set<std::string> found;
  const auto take = [](void* at, std::span<const Value> row) {
    for (const Value& id : row) {
      std::uint8_t room[kKeyBytesMax];
      const Result<std::string_view> key = crdt::key_of_id(id, room);
      if (key.ok()) static_cast<std::set<std::string>*>(at)->emplace(*key);
    }
  };
  if (facts_of_now().ask(map, *read, {take, &found}) != Status::ok) return false;
  keys.assign(found.begin(), found.end());
  return true;
}

std::unique_ptr<runtime::FactPull> LinuxHost::Impl::pull_facts(std::string_view map,
                                                               const runtime::FactQuestion& question, Status& status) {
  auto pull =
      std::make_unique<runtime::FactPull>(static_cast<runtime::FactPull::Scopes&>(*this), entities_, map, question);
  std::vector<std::string> known;
  const runtime::EntityQuestion* const asked = pull->entities();
  const bool is_known = asked == nullptr || find_entities(map, *asked, question.inputs(), known);
  status = pull->begin(is_known ? &known : nullptr);
  host_->step(runtime::Event::Kind::wake);  // What is asked goes out now, not with whatever comes next.
  host_->want_turn();
  return pull;
}

// What this device wrote, and the server has now, may be of no answer.
void LinuxHost::Impl::note_settled() {
  const crdt::Seq through = store_->settled();
  if (pulled_facts_.empty() && living_facts_.empty()) {
    settled_ = through;
    return;
  }
  const crdt::NodeId node = replica_status().node;
  while (settled_ < through) {
    const Result<crdt::Op> op = store_->next_op(settled_);
    if (!op.ok() || op->seq > through) break;
    settled_ = op->seq;
    if (op->cell.stamp.node != node || !crdt::is_fact_sub(op->cell.name.sub)) continue;
    const std::string map(op->cell.name.map), key(op->cell.name.key);
    for (const auto& pull : pulled_facts_) tell_settled(*pull, map, key);
    for (const auto& living : living_facts_) tell_settled(*living->pull, map, key);
  }
  settled_ = through;
}

void LinuxHost::Impl::tell_settled(runtime::FactPull& pull, const std::string& map, const std::string& key) {
  if (pull.map() != map || !pull.settled(key)) return;
  asks_again_ = true;
  host_->want_turn();
}

Status LinuxHost::Impl::subscribe_datalog(std::string_view map, const DatalogQuestion& question) {
  if (has_failed()) return Status::io;
  const auto read = read_question(question);
  if (read == nullptr) return Status::invalid;
  Status status = Status::ok;
  auto pull = pull_facts(map, *read, status);
  if (status == Status::ok) pulled_facts_.push_back(std::move(pull));
  return status;
}

Status LinuxHost::Impl::live_datalog(std::string_view map, const DatalogQuestion& question, DatalogCallback callback,
                                     std::uint32_t& id) {
  if (has_failed()) return Status::io;
  auto read = read_question(question);
  if (read == nullptr) return refuse(Status::invalid, problem_);
  auto living = std::make_unique<LivingFacts>();
  Status status = Status::ok;
  living->pull = pull_facts(map, *read, status);
  if (status != Status::ok) return status;
  living->facts = std::make_unique<runtime::LiveFacts>(*facts_, map, std::move(read), options_.live_bytes_max);
  id = living->id = next_live_++;
  living->callback = callback;
  living_facts_.push_back(std::move(living));
  return Status::ok;
}

void LinuxHost::Impl::end_live_facts(std::uint32_t id) {
  const auto at = std::find_if(living_facts_.begin(), living_facts_.end(),
                               [id](const auto& living) { return living->id == id && !living->is_over; });
  if (at == living_facts_.end()) return;
  // It may be the one that is calling back: turn_live_facts() lets go of it.
  (*at)->is_over = true;
  (*at)->pull->end();
  if (!has_failed()) host_->step(runtime::Event::Kind::wake);
}

void LinuxHost::Impl::turn_live_facts() {
  if (living_facts_.empty() || has_failed()) return;
  facts_of_now();
  for (std::size_t i = 0; i < living_facts_.size(); ++i) advance(*living_facts_[i]);
  std::erase_if(living_facts_, [](const auto& living) { return living->is_over; });
  wait_for_expiry();
}

// A turn then, and nothing else may be about to happen.
void LinuxHost::Impl::wait_for_expiry() {
  uv_timer_stop(expiring_->get());
  const std::uint64_t next_ms = facts_->next_expiry_ms();
  if (next_ms == runtime::kNever) return;
  const std::uint64_t known_ms = replica_->known_ms(port::wall_ms());
  uv_timer_start(
      expiring_->get(), [](uv_timer_t* timer) { static_cast<Impl*>(timer->data)->want_turn(); },
      std::min(next_ms > known_ms ? next_ms - known_ms : 0, kPatienceMs), 0);
}

void LinuxHost::Impl::advance(LivingFacts& living) {
  if (living.is_over || has_failed()) return;
  std::vector<Told> all;
  const Status status =
      living.facts->advance({[](void* at, bool has_entered, std::span<const Value> row) {
                               Told& told = static_cast<std::vector<Told>*>(at)->emplace_back();
                               told.has_entered = has_entered;
                               for (const Value& value : row) {
                                 told.row.emplace_back(value.canonical().begin(), value.canonical().end());
                               }
                             },
                             &all});
  for (const Told& told : all) {
    if (living.is_over) return;
    std::vector<Value> row;
    for (const auto& value : told.row) row.emplace_back(Bytes(value));
    living.callback({told.has_entered, row});
  }
  if (status == Status::ok || living.is_over) return;
  end_live_facts(living.id);
  complain(status == Status::full ? "a live question has ended: it takes more steps or memory than it may"
                                  : "a live question has ended: the store failed");
}

}  // namespace grid
