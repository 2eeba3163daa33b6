// SPDX-License-Identifier: Apache-2.0
//
// AppHost: one app of a gateway on this machine: its journal, its coordinator, its database.
//
// Place     Below tenants.h. Turns the world of one app into events, and actions into the world. Knows links by number,
//           no socket.
// Ownership Owns all of that; borrows its loop and its owner.
// Threads   open(): any, and it may take long. From run() on one: the loop's. The journal is flushed on libuv's pool,
// the
//           database works on its own thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ports/linux/disk_store.h"
#include "ports/linux/uv_host.h"
#include "server/coordinator.h"
#include "server/host/app_config.h"
#include "server/host/entity_desk.h"
#include "server/host/fact_desk.h"
#include "server/host/log.h"
#include "server/host/metrics.h"
#include "server/host/op_log.h"
#include "server/host/outflow.h"
#include "server/host/search_worker.h"
#include "server/host/sink_loader.h"
#include "server/host/sink_worker.h"

namespace grid::server {

class AppHost final : private port::UvHost::Owner {
 public:
  // Whoever has the links. None of its calls comes back to this app before it returns.
  class Owner {
   public:
    virtual void send(AppHost& app, runtime::LinkId link, Bytes frame, bool wants_word) = 0;
    // No frame is to be sent now; go_on() is called when that has changed.
    virtual bool is_full() const = 0;
    // Where a frame is encoded.
    virtual MutBytes room() = 0;
    // Behind what was sent.
    virtual void close(runtime::LinkId link) = 0;
    // Whether this token is of who is behind the link: `proven` answers.
    virtual void prove(runtime::LinkId link, std::string_view token) = 0;
    virtual void failed(const AppHost& app) = 0;

   protected:
    ~Owner() = default;
  };

  // Opens DIR/journal and the database, which is DIR/cells.sqlite or on a server. One that is not reachable, or has
  // another writer, is waited for while the app runs, unless the journal holds nothing yet. Null with `status` and
  // `problem`, a sentence, when one can't be opened.
  static std::unique_ptr<AppHost> open(Log& log, const std::string& app, const std::string& directory, AppConfig config,
                                       Status& status, std::string& problem);
  ~AppHost();
  AppHost(const AppHost&) = delete;
  AppHost& operator=(const AppHost&) = delete;

  // Once, first of what follows.
  void run(uv_loop_t* loop, Owner& owner);
  void step(const runtime::Event& event);
  void link_up(runtime::LinkId link, std::string_view identity, Bytes claims);
  void link_down(runtime::LinkId link);
  // As Outflow has it.
  void taken(runtime::LinkId link);
  // The owner takes frames again.
  void go_on();

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
  // As Coordinator; and who was told yes asks of facts().
  Status may_ask_facts(std::string_view identity, Bytes claims, std::string_view map) {
    return coordinator_->may_ask_facts(identity, claims, map);
  }
  FactDesk& facts() { return *facts_; }
  const Desk& desk() const { return coordinator_->desk(); }
  crdt::Seq head() const { return coordinator_->head(); }
  // Whether what arrived up to `seq` is where the map's durable writes are to be.
  bool has_kept(std::string_view map, crdt::Seq seq) const;

  AppFigures figures() const { return {app_, coordinator_->status(), facts_->figures(), &timings_}; }

 private:
  AppHost(Log& log, const std::string& app, AppConfig config) : log_(log), app_(app), config_(std::move(config)) {}

  Status open_journal(const std::string& directory, std::string& problem);
  Status open_sink(const std::string& directory, std::string& problem);
  Status catch_up(storage::Sink& sink, storage::Seq& drained, std::string& problem);
  Status do_without(std::string& problem);
  Status open_search(const std::string& file, std::string& problem);
  Status load(storage::Sink& sink, const crdt::Stamp& greatest, std::string& problem);
  CoordinatorOptions options();

  // port::UvHost::Owner
  void carry_out(const runtime::Action& action) override;
  void flush_trouble(Status status, const char* problem) override;
  void flush_took(std::uint64_t ns) override { timings_.flush.note(ns); }
  void turn_ended() override;

  void send_frames();
  void fail(std::string failure);
  void drained(const SinkWorker::Done& done);
  void moved(const SinkWorker::Done& done);
  void indexed(const SinkWorker::Indexed& indexed);
  void searched(const SearchWorker::Done& done);
  void say(const char* line);

  Log& log_;
  std::string app_;
  AppConfig config_;
  Owner* owner_ = nullptr;
  std::unique_ptr<port::DiskStore> disk_;
  storage::Store* journal_ = nullptr;  // Of it.
  OpenSink opened_;                    // Until run().
  std::unique_ptr<storage::SqliteSearchReader> reader_;
  storage::Seq drained_through_ = 0;
  std::unique_ptr<SinkWorker> sink_;
  std::unique_ptr<SearchWorker> search_;
  std::optional<FactDesk> facts_;
  std::optional<EntityDesk> entities_;  // Of these.
  std::optional<Grants> grants_;        // Where the gateway asks who comes.
  std::optional<Coordinator> coordinator_;
  std::optional<port::UvHost> host_;
  Outflow outflow_;
  std::vector<runtime::LinkId> closing_;  // At the end of the turn: a last frame may come with it.
  bool wants_drain_ = false;
  AppTimings timings_{};
  OpLog ops_{log_, app_, timings_.queue};
  std::uint64_t drain_begun_ns_ = 0;
  std::string failure_;
};

}  // namespace grid::server
