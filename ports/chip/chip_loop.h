// SPDX-License-Identifier: Apache-2.0
//
// ChipLoop: a replica with its flash store and its link, and the loop that a chip runs them in.
//
// Place     Heart of ports/chip; <grid/chip.h> gives it its memory. Above runtime/replica.h, storage/flash and
//           chip_link.h.
// Promises  No heap: all memory is lent at construction.
//           BND-1  Nothing here grows, whatever a peer or a callback does.
//           What put() has accepted is on the flash when it returns. A store that is full is tried again every second;
//           one that fails stops the node (its state is `error`).
// Ownership Borrows the board and its memory for life.
// Threads   One: the caller's.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "ports/chip/board.h"
#include "ports/chip/chip_link.h"
#include "runtime/grid/grid.h"
#include "runtime/problem.h"
#include "runtime/replica.h"
#include "storage/flash/flash_store.h"

namespace grid {

struct ChipOptions {
  // All by reference: literals, as a rule.
  std::string_view app = "default";  // The tenant: an app sees nothing of another.
  std::string_view store{};          // The partition's name.
  std::string_view server{};         // ws://HOST:PORT or wss://HOST:PORT. Empty: never connects.
  std::string_view token{};          // Who this device is, to the server (docs/auth.md). Empty: nobody.
  bool offline = false;              // Starts off the net; node->online() goes on.
  bool salvage = false;              // Opens what is left of a damaged store.
  OnFull on_full = OnFull::refuse;   // What a write finds at Limits::pending_ops_max unsent ones.
  std::uint32_t backoff_ms_min = 250;
  std::uint32_t backoff_ms_max = 30'000;
  const runtime::Views* views = nullptr;   // &runtime::kViews, for sets, counters and batches; null: rows only.
  runtime::LinkGuest* channels = nullptr;  // A ChannelsOf<kChipChannels>, say; null: no topics, no rooms.
  // Keeps ops that did not get through (runtime/dead_letters.h), as facts: the store's FlashOptions need room for them.
  runtime::LetterBox* letters = nullptr;
  runtime::Upkeep* upkeep = nullptr;  // A HousekeepingOf<...>; null: expired rows stay, and watches do not hear.
};

namespace port {

// A callback, and the watch that it is for.
struct Watching {
  std::uint32_t id = 0;
  Callback callback;
};

// A change that the machine has reported in its last step.
struct Happened {
  std::uint32_t watch = 0;
  crdt::Seq seq = 0;  // 0: of the row that has vanished.
};

// What a loop runs in.
struct ChipMemory {
  const Limits* limits = nullptr;
  storage::FlashOptions flash{};
  MutBytes store{};                // FlashStore::memory_bytes()
  MutBytes replica{};              // Replica::memory_bytes()
  MutBytes arriving{};             // Limits::frame_bytes_max
  MutBytes sending{};              // The same, and WebSocket::kOverheadBytesMax
  MutBytes scratch{};              // Limits::value_bytes_max
  std::span<Watching> watching{};  // Limits::watches_max
  std::span<Happened> happened{};  // Limits::actions_max and watches_max
};

class ChipLoop final : public Driver {
 public:
  ChipLoop(Board& board, const ChipMemory& memory);
  ChipLoop(const ChipLoop&) = delete;
  ChipLoop& operator=(const ChipLoop&) = delete;

  Node* open(const ChipOptions& options);
  bool is_open() const { return replica_.has_value(); }
  Status status() const { return opened_; }
  void run_for(std::uint64_t ms);
  bool wait(const Write& write, Outcome outcome, std::uint64_t timeout_ms);
  bool sync_once(std::uint64_t deadline_ms);
  void close();
  // Whether this is called from within the loop, where nothing may run, wait or close: then problem() says so.
  bool refuses_to_wait();

  // Shows another token from the next link on. By reference, as in the options.
  void show_token(std::string_view token) { options_.token = token; }
  // Takes the node off the net for want of a network, and brings it back, from a backoff too. What the application asks
  // for meanwhile stands: a node that it took off stays there, and one that it brought back is left alone.
  void park();
  void unpark();

  // Runs until `is_done()` says so: true, or until the time is up.
  template <typename IsDone>
  bool run_until(IsDone is_done, std::uint64_t timeout_ms) {
    return run([](void* at) { return (*static_cast<IsDone*>(at))(); }, &is_done, timeout_ms);
  }
  // One turn: what has come, what is due, what may go, and the callbacks. True: there may be more to do at once.
  bool turn();
  // When there will be something to do, on the board's clock, if nothing comes before that.
  std::uint64_t wake_at_ms() const;

  // Of frames that are on their way out. Nothing, when the link is quiet.
  std::size_t buffered_bytes() const { return link_.buffered_bytes(); }
  // Of the node that is open, to look into; null: there is none.
  const storage::FlashStore* store() const { return store_.has_value() ? &*store_ : nullptr; }
  storage::FlashStore* store() { return store_.has_value() ? &*store_ : nullptr; }
  const runtime::Replica* replica() const { return replica_.has_value() ? &*replica_ : nullptr; }

  // Driver. Of a node that is closed, every call is io, every read is empty, and what is under way stays so.
  void perform(runtime::Call& call) override;
  void watch(runtime::Call& call, Callback callback) override;
  Result<Change> find(std::string_view map, std::string_view key) override;
  Result<Change> next(const Scope& scope, std::string_view after_map, std::string_view after_key) override;
  Result<crdt::Op> next_cell(const crdt::CellName& after) override;
  Outcome outcome_of(crdt::Seq seq) override;
  runtime::ReplicaStatus replica_status() override;
  crdt::Digest digest(const Scope& scope) override;
  MutBytes scratch() override { return memory_.scratch; }
  void complain(std::string_view sentence) override { problem_.say(sentence); }
  const char* problem() const override { return problem_.line(); }

 private:
  Status check();
  Status open_store();
  Status start();
  Status refuse(Status status, const char* words);
  Status refuse_closed();

  bool run(bool (*is_done)(void* context), void* context, std::uint64_t timeout_ms);
  void step(runtime::Event event);
  void carry_out(const runtime::Action& action);
  void commit();
  void connect();
  bool receive();
  bool write();
  bool is_due() const;
  void call_back();
  void call_back_vanished(Callback callback, const crdt::CellName& name);
  void note_vanished();
  void deliver();

  // The large ones stand last: an instruction reaches what is near in half the bytes.
  Board& board_;
  Status opened_ = Status::ok;
  runtime::LinkId link_id_ = 0;  // Of the newest link.
  Vec<Watching> watching_;
  Vec<Happened> happened_;
  Bytes heard_{};                  // The channel frame that is to be delivered,
  bool has_heard_ = false;         // or only that the link has dropped.
  std::uint64_t batch_due_ = 0;    // To be committed; 0: none.
  std::uint64_t retry_at_ms_ = 0;  // When a store that is full is tried again; 0: it is not.
  std::size_t frame_bytes_ = 0;    // That the machine has just encoded.
  bool wants_write_ = false;
  bool wants_more_ = false;
  bool is_dial_failed_ = false;  // On the spot: the machine hears of it when its step is over.
  bool has_failed_ = false;
  bool is_running_ = false;
  bool is_parked_ = false;

  Arena arena_;
  ChipMemory memory_;
  ChipOptions options_;
  ServerAddress server_;
  runtime::Problem problem_;
  std::optional<storage::FlashStore> store_;
  std::optional<runtime::Replica> replica_;
  Node node_{this};
  ChipLink link_;
};

}  // namespace port
}  // namespace grid
