// SPDX-License-Identifier: Apache-2.0
//
// Outbox: hears what becomes of writes, and how full the log of unsent ones is.
//
//     grid::OutboxOf<32> outbox(*node);
//     outbox.expect(climate.put("bench/3", {{"temp", 21.5}}), grid::Concern::durable, 5'000,
//                   [](const grid::Fate& fate) { if (fate.is_late) ...; });
//
// Place     Above grid.h. An application that includes nothing of it links nothing of it. A write that nobody expects
//           anything of is fire and forget: Map::put() alone.
// Promises  Each write that expect() took is told of exactly once, in the order of expect() within a turn, and from the
//           host's run functions, never from within a call.
// Ownership Lives as long as it is to be told; ends before its host. What still waits then is not told.
// Threads   One: the host's.
#pragma once

#include <span>

#include "runtime/grid/grid.h"

namespace grid {

// How far a write must have come before it is told.
enum class Concern : std::uint8_t {
  applied,  // Merged by the server, in memory.
  durable,  // On the server's disk.
};

// What became of a write.
struct Fate {
  crdt::Seq seq = 0;                   // Write::seq()
  Outcome outcome = Outcome::pending;  // Of a late one: where it stands now.
  bool is_late = false;                // The time was up first. The write goes on: nothing takes it back.

  // Whether the server has it.
  bool is_ok() const { return !is_late && (outcome == Outcome::applied || outcome == Outcome::durable); }
};

// How full the log of unsent writes is.
struct LogLevel {
  bool is_high = false;       // It has risen to the high mark; false: it has sunk to the low one.
  std::uint64_t pending = 0;  // Writes that are not durable at the server.
};

using FateCallback = CallbackOf<Fate>;
using LevelCallback = CallbackOf<LogLevel>;

// The calls; OutboxOf<> has the room for what waits.
class Outbox : private Attendant {
 public:
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;

  // Tells `callback` once the write has come as far as `concern`, or will never, or `timeout_ms` are over (0: no
  // limit).
  //   full   As many are waited for as there is room for. The write stands; Write::outcome() tells of it.
  //   Those of the write, when it was not accepted: nobody will be told.
  Status expect(const Write& write, Concern concern, std::uint32_t timeout_ms, FateCallback callback);

  // Tells `callback` when so many writes are pending as `high` says, and then when only `low` are left, and so on. Of
  // what happened between two turns of the host it tells the end.
  //   invalid  `low` is not less than `high`.
  Status watch_level(std::uint64_t high, std::uint64_t low, LevelCallback callback);

  // How many are waited for.
  std::size_t waiting_count() const { return count_; }

 protected:
  struct Waiting {
    crdt::Seq seq = 0;
    std::uint64_t late_at_ms = UINT64_MAX;
    std::uint32_t timeout_ms = 0;  // Until its first turn, which makes `late_at_ms` of it.
    Concern concern = Concern::durable;
    FateCallback callback;
  };

  Outbox(Node& node, std::span<Waiting> room);
  ~Outbox();

 private:
  void turn(std::uint64_t now_ms);

  // What has to differ for an outcome to differ.
  struct Marks {
    std::uint64_t head = 0, applied = 0, durable = 0, pending = 0, rejected = 0, dropped = 0;
    friend bool operator==(const Marks&, const Marks&) = default;
  };
  void tell_level(std::uint64_t pending);
  bool is_over(Waiting& waiting, bool is_news, std::uint64_t now_ms, Fate& fate);

  Driver& driver_;
  std::span<Waiting> waiting_;
  std::size_t count_ = 0;
  Marks seen_;
  bool has_new_ = false;  // Of what waits, some were not looked at yet.
  std::uint64_t high_ = 0, low_ = 0;
  bool is_high_ = false;
  LevelCallback level_callback_;
};

// With room for so many writes at a time.
template <std::size_t kWrites = 16>
class OutboxOf final : public Outbox {
 public:
  explicit OutboxOf(Node& node) : Outbox(node, room_) {}

 private:
  Waiting room_[kWrites];
};

}  // namespace grid
