// SPDX-License-Identifier: Apache-2.0
//
// LinuxHost::Impl: a replica with its store, its link and its loop, and the calls of the embedding API on it.
//
// Place     Within ports/linux only: linux_host_impl.cc is the node (what grid.h calls, what the machine asks for, what
//           the link says), linux_host.cc runs the loop.
#pragma once

#include <uv.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "ports/linux/credential.h"
#include "ports/linux/disk_store.h"
#include "ports/linux/grid/linux.h"
#include "ports/linux/inspect_socket.h"
#include "ports/linux/uv_host.h"
#include "runtime/channels.h"
#include "runtime/dead_letters.h"
#include "runtime/housekeeping.h"
#include "runtime/query/entity_guest.h"
#include "runtime/query/fact_engine.h"
#include "runtime/query/fact_pull.h"
#include "runtime/query/live_facts.h"
#include "runtime/query/live_query.h"
#include "runtime/query/query_engine.h"
#include "runtime/query/row_tests.h"
#include "runtime/query/search_guest.h"
#include "runtime/replica.h"
#include "storage/memory/memory_store.h"
#include "transport/lws/lws_context.h"

namespace grid {

class LinuxHost::Impl final : public Driver,
                              private transport::LinkListener,
                              private port::UvHost::Owner,
                              private runtime::ErasureListener,
                              private runtime::FactPull::Scopes,
                              private port::InspectSocket::Host,
                              private runtime::Vitals {
 public:
  Impl();
  ~Impl();

  Node* open(const LinuxOptions& options);
  Status status() const { return opened_; }
  Status flush();
  Status show_token(std::string_view token);
  void post(void (*work)(void*), void* context);
  uv_loop_t* loop() { return loop_; }

  // Runs the loop until `is_done` says so, stop() or a signal that is heeded comes, or the time is up.
  enum class Signals : std::uint8_t { heeded, left_alone };
  template <typename IsDone>
  void run_until(IsDone is_done, std::uint64_t timeout_ms, Signals signals);
  void stop() { is_stopping_ = true; }
  void take_stop() { is_stopping_ = false; }  // It has been heeded.
  // The store has: the node makes no more steps.
  bool has_failed() const { return host_.has_value() && host_->has_failed(); }

  // Driver
  void perform(runtime::Call& call) override;
  void watch(runtime::Call& call, Callback callback) override;
  Result<Change> find(std::string_view map, std::string_view key) override;
  Result<Change> next(const Scope& scope, std::string_view after_map, std::string_view after_key) override;
  Result<crdt::Op> next_cell(const crdt::CellName& after) override;
  Outcome outcome_of(crdt::Seq seq) override { return replica_->outcome_of(seq); }
  runtime::ReplicaStatus replica_status() override;
  crdt::Digest digest(const Scope& scope) override;
  Page query(std::string_view map, const Query& query, const Visitor& visitor) override;
  Status declare_index(std::string_view map, std::string_view path, IndexKind kind) override;
  Status live(std::string_view map, const Query& query, LiveCallback callback, std::uint32_t& id) override;
  void end_live(std::uint32_t id) override;
  runtime::LetterBox* letters() override { return &*letters_; }
  storage::Store* local_store() override { return store_; }
  Status ask(std::string_view map, const DatalogQuestion& question, const DatalogVisitor& visitor,
             DatalogAnswer& answer) override;
  Status live_datalog(std::string_view map, const DatalogQuestion& question, DatalogCallback callback,
                      std::uint32_t& id) override;
  Status subscribe_datalog(std::string_view map, const DatalogQuestion& question) override;
  Status search(const SearchQuery& query, SearchCallback callback, std::uint32_t& id) override;
  void end_search(std::uint32_t id) override;
  MutBytes scratch() override { return {scratch_.get(), kLinux.value_bytes_max}; }
  void want_turn() override;
  void complain(std::string_view sentence) override { problem_ = sentence; }
  const char* problem() const override { return problem_.c_str(); }
  const char* refusal() const { return refusal_.c_str(); }

 private:
  // transport::LinkListener
  void on_open(transport::LinkId link, std::string_view path, std::string_view identity, Bytes claims) override;
  void on_frame(transport::LinkId link, Bytes frame) override;
  std::optional<std::size_t> on_writable(transport::LinkId link, MutBytes room) override;
  void on_refused(transport::LinkId link, unsigned status) override;
  void on_close(transport::LinkId link, std::string_view reason) override;

  // port::UvHost::Owner
  void carry_out(const runtime::Action& action) override;
  void flush_trouble(Status status, const char* problem) override;
  void turn_ended() override;

  // port::InspectSocket::Host and runtime::Vitals
  runtime::ReplicaStatus inspected_status() override { return replica_status(); }
  void tell(crdt::ValueWriter& status) override;

  struct Watching {
    std::uint32_t id;
    Callback callback;
  };
  // A live query with the subscription that feeds it.
  struct Living {
    Living(storage::Store& store, runtime::QueryEngine& engine, std::size_t bytes_max)
        : query(store, engine, bytes_max) {}
    std::uint32_t id = 0;
    std::uint32_t pull = 0;
    std::string map;
    LiveCallback callback;
    runtime::LiveQuery query;
    bool is_over = false;
  };
  // The same of a Datalog question.
  struct LivingFacts {
    std::uint32_t id = 0;
    std::unique_ptr<runtime::FactPull> pull;
    DatalogCallback callback;
    std::unique_ptr<runtime::LiveFacts> facts;
    bool is_over = false;
  };
  struct Happened {
    std::uint32_t watch;
    crdt::Seq seq;      // 0: of a row that has vanished,
    std::string map{};  // this one.
    std::string key{};
    crdt::View view{};
  };
  struct Posted {
    void (*work)(void*);
    void* context;
  };

  Status check(const LinuxOptions& options);
  Status open_store();
  Status open_link();
  Status start();
  Status open_inspection();
  Status refuse(Status status, std::string problem);
  void close();
  void say_goodbye();
  void connect();
  bool was_refused();
  bool may_show() const;
  std::optional<std::size_t> write_token(MutBytes room);
  void mind_token();
  void turn_token();
  void show_newer_token();
  void try_again_now();
  void give_up_connecting();
  void leave();
  void call_back(const Happened& happened);
  // runtime::ErasureListener
  void erased(const crdt::CellName& name) override;

  void turn_live();
  void advance(Living& living);
  void turn_live_facts();
  runtime::FactEngine& facts_of_now();
  void wait_for_expiry();
  void advance(LivingFacts& living);
  void end_live_facts(std::uint32_t id);
  std::unique_ptr<runtime::FactQuestion> read_question(const DatalogQuestion& question);
  std::unique_ptr<runtime::FactPull> pull_facts(std::string_view map, const runtime::FactQuestion& question,
                                                Status& status);
  bool find_entities(std::string_view map, const runtime::EntityQuestion& asked, std::span<const Value> inputs,
                     std::vector<std::string>& keys);
  void note_settled();
  void tell_settled(runtime::FactPull& pull, const std::string& map, const std::string& key);
  // runtime::FactPull::Scopes
  Status pull(const Scope& scope, std::uint32_t& id) override;
  void release(std::uint32_t id, const Scope& scope) override;
  bool has_pending() const override { return replica_->status(0).ops_pending > 0; }
  void sweep(std::string_view map) override;
  void note_vanished();
  void attend();
  void wait_for_room(runtime::Call& call);
  void note_scope(const Scope& scope);
  void forget_scope(const Scope& scope);
  void run_posted();
  void watch_signals();
  void ignore_signals();

  uv_loop_t* loop_;
  LinuxOptions options_;
  Limits limits_ = kLinux;
  std::string path_;
  std::string problem_;
  std::string refusal_;
  Status opened_ = Status::ok;

  std::unique_ptr<port::DiskStore> disk_;
  std::unique_ptr<storage::MemoryStore> memory_;
  storage::Store* store_ = nullptr;  // One of the two.
  std::unique_ptr<std::uint8_t[]> replica_memory_;
  std::unique_ptr<std::uint8_t[]> scratch_;
  ChannelsOf<kLinuxChannels> channels_;
  std::unique_ptr<std::uint8_t[]> letter_memory_;
  std::optional<runtime::DeadLetters> letters_;
  std::vector<std::string> kept_;  // Maps that have a rule.
  std::optional<runtime::HousekeepingOf<kKeepMax, 1'024>> housekeeping_;
  runtime::RowTests row_tests_{this};
  runtime::SearchGuest searches_{*static_cast<runtime::LinkGuest*>(channels_)};
  runtime::EntityGuest entities_{searches_};
  std::optional<runtime::Replica> replica_;
  std::optional<runtime::QueryEngine> queries_;
  std::optional<runtime::FactEngine> facts_;
  std::unique_ptr<transport::LwsContext> links_;
  std::optional<port::UvHost> host_;
  std::optional<Node> node_;
  std::optional<runtime::Inspector> inspector_;
  std::unique_ptr<port::InspectSocket> inspection_;

  port::Credential credential_;
  bool is_token_due_ = false;  // A newer one is to be shown in session.
  unsigned refused_with_ = 0;  // What the server answered to the link that is opening.

  transport::LinkId connecting_ = 0;  // The link that is opening.
  transport::LinkId connected_ = 0;   // The link that is up.
  bool is_connect_failed_ = false;    // On the spot: the machine hears of it at the end of the turn.
  std::vector<Watching> watching_;
  std::vector<std::string> heard_;  // Channel frames that came in this turn, to be delivered at its end.
  std::vector<Happened> happened_;  // What the machine reported in this turn.

  std::vector<std::unique_ptr<Living>> living_;
  crdt::Seq settled_ = 0;                                         // That note_settled() has looked at.
  bool asks_again_ = false;                                       // At the end of this turn.
  std::vector<std::unique_ptr<runtime::FactPull>> pulled_facts_;  // For as long as the node lives.
  std::vector<std::unique_ptr<LivingFacts>> living_facts_;
  std::uint32_t next_live_ = 1;

  bool is_running_ = false;
  bool is_stopping_ = false;
  bool is_interrupted_ = false;
  std::optional<transport::UvHandle<uv_signal_t>> interrupt_, terminate_;
  std::optional<transport::UvHandle<uv_timer_t>> deadline_, attending_, expiring_, renewing_;
  std::optional<transport::UvHandle<uv_async_t>> wake_;
  std::mutex posted_mutex_;
  std::vector<Posted> posted_;  // Guarded by posted_mutex_.
};

template <typename IsDone>
void LinuxHost::Impl::run_until(IsDone is_done, std::uint64_t timeout_ms, Signals signals) {
  if (is_running_) return complain("the loop is running already: a callback cannot wait");
  bool is_late = false;
  if (timeout_ms != runtime::kNever) {
    uv_update_time(loop_);  // It stands since the loop ran last.
    deadline_->get()->data = &is_late;
    // It may be due before the loop first waits, which would then wait for something else.
    const auto end = [](uv_timer_t* timer) {
      *static_cast<bool*>(timer->data) = true;
      uv_stop(timer->loop);
    };
    uv_timer_start(deadline_->get(), end, timeout_ms, 0);
  }
  const bool heeds = signals == Signals::heeded;
  if (heeds) watch_signals();
  is_running_ = true;
  while (!is_done() && !is_late && !is_stopping_ && !(heeds && is_interrupted_)) uv_run(loop_, UV_RUN_ONCE);
  is_running_ = false;
  if (heeds) ignore_signals();
  uv_timer_stop(deadline_->get());
}

}  // namespace grid
