// SPDX-License-Identifier: Apache-2.0
//
// Coordinator::Body: what stands behind coordinator.h.
//
// Place     Within coordinator*.cc only.
#pragma once

#include <map>
#include <set>

#include "server/collector.h"
#include "server/coordinator.h"
#include "server/doorman.h"
#include "server/session.h"
#include "server/write_behind.h"

namespace grid::server {

class Coordinator::Body final : private ArrivalListener, private Collector::Readers, private Sessions {
 public:
  Body(storage::Store& store, const CoordinatorOptions& options)
      : options_(options),
        random_(options.seed),
        journal_(store, options.app, options.maps_max, problem_),
        quota_(options.quota, journal_),
        write_behind_(options_, journal_, random_, problem_),
        channels_(channel_options()),
        author_(journal_, random_),
        searches_(options.search),
        entities_(options.entity_asks_max),
        collector_(options_.keeping, journal_),
        finder_(store, options.indexes, options.index_bytes_max),
        shared_{options_, journal_, epochs_, random_,       problem_, figures_,
                index_,   author_,  *this,   write_behind_, quota_} {
    journal_.listen(static_cast<ArrivalListener*>(this));
    journal_.listen(options.erasures);
    journal_.use(&finder_);
  }

  std::span<const runtime::Action> step(const runtime::Event& event);
  std::uint64_t wake_at_ms() const;
  CoordinatorStatus status() const;
  bool stands(std::uint64_t epoch, crdt::Seq position) const { return epochs_.stands({epoch, position}); }
  crdt::Digest digest(const runtime::Scope& scope);
  Status ask(std::string_view identity, Bytes claims, const runtime::Question& question, const Desk::Visitor& visitor);
  Status may_ask_facts(std::string_view identity, Bytes claims, std::string_view map);
  const Desk& desk() const { return desk_; }
  crdt::Seq head() const { return journal_.head(); }
  bool may(std::string_view identity, Bytes claims, Right right) const;
  void limit(const QuotaLimits& quota) { quota_.limit(quota); }
  const SearchWork& search_work() const { return searches_.work(); }
  EntityAsks& entities() { return entities_; }
  const char* problem() const { return problem_.line(); }

 private:
  struct Link {
    Link(const Shared& shared, runtime::LinkId id) : permit(shared.options.access), session(shared, id, permit) {}
    bool has_channel() const { return session.is_greeted() && !session.owes_greeting() && channel.wants_write(); }
    bool has_search() const { return session.is_greeted() && !session.owes_greeting() && search.wants_write(); }
    bool has_entities() const { return session.is_greeted() && !session.owes_greeting() && entities.wants_write(); }
    bool wants_write() const { return session.wants_write() || has_channel() || has_search() || has_entities(); }

    Permit permit;
    Session session;
    ChannelLink channel;
    SearchLink search;
    EntityLink entities;
    bool write_wanted = false;
    bool was_channel = false;  // What its last frame was.
    bool was_search = false;
  };

  void start(const runtime::Event& event);
  void stop(Status status);
  void dispatch(const runtime::Event& event);
  bool knows(Permit& who, std::string_view identity, Bytes claims) const;
  void serve(const runtime::Event& event);
  void link_up(const runtime::Event& event);
  void forget(runtime::LinkId link);
  void pay();
  void receive(runtime::LinkId link, Bytes frame);
  void receive_channel(Link& link, Bytes frame);
  void receive_search(Link& link, Bytes frame);
  void receive_entities_ask(Link& link, Bytes frame);
  ChannelOptions channel_options();
  static Status judge_channel(void* body, const ChannelAsk& ask);
  void proven(const runtime::Event& event);
  void judge_anew();
  void expire();
  void write(const runtime::Event& event);
  Bytes next_frame(Link& link, MutBytes room);
  void part_twins(runtime::LinkId link);
  void fill(MutBytes room);
  void drained(const runtime::Event& event);
  // ArrivalListener
  void arrived(const crdt::CellName& name, const crdt::Value& row, storage::Seq before, storage::Seq gone) override;
  // Sessions
  const Session* first_from(runtime::LinkId link) const override;
  void collect(const runtime::Event& event);
  // Collector::Readers
  bool is_linked(crdt::NodeId node) const override;
  bool have_seen(const crdt::CellName& name, storage::Seq seq) const override;
  void passed(const crdt::CellName& name, storage::Seq seq) override;
  void read_on();
  void commit();
  void committed();
  void stir_all();
  void ask_to_write();

  const CoordinatorOptions options_;
  runtime::Random random_;
  runtime::Problem problem_;
  Journal journal_;
  Quota quota_;
  Epochs epochs_;
  WriteBehind write_behind_;
  Channels channels_;
  Author author_;
  Searches searches_;
  EntityAsks entities_;
  Collector collector_;
  RowFinder finder_;
  CoordinatorStatus figures_;
  SubscriptionIndex index_;
  Shared shared_;
  Doorman doorman_{random_};
  Desk desk_{options_, journal_, author_, finder_, quota_};
  std::map<runtime::LinkId, Link> links_;
  // What is not about all links costs nothing of the others: of these some may be gone.
  std::set<runtime::LinkId> stirred_;     // That may have something to send; the others were asked.
  std::set<runtime::LinkId> received_;    // Of which a frame has come since the last batch was closed,
  std::set<runtime::LinkId> committing_;  // and before that, since the one before.
  // By the first op of theirs that has yet to be paid; of each at most one.
  std::set<std::pair<std::uint64_t, runtime::LinkId>> unpaid_;
  storage::Seq told_floor_ = 0;
  runtime::Action action_slots_[runtime::kActionsMax];
  runtime::ActionList actions_{action_slots_};
  std::uint32_t sentences_ = 0;
  std::size_t over_cap_ = 0;  // Indexes of which that was said.
  bool is_finding_ = true;
  std::uint64_t now_ms_ = 0;
  bool stopped_ = false;
};

}  // namespace grid::server
