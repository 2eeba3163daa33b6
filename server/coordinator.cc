// SPDX-License-Identifier: Apache-2.0

#include <algorithm>

#include "server/coordinator_body.h"
#include "server/observer.h"

namespace grid::server {

using runtime::Action;
using runtime::Event;
using runtime::LinkId;

std::span<const Action> Coordinator::Body::step(const Event& event) {
  actions_.clear();
  if (stopped_) return actions_.span();
  now_ms_ = event.now_ms;
  // What the journal holds comes first: the judge takes it into account once, when judging begins.
  if (event.kind != Event::Kind::start) journal_.observe(event.now_ms, event.wall_ms);
  quota_.advance(event.now_ms);
  dispatch(event);
  if (stopped_) return actions_.span();
  expire();
  pay();
  collect(event);
  if (stopped_) return actions_.span();
  write_behind_.advance(event.now_ms, actions_);
  if (event.now_ms >= channels_.wake_at_ms()) stir_all();
  channels_.advance(event.now_ms, journal_.wall_ms());
  searches_.advance(event.now_ms, journal_.wall_ms(), journal_.head(), actions_);
  if (entities_.has_work() && !actions_.full()) actions_.add({.kind = Action::Kind::ask});
  read_on();
  if (stopped_) return actions_.span();
  commit();
  ask_to_write();
  if (sentences_ != problem_.count()) {
    sentences_ = problem_.count();
    actions_.add({.kind = Action::Kind::say, .text = problem_.view()});
  }
  return actions_.span();
}

crdt::Digest Coordinator::Body::digest(const runtime::Scope& scope) {
  if (scope.kind != runtime::ScopeKind::where) return journal_.digest(scope);
  query::Trouble trouble;
  const auto test = runtime::CompiledRowTest::compile(scope.text, trouble);
  return test == nullptr ? crdt::Digest{} : journal_.digest({scope.kind, scope.map, scope.text, test.get()});
}

void Coordinator::Body::start(const Event& event) {
  Status status = journal_.open();
  if (status == Status::ok) status = collector_.open();
  if (status == Status::ok) status = epochs_.open(journal_.store(), random_.id());
  if (status != Status::ok) return stop(status);
  journal_.observe(event.now_ms, event.wall_ms);
  journal_.touch();
}

void Coordinator::Body::stop(Status status) {
  stopped_ = true;
  problem_.say("the journal failed and the gateway has stopped: ").text(journal_.store().problem());
  actions_.add({.kind = Action::Kind::say, .status = status, .text = problem_.view()});
}

void Coordinator::Body::dispatch(const Event& event) {
  switch (event.kind) {
    case Event::Kind::start:
      return start(event);
    case Event::Kind::link_up:
      return link_up(event);
    case Event::Kind::link_down:
      return forget(event.link);
    case Event::Kind::frame:
      return receive(event.link, event.bytes);
    case Event::Kind::writable:
      return write(event);
    case Event::Kind::durable:
      return committed();
    case Event::Kind::collect:
      return fill(event.room);
    case Event::Kind::drained:
      return drained(event);
    case Event::Kind::searched:
      stir_all();
      return searches_.searched(event.bytes, event.now_ms);
    case Event::Kind::entities:
      if (const LinkId link = entities_.answered(event.batch, event.bytes); link != 0) stirred_.insert(link);
      return;
    case Event::Kind::indexed:
      return searches_.indexed(event.batch);
    case Event::Kind::stop:
      write_behind_.hurry();
      stir_all();
      for (auto& [id, link] : links_) link.session.end(Status::ok, "the gateway is stopping", 1'000);
      return;
    case Event::Kind::call:
      return serve(event);
    case Event::Kind::wake:
      return;
    case Event::Kind::proven:
      return proven(event);
    case Event::Kind::grants_changed:
      return judge_anew();
  }
}

// Also who has begun with a token that has ended since.
bool Coordinator::Body::knows(Permit& who, std::string_view identity, Bytes claims) const {
  return who.take(identity, claims) != Permit::Standing::gone && journal_.wall_ms() < who.expires_ms();
}

void Coordinator::Body::serve(const Event& event) {
  Permit who(options_.access);
  const bool is_known = knows(who, event.identity, event.bytes);
  runtime::Call& call = *event.call;
  const storage::Seq before = journal_.head();
  call.status = is_known ? desk_.write(who, call) : desk_.turn_away();
  Observer* const observer = options_.observer;
  if (observer == nullptr || call.status == Status::busy || !observer->wants_ops()) return;
  observer->op({.identity = event.identity,
                .name = {call.scope.map, call.scope.text, {}},
                .is_removal = call.verb == runtime::Call::Verb::remove,
                .status = call.status,
                .why = call.status == Status::ok ? std::string_view() : desk_.problem(),
                .position = journal_.head() == before ? 0 : journal_.head()});
}

bool Coordinator::Body::may(std::string_view identity, Bytes claims, Right right) const {
  Permit who(options_.access);
  return knows(who, identity, claims) && who.may(right);
}

Status Coordinator::Body::ask(std::string_view identity, Bytes claims, const runtime::Question& question,
                              const Desk::Visitor& visitor) {
  Permit who(options_.access);
  const bool is_known = knows(who, identity, claims);
  return is_known ? desk_.ask(who, question, visitor) : desk_.turn_away();
}

Status Coordinator::Body::may_ask_facts(std::string_view identity, Bytes claims, std::string_view map) {
  Permit who(options_.access);
  const bool is_known = knows(who, identity, claims);
  return is_known ? desk_.may_ask_facts(who, map) : desk_.turn_away();
}

void Coordinator::Body::link_up(const Event& event) {
  const bool full = links_.size() >= options_.links_max;
  const auto [link, fresh] = links_.try_emplace(event.link, shared_, event.link);
  stirred_.insert(event.link);
  if (fresh) channels_.link_up(link->second.channel, event.link, event.identity);
  if (fresh) searches_.link_up(link->second.search, event.link);
  if (fresh) entities_.link_up(link->second.entities, event.link);
  if (fresh) doorman_.link_up(event, link->second.permit, link->second.session);
  if (full && fresh) link->second.session.end(Status::full, "this gateway holds all the links that it may", 5'000);
}

void Coordinator::Body::forget(LinkId id) {
  const auto link = links_.find(id);
  if (link == links_.end()) return;
  if (link->second.session.is_greeted()) stir_all();  // Those who are in a room with it.
  channels_.link_down(link->second.channel);
  searches_.link_down(link->second.search);
  entities_.link_down(link->second.entities);
  link->second.session.take_leave(true);
  unpaid_.erase({link->second.session.first_unpaid(), id});
  doorman_.link_down(id, link->second.permit);
  links_.erase(link);
  for (std::set<LinkId>* ids : {&stirred_, &received_, &committing_}) ids->erase(id);
}

void Coordinator::Body::receive(LinkId id, Bytes frame) {
  const auto link = links_.find(id);
  if (link == links_.end()) return;
  stirred_.insert(id);
  received_.insert(id);
  const Result<wire::Kind> kind = wire::kind_of(frame);
  const bool is_greeted = kind.ok() && link->second.session.is_greeted();
  if (is_greeted && *kind == wire::Kind::auth && link->second.session.takes_frames()) {
    return doorman_.receive(id, frame, link->second.permit, link->second.session, actions_);
  }
  if (is_greeted && !link->second.session.is_onlooker()) {
    if (*kind == wire::Kind::channel) return receive_channel(link->second, frame);
    if (*kind == wire::Kind::search_ask) return receive_search(link->second, frame);
    if (*kind == wire::Kind::entities_ask) return receive_entities_ask(link->second, frame);
  }
  const crdt::NodeId node = link->second.session.node();
  link->second.session.receive(frame);
  if (const std::uint64_t op = link->second.session.first_unpaid(); op != 0) unpaid_.insert({op, id});
  if (link->second.session.node() != node) part_twins(id);
}

// ---- identity

ChannelOptions Coordinator::Body::channel_options() {
  ChannelOptions channels = options_.channels;
  if (options_.access == nullptr) return channels;
  channels.policy = judge_channel;
  channels.policy_context = this;
  return channels;
}

Status Coordinator::Body::judge_channel(void* body, const ChannelAsk& ask) {
  const Body& self = *static_cast<const Body*>(body);
  if (!self.links_.at(ask.link).permit.may(ask.verb, ask.name)) return Status::denied;
  const ChannelOptions& own = self.options_.channels;
  return own.policy == nullptr ? Status::ok : own.policy(own.policy_context, ask);
}

void Coordinator::Body::proven(const Event& event) {
  const auto link = links_.find(event.link);
  if (link == links_.end()) return;
  doorman_.proven(event, link->second.permit, link->second.session);
  stirred_.insert(event.link);
}

void Coordinator::Body::judge_anew() {
  for (auto& [id, link] : links_) {
    if (doorman_.judge(link.permit, link.session)) stirred_.insert(id);
  }
}

void Coordinator::Body::expire() {
  for (LinkId id = 0; (id = doorman_.take_expired(journal_.wall_ms())) != 0;) {
    links_.at(id).session.end(Status::denied, "the token has expired");
    stirred_.insert(id);
  }
}

// What came too fast is acknowledged in the order in which it came.
void Coordinator::Body::pay() {
  while (!unpaid_.empty() && unpaid_.begin()->first <= quota_.paid()) {
    const LinkId id = unpaid_.begin()->second;
    unpaid_.erase(unpaid_.begin());
    Session& session = links_.at(id).session;
    session.settle_paid();
    stirred_.insert(id);
    if (const std::uint64_t op = session.first_unpaid(); op != 0) unpaid_.insert({op, id});
  }
}

// One node has one link: a newer one means that the older is dead, whatever it looks like from here.
void Coordinator::Body::part_twins(LinkId id) {
  const crdt::NodeId node = links_.find(id)->second.session.node();
  if (node == 0) return;
  for (auto& [other, link] : links_) {
    if (other == id || link.session.node() != node) continue;
    link.session.end(Status::busy, "this node has a newer link");
    stirred_.insert(other);
  }
}

// Tells the subscriptions that the row, as it was or is, may concern.
void Coordinator::Body::arrived(const crdt::CellName& name, const crdt::Value& row, storage::Seq before,
                                storage::Seq gone) {
  index_.each(name, row, [this, before, gone](const SubscriptionIndex::Entry& entry) {
    entry.subscription->touch(before, gone);
    entry.session->stir(*entry.subscription);
    stirred_.insert(entry.session->link());
  });
}

const Session* Coordinator::Body::first_from(LinkId link) const {
  const auto found = links_.lower_bound(link);
  return found == links_.end() ? nullptr : &found->second.session;
}

void Coordinator::Body::write(const Event& event) {
  const auto found = links_.find(event.link);
  if (found == links_.end()) return;
  Link& link = found->second;
  link.write_wanted = false;
  stirred_.insert(event.link);
  if (link.session.is_inspected()) figures_ = status();
  const Bytes frame = next_frame(link, event.room);
  if (!frame.empty()) actions_.add({.kind = Action::Kind::frame, .link = event.link, .size = frame.size()});
  if (!link.session.is_over()) return;
  actions_.add({.kind = Action::Kind::close, .link = event.link});
  forget(event.link);
}

// Searches and entities, channels and the rest take turns.
Bytes Coordinator::Body::next_frame(Link& link, MutBytes room) {
  link.was_search = !link.was_search && (link.has_search() || link.has_entities());
  if (link.was_search && link.has_entities()) return entities_.write(link.entities, link.session.room_for(room));
  if (link.was_search) return searches_.write(link.search, link.session.room_for(room));
  const bool has_channel = link.has_channel();
  if (link.session.wants_write() && (link.was_channel || !has_channel)) {
    const Bytes frame = link.session.write(room);
    link.was_channel = false;
    if (!frame.empty() || !has_channel || link.session.is_over()) return frame;
  }
  link.was_channel = has_channel;
  return has_channel ? channels_.write(link.channel, link.session.room_for(room)) : Bytes{};
}

// ---- the database

void Coordinator::Body::fill(MutBytes room) {
  const storage::Seq through = write_behind_.collect(room, actions_);
  for (auto& [id, link] : links_) link.session.collected(through);
}

void Coordinator::Body::drained(const Event& event) {
  write_behind_.drained(event);
  if (options_.observer != nullptr && event.status == Status::ok) options_.observer->drained(event.seq);
  for (auto& [id, link] : links_) {
    if (event.status == Status::ok && link.session.drained(event.seq)) stirred_.insert(id);
  }
}

// ---- collection

// What the database has not taken yet stays: its row would have nothing to go by.
void Coordinator::Body::collect(const Event& event) {
  const storage::Seq drained = options_.has_sink ? write_behind_.drained_through() : UINT64_MAX;
  const storage::Seq through = std::min(journal_.durable_head(), drained);
  const Result<bool> risen = collector_.advance(event.now_ms, journal_.wall_ms(), through, *this);
  if (!risen.ok()) return stop(risen.status());
  if (!*risen) return;
  for (auto& [id, link] : links_) link.session.take_leave(false);
}

bool Coordinator::Body::is_linked(crdt::NodeId node) const {
  return std::any_of(links_.begin(), links_.end(), [node](const auto& l) { return l.second.session.node() == node; });
}

bool Coordinator::Body::have_seen(const crdt::CellName& name, storage::Seq seq) const {
  return std::all_of(links_.begin(), links_.end(), [&](const auto& l) { return l.second.session.has_seen(name, seq); });
}

void Coordinator::Body::passed(const crdt::CellName& name, storage::Seq seq) {
  for (auto& [id, link] : links_) {
    const bool has_seen = link.session.has_seen(name, seq);
    if (name.sub.empty()) link.session.forget_row(name);
    stirred_.insert(id);
    if (has_seen) continue;
    link.session.end(Status::busy, "deletions were collected that this link had yet to tell of: connect again");
  }
}

// The indexes, over what has arrived, a piece at a time.
void Coordinator::Body::read_on() {
  const Status status = is_finding_ ? finder_.advance() : Status::ok;
  if (status == Status::busy) actions_.add({.kind = Action::Kind::more});
  if (status != Status::ok && status != Status::busy) {
    // What it has read it knows; the journal is read behind that.
    is_finding_ = false;
    problem_.say("the indexes read no further: ").text(name_of(status)).text("; rows are scanned for");
  }
  if (over_cap_ == finder_.over_cap_count()) return;
  over_cap_ = finder_.over_cap_count();
  problem_.say("an index would take more memory than there may be, and is switched off: its rows are scanned for");
}

// One commit at a time: what arrives meanwhile goes with the next.
void Coordinator::Body::commit() {
  if (!journal_.dirty() || journal_.committing()) return;
  actions_.add({.kind = Action::Kind::commit, .batch = journal_.seal()});
  committing_ = std::exchange(received_, {});
  for (const LinkId id : committing_) {
    if (const auto link = links_.find(id); link != links_.end()) link->second.session.sealed();
  }
}

void Coordinator::Body::committed() {
  journal_.durable();
  if (options_.observer != nullptr) options_.observer->durable(journal_.durable_head());
  const bool is_news = told_floor_ != journal_.durable_floor().position;
  told_floor_ = journal_.durable_floor().position;
  committing_.insert(received_.begin(), received_.end());
  for (auto& [id, link] : links_) {
    if (is_news) committing_.insert(id);
  }
  for (const LinkId id : std::exchange(committing_, {})) {
    const auto link = links_.find(id);
    if (link == links_.end()) continue;
    link->second.session.durable();
    stirred_.insert(id);
  }
  if (journal_.is_at_rest()) received_.clear();
}

void Coordinator::Body::stir_all() {
  for (const auto& [id, link] : links_) stirred_.insert(stirred_.end(), id);
}

void Coordinator::Body::ask_to_write() {
  for (; !stirred_.empty(); stirred_.erase(stirred_.begin())) {
    const auto link = links_.find(*stirred_.begin());
    if (link == links_.end() || link->second.write_wanted || !link->second.wants_write()) continue;
    if (actions_.full()) return actions_.add({.kind = Action::Kind::more});
    link->second.write_wanted = true;
    actions_.add({.kind = Action::Kind::want_write, .link = link->first});
  }
}

std::uint64_t Coordinator::Body::wake_at_ms() const {
  if (stopped_) return runtime::kNever;
  const std::uint64_t expiry = journal_.next_expiry_ms();
  const std::uint64_t wall_ms = journal_.wall_ms();
  const bool expires = expiry != runtime::kNever && wall_ms != 0;
  const auto at = [&](std::uint64_t ms) { return now_ms_ + (ms > wall_ms ? ms - wall_ms : 0); };
  const std::uint64_t expiry_at = expires ? at(expiry) : runtime::kNever;
  const std::uint64_t token = wall_ms == 0 ? runtime::kNever : doorman_.next_expiry_ms();
  const std::uint64_t token_at = token == runtime::kNever ? token : at(token);
  const std::uint64_t paid_at = unpaid_.empty() ? runtime::kNever : quota_.paid_at_ms(unpaid_.begin()->first);
  return std::min({expiry_at, paid_at, token_at, write_behind_.wake_at_ms(), channels_.wake_at_ms(),
                   searches_.wake_at_ms(), collector_.wake_at_ms()});
}

CoordinatorStatus Coordinator::Body::status() const {
  CoordinatorStatus status = figures_;
  status.subscriptions = 0;
  status.epoch = epochs_.current();
  status.links = static_cast<std::uint32_t>(links_.size());
  for (const auto& [id, link] : links_) {
    status.subscriptions += static_cast<std::uint32_t>(link.session.subscription_count());
    status.ops_unpaid += link.session.unpaid_count();
  }
  status.head = journal_.head();
  status.durable = journal_.durable_head();
  status.drained = write_behind_.drained_through();
  status.sink = write_behind_.figures(now_ms_);
  status.judging = journal_.judging();
  status.judge_ahead_ms = journal_.judge_ahead_ms();
  status.channels = channels_.figures();
  status.tombstones = journal_.dead_count();
  status.cells = static_cast<std::uint64_t>(journal_.held().cells);
  status.cell_bytes = static_cast<std::uint64_t>(journal_.held().bytes);
  status.quota = quota_.limits();
  status.indexes = static_cast<std::uint32_t>(finder_.index_count());
  status.indexes_over_cap = static_cast<std::uint32_t>(finder_.over_cap_count());
  status.index_bytes = finder_.bytes();
  const Floor& floor = journal_.durable_floor();
  status.cells_collected = floor.count;
  status.floor = floor.position;
  status.gone = {0, 0, floor.gone, floor.expired_ms, floor.greatest};
  status.devices_enrolled = collector_.enrolled_count();
  status.devices_lapsed = collector_.lapsed_count();
  return status;
}

Coordinator::Coordinator(storage::Store& store, const CoordinatorOptions& options)
    : body_(std::make_unique<Body>(store, options)) {}

Coordinator::~Coordinator() = default;

std::span<const Action> Coordinator::step(const Event& event) { return body_->step(event); }

std::uint64_t Coordinator::wake_at_ms() const { return body_->wake_at_ms(); }

CoordinatorStatus Coordinator::status() const { return body_->status(); }

bool Coordinator::stands(std::uint64_t epoch, crdt::Seq position) const { return body_->stands(epoch, position); }

Status Coordinator::ask(std::string_view identity, Bytes claims, const runtime::Question& question,
                        const Desk::Visitor& visitor) {
  return body_->ask(identity, claims, question, visitor);
}

Status Coordinator::may_ask_facts(std::string_view identity, Bytes claims, std::string_view map) {
  return body_->may_ask_facts(identity, claims, map);
}

crdt::Seq Coordinator::head() const { return body_->head(); }

bool Coordinator::may(std::string_view identity, Bytes claims, Right right) const {
  return body_->may(identity, claims, right);
}

void Coordinator::limit(const QuotaLimits& quota) { body_->limit(quota); }

const Desk& Coordinator::desk() const { return body_->desk(); }

crdt::Digest Coordinator::digest(const runtime::Scope& scope) { return body_->digest(scope); }

const SearchWork& Coordinator::search_work() const { return body_->search_work(); }
EntityAsks& Coordinator::entities() { return body_->entities(); }

const char* Coordinator::problem() const { return body_->problem(); }

}  // namespace grid::server
