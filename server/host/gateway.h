// SPDX-License-Identifier: Apache-2.0
//
// Gateway: gridd without its flags: the data directory, the apps in it, the address that it listens on.
//
// Place     Top of server/host; main.cc runs it. Below it switchboard.h has the links, web.h the requests, apps.h what
//           they are about.
// Threads   One: the network's. Engines have theirs (docs/ARCHITECTURE.md).
#pragma once

#include <uv.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "server/host/admin_socket.h"
#include "server/host/apps.h"
#include "server/host/config/config.h"
#include "server/host/door.h"
#include "server/host/log.h"
#include "server/host/switchboard.h"
#include "server/host/web.h"
#include "transport/lws/lws_context.h"
#include "transport/lws/uv_handle.h"

namespace grid::server {

class Gateway final : private transport::LinkListener,
                      private WebOwner,
                      private Door::Owner,
                      private AdminDesk,
                      private Apps::Owner {
 public:
  explicit Gateway(uv_loop_t* loop) : loop_(loop) {}
  ~Gateway();
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  // Locks the data directory, opens the apps that are in it, and listens. Those whose database is a server go on
  // opening behind that. problem() says why it can't:
  //   busy  Another gridd has the directory.
  //   invalid  A restore into it has not ended.
  //   otherwise as DiskStore::open(), SqliteSink::open() and LwsContext::listen()
  Status open(config::Config config);
  // Goes by another configuration, as far as that can be done while it runs. Gives sentences: what waits for a restart.
  //   invalid  It makes no sense, as problem() says; nothing has changed.
  Result<std::vector<std::string>> reload(config::Config config);
  // Where it listens, as ws://HOST:PORT or wss://HOST:PORT.
  std::vector<std::string> bound_urls() const { return links_->bound_urls(); }
  // The first of them, as HOST:PORT.
  const std::string& bound() const { return links_->bound(); }
  GatewayFigures figures() const override;
  // Whether who comes must say who it is.
  bool is_locked() const { return door_.is_locked(); }
  const config::Config& config() const { return config_; }
  Log& log() { return log_; }
  // Takes no new links, ends those that are there one after the other over the configured time, and drains the
  // databases.
  void drain();
  // It was to drain, no link is left, and the databases have all.
  bool has_ended() const { return draining_ != nullptr && is_drained_; }
  // Takes no new links; the databases go on draining.
  void stop_listening();
  // Nothing is left to drain, but what belongs to an app whose medium has failed. Known after stop_listening().
  bool is_drained() const { return is_drained_; }
  // The medium of a journal or of a database has failed, and it is unknown what it holds: nothing may go on
  // (docs/STORAGE.md).
  bool has_failed() const { return !failure_.empty(); }
  // Which one and how, as a sentence.
  const std::string& failure() const { return failure_; }
  // As Apps::have_turned(), for the watchdog.
  bool have_turned() { return apps_->have_turned(); }
  // An app is being opened, which may take longer than anybody wants to wait.
  bool is_opening() const { return apps_ != nullptr && apps_->is_opening(); }
  // The last commit of every app.
  Status stop();
  const std::string& problem() const { return problem_; }

 private:
  Status check_restored(const std::string& directory);
  Status lock(const std::string& directory);
  Status open_apps();
  bool awaits_app() const;
  void open_desk();
  void end_one_link();
  void watch_held();
  void send_away();
  void hang_up(transport::LinkId link, std::uint16_t code, std::string_view reason);
  void begin_asking();
  void ask_drained();
  void note_drained(const Letter& letter);
  void prove(const Letter& letter);
  bool may_enter(const std::string& app, std::string_view identity, Bytes claims);
  App* app_of(const std::string& app);
  std::string directory_of(const std::string& app) const { return config_.gateway().data + "/apps/" + app; }

  // transport::LinkListener
  transport::Admission admit(const transport::LinkRequest& request) override;
  void on_open(transport::LinkId link, std::string_view path, std::string_view identity, Bytes claims) override;
  void on_frame(transport::LinkId link, Bytes frame) override { board_->came(link, frame); }
  std::optional<std::size_t> on_writable(transport::LinkId link, MutBytes room) override {
    return board_->give(link, room);
  }
  void on_close(transport::LinkId link, std::string_view reason) override;

  void on_stranger(std::string_view address, std::string_view trouble) override;

  // WebOwner
  transport::Admission admit(const transport::Caller& caller, std::string& way) override {
    return door_.admit(caller, way);
  }
  std::string why_not_ready(const transport::Caller& caller) override;

  // Door::Owner
  void say(const char* line) override;
  void refused(std::string_view who, std::string_view why) override;
  void end_link(transport::LinkId link, std::string_view identity) override;
  void ask_anew(transport::LinkId link) override;
  void end_requests(std::string_view identity) override {
    if (web_ != nullptr) web_->disown(identity);
  }
  void end_requests_of(const Authenticator::Withdrawn& gone) override {
    if (web_ != nullptr) web_->disown(gone);
  }

  // Apps::Owner
  void arrived(Letter&& letter) override;
  void has_room() override { board_->release(); }
  void app_opened(App& app) override;
  void app_not_opened(App& app, Status status, const std::string& problem) override;

  // AdminDesk
  AdminAnswer answer(const crdt::Value& question) override;

  uv_loop_t* loop_;
  Log log_{};
  config::Config config_;
  config::Config started_;  // The one that it was opened with.
  std::string problem_;
  int lock_ = -1;
  std::unique_ptr<Web> web_;
  Door door_{*this};
  std::unique_ptr<AdminSocket> desk_;
  std::unique_ptr<transport::UvHandle<uv_timer_t>> saving_;
  std::unique_ptr<transport::LwsContext> links_;
  std::unique_ptr<Switchboard> board_;
  std::unique_ptr<Apps> apps_;
  std::unique_ptr<transport::UvHandle<uv_timer_t>> draining_;
  std::unique_ptr<transport::UvHandle<uv_timer_t>> asking_;        // Whether all is drained.
  std::unique_ptr<transport::UvHandle<uv_timer_t>> sending_away_;  // Runs while links wait for an app that is opening.
  std::set<std::string> awaited_;                                  // Apps without which there is no start.
  std::string failure_;
  std::size_t answers_due_ = 0;  // Of engines, whether they are drained.
  bool is_drained_ = false;
  bool was_drained_ = true;   // Those that have answered, and no link was left when they were asked.
  bool is_stopping_ = false;  // Whatever links are left.
};

}  // namespace grid::server
