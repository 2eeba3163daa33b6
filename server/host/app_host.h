// SPDX-License-Identifier: Apache-2.0
//
// AppHost: one app of a gateway on this machine: its journal, its coordinator, its database.
//
// Place     Below gateway.h. Turns the world of one app into events, and actions into the world.
// Ownership Owns all of that; borrows loop and links.
// Threads   One: the loop's. The journal is flushed on libuv's pool, the database works on its own thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "ports/linux/disk_store.h"
#include "ports/linux/uv_host.h"
#include "server/coordinator.h"
#include "server/host/app_config.h"
#include "server/host/auth/verdict.h"
#include "server/host/log.h"
#include "server/host/metrics.h"
#include "server/host/op_log.h"
#include "server/host/search_worker.h"
#include "server/host/sink_worker.h"
#include "transport/lws/lws_context.h"

namespace grid::server {

class AppHost final : private port::UvHost::Owner {
 public:
  // Who hands links out hears of those that the coordinator has closed.
  using Closed = void (*)(void* owner, transport::LinkId link);
  // ... and judges the tokens that come over the others.
  using Prove = Verdict (*)(void* owner, transport::LinkId link, std::string_view token);

  // Opens DIR/journal and the database, which is DIR/cells.sqlite or on a server. One that is not reachable, or has
  // another writer, is waited for while the app runs, unless the journal holds nothing yet. Null with `status` and
  // `problem`, a sentence, when one can't be opened.
  static std::unique_ptr<AppHost> open(uv_loop_t* loop, transport::LwsContext& links, Log& log, const std::string& app,
                                       const std::string& directory, AppConfig config, Closed closed, void* owner,
                                       Status& status, std::string& problem);
  ~AppHost();
  AppHost(const AppHost&) = delete;
  AppHost& operator=(const AppHost&) = delete;

  void judge_by(Prove prove) { prove_ = prove; }
  void step(const runtime::Event& event);
  // Whoever is behind the link is that no more.
  void disown(transport::LinkId link, std::string_view identity);
  // Whoever is behind the link is to come again, and to prove who they are.
  void ask_anew(transport::LinkId link) {
    host_->step(runtime::Event{.kind = runtime::Event::Kind::proven, .link = link, .status = Status::busy});
  }
  std::optional<std::size_t> writable(transport::LinkId link, MutBytes room) { return host_->writable(link, room); }

  // Whether `config` has other indexes, searches or maps through the database, which are taken at a start only.
  bool waits_for(const AppConfig& config) const {
    return config.policies.indexes != config_.policies.indexes || config.search.maps != config_.search.maps ||
           config.policies.through_maps != config_.policies.through_maps;
  }
  // Goes by these rules of maps, roles and quotas from now on. What else is configured stays as it was.
  void take_rules(AppConfig&& config);
  // Whether the database has everything that the journal holds.
  bool is_drained() const;
  // The last commit. What the database has not taken yet is drained after the next start.
  Status stop() { return host_->stop(); }
  // The medium of the journal or of the database has failed.
  bool has_failed() const { return !failure_.empty(); }
  // How, as a sentence.
  const std::string& failure() const { return failure_; }
  const std::string& app() const { return app_; }
  // ---- for who has no replica (server/desk.h)
  bool may(std::string_view identity, Bytes claims, Right right) const {
    return coordinator_->may(identity, claims, right);
  }
  Status ask(std::string_view identity, Bytes claims, const runtime::Question& question, const Desk::Visitor& visitor) {
    return coordinator_->ask(identity, claims, question, visitor);
  }
  void call(std::string_view identity, Bytes claims, runtime::Call& call);
  const Desk& desk() const { return coordinator_->desk(); }
  crdt::Seq head() const { return coordinator_->head(); }
  // Whether what arrived up to `seq` is where the map's durable writes are to be.
  bool has_kept(std::string_view map, crdt::Seq seq) const;

  AppFigures figures() const { return {app_, coordinator_->status(), &timings_}; }

 private:
  AppHost(uv_loop_t* loop, transport::LwsContext& links, Log& log, const std::string& app, AppConfig config,
          Closed closed, void* owner)
      : loop_(loop), links_(links), log_(log), app_(app), config_(std::move(config)), closed_(closed), owner_(owner) {}

  Status open_journal(const std::string& directory, std::string& problem);
  Status open_sink(const std::string& directory, std::string& problem);
  Status catch_up(storage::Sink& sink, storage::Seq& drained, std::string& problem);
  Status do_without(std::string& problem);
  Status open_search(const std::string& file, std::string& problem);
  Status load(storage::Sink& sink, const crdt::Stamp& greatest, std::string& problem);
  void start(storage::Seq drained_through);

  // port::UvHost::Owner
  void carry_out(const runtime::Action& action) override;
  void flush_trouble(Status status, const char* problem) override;
  void flush_took(std::uint64_t ns) override { timings_.flush.note(ns); }
  void turn_ended() override;

  void answer_proofs();
  void drained(const SinkWorker::Done& done);
  void moved(const SinkWorker::Done& done);
  void indexed(const SinkWorker::Indexed& indexed);
  void searched(const SearchWorker::Done& done);
  void say(const char* line);

  uv_loop_t* loop_;
  transport::LwsContext& links_;
  Log& log_;
  std::string app_;
  AppConfig config_;
  Closed closed_;
  void* owner_;
  std::unique_ptr<port::DiskStore> disk_;
  storage::Store* journal_ = nullptr;  // Of it.
  std::unique_ptr<SinkWorker> sink_;
  std::unique_ptr<SearchWorker> search_;
  std::optional<Grants> grants_;  // Where the gateway asks who comes.
  std::optional<Coordinator> coordinator_;
  std::optional<port::UvHost> host_;
  struct Proof {
    transport::LinkId link;
    std::string token;
  };

  Prove prove_ = nullptr;
  std::vector<Proof> proofs_;  // To be judged at the end of the turn.
  bool wants_drain_ = false;
  AppTimings timings_{};
  OpLog ops_{log_, app_, timings_.queue};
  std::uint64_t drain_begun_ns_ = 0;
  std::string failure_;
};

}  // namespace grid::server
