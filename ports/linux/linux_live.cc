// SPDX-License-Identifier: Apache-2.0
//
// Live queries of the embedding API: each has a LiveQuery over the node's store and a subscription that feeds it.

#include <algorithm>
#include <string>

#include "ports/linux/linux_host_impl.h"
#include "ports/linux/parameters.h"
#include "ports/port.h"

namespace grid {
namespace {

// Log records that one turn reads for one live query.
constexpr std::uint64_t kRecordsMax = 4'096;

// A copy: whoever is called back may make calls on the node.
struct Told {
  runtime::LiveKind kind;
  std::string key;
  std::vector<std::uint8_t> old;
  std::vector<std::uint8_t> now;
  crdt::Stamp stamp;
  bool local;
};

// A predicate travels as text: with parameters, or when it is long, all of the map is pulled.
Scope scope_of(std::string_view map, const Query& query) {
  const bool travels = !query.where.empty() && query.where.size() <= kKeyBytesMax && query.parameters.size() == 0;
  return travels ? Scope{ScopeKind::where, map, query.where} : Scope{ScopeKind::map, map, {}};
}

}  // namespace

Status LinuxHost::Impl::live(std::string_view map, const Query& query, LiveCallback callback, std::uint32_t& id) {
  if (has_failed()) return Status::io;
  Parameters parameters;
  const Status filled = parameters.fill(query.parameters, scratch());
  if (filled != Status::ok) return refuse(filled, "a parameter of the query is no value");
  auto living = std::make_unique<Living>(*store_, *queries_, options_.live_bytes_max);
  const Status opened = living->query.open({.map = map,
                                            .where = query.where,
                                            .order = query.order,
                                            .limit = query.limit,
                                            .parameters = parameters.all(),
                                            .known_ms = replica_->known_ms(port::wall_ms())});
  if (opened != Status::ok) return refuse(opened, living->query.problem());
  runtime::Call call{.verb = runtime::Call::Verb::subscribe, .scope = scope_of(map, query)};
  perform(call);
  if (call.status != Status::ok) return call.status;
  id = living->id = next_live_++;
  living->pull = call.id;
  living->map = map;
  living->callback = callback;
  living_.push_back(std::move(living));
  host_->want_turn();
  return Status::ok;
}

void LinuxHost::Impl::end_live(std::uint32_t id) {
  const auto at = std::find_if(living_.begin(), living_.end(),
                               [id](const auto& living) { return living->id == id && !living->is_over; });
  if (at == living_.end()) return end_live_facts(id);
  // It may be the one that is calling back: turn_live() lets go of it.
  (*at)->is_over = true;
  runtime::Call call{.verb = runtime::Call::Verb::unsubscribe, .id = (*at)->pull};
  perform(call);
}

void LinuxHost::Impl::erased(const crdt::CellName& name) {
  for (const auto& living : living_) living->query.erased(name);
  if (facts_) facts_->erased(name);
}

void LinuxHost::Impl::turn_live() {
  turn_live_facts();
  for (std::size_t i = 0; i < living_.size(); ++i) advance(*living_[i]);
  std::erase_if(living_, [](const auto& living) { return living->is_over; });
}

void LinuxHost::Impl::advance(Living& living) {
  if (living.is_over || has_failed()) return;
  std::vector<Told> all;
  const runtime::LiveQuery::Visitor visitor{[](void* at, const runtime::LiveDelta& delta) {
                                              const Bytes old = delta.old.canonical(), now = delta.now.canonical();
                                              static_cast<std::vector<Told>*>(at)->push_back({delta.kind,
                                                                                              std::string(delta.key),
                                                                                              {old.begin(), old.end()},
                                                                                              {now.begin(), now.end()},
                                                                                              delta.stamp,
                                                                                              delta.local});
                                            },
                                            &all};
  const Status status = living.query.advance(replica_->known_ms(port::wall_ms()), visitor, kRecordsMax);
  if (status == Status::busy) host_->want_turn();
  for (const Told& told : all) {
    if (living.is_over) return;
    living.callback({static_cast<LiveChange::Kind>(told.kind), living.map, told.key, Value(told.old), Value(told.now),
                     told.stamp, told.local});
  }
  if (status == Status::ok || status == Status::busy || living.is_over) return;
  end_live(living.id);
  complain(status == Status::full ? "a live query has ended: its rows take more memory than it may"
                                  : "a live query has ended: the store failed");
}

}  // namespace grid
