// SPDX-License-Identifier: Apache-2.0
//
// Pulls: the subscriptions of a device, each with its cursor and what it waits for.
//
// Place     Below sync_session.h. Knows the store's facts, no frame.
// Promises  A cursor is stored in the same batch as the cells that it covers.
#pragma once

#include "crdt/base/arena.h"
#include "crdt/base/limits.h"
#include "runtime/oplog.h"
#include "runtime/scope.h"

namespace grid::runtime {

struct Cursor {
  static constexpr std::size_t kBytesMax = 32;

  std::uint8_t bytes[kBytesMax] = {};
  std::uint8_t size = 0;

  Bytes view() const { return {bytes, size}; }
  void set(Bytes from) {
    size = static_cast<std::uint8_t>(from.size() < kBytesMax ? from.size() : kBytesMax);
    copy(from.first(size), bytes);
  }
};

struct Pull {
  // What the session has yet to say of it, and what it waits to hear.
  enum class Phase : std::uint8_t { idle, asked, streaming, comparing, refused };
  enum class Check : std::uint8_t { none, wanted, asked, equal, different };

  std::uint32_t id = 0;
  std::uint32_t users = 0;     // Watches and subscribe calls that need it.
  std::uint32_t compared = 0;  // Comparisons since the check was wanted.
  Phase phase = Phase::idle;
  Check check = Check::none;
  bool in_doubt = false;  // Something of the scope was let go of while the server knew nothing of the pull.
  bool heal = false;      // The server takes heals from this comparison.
  bool unhealed = false;  // Such a comparison was begun and has not ended, whatever the cursor says.
  bool current = false;
  bool subscribe_due = false;
  bool unsubscribe_due = false;
  bool compare_due = false;  // A comparison is to be asked for,
  bool answer_due = false;   // but not before the answer to one that could not begin has passed.
  bool partial = false;      // The last one had no room for all that differs: no cursor may cover it.
  bool ack_open = false;     // A new cursor is in the open batch,
  bool ack_sealed = false;   // in the batch that is being committed,
  bool ack_due = false;      // on disk: to be confirmed.
  // It is behind the server's floor, and this the greatest stamp of what is collected; none: it is not. Its cursor
  // stays there until the ops up to that place in the log are settled: those that come with a newer one count for
  // written in the knowledge of what is collected (PROTOCOL P17).
  crdt::Stamp collected{};
  crdt::Seq stale_through = 0;
  Cursor cursor{};
  Cursor compared_cursor{};  // Of what came while a comparison goes on.
  ScopeCopy scope{};
};

class Pulls {
 public:
  static constexpr std::size_t memory_bytes(const Limits& limits) {
    return limits.subscriptions_max * sizeof(Pull) + alignof(Pull);
  }
  Pulls(OpLog& log, const Limits& limits, Arena& arena)
      : log_(log), pulls_(arena.make<Pull>(limits.subscriptions_max)) {}

  // Reads what was noted of the server.
  Status open();
  // One more user of the scope's pull, which is made when there is none.
  //   full  Limits::subscriptions_max.
  Result<Pull*> add(const Scope& scope);
  // One user less; with the last the pull ends. Its cells and its cursor stay in the store.
  void release(std::uint32_t id);
  // The pull was ended, and the server knows it.
  void forget(std::uint32_t id);

  Pull* find(std::uint32_t id);
  Vec<Pull>& all() { return pulls_; }

  // Takes note of a cursor before what it covers is merged: whatever becomes of the pull, the server can be asked
  // whether it still has what this device has seen.
  Status note_seen(Bytes cursor);
  const Cursor& seen() const { return seen_; }
  // The server lost something. Every pull is to be healed, and so is all that is held outside them, once it is
  // compared.
  Status note_loss();
  // Whether a comparison of the pull is to heal, whatever its cursor says: one was begun and has not ended, or its
  // scope has no cursor, and so may hold what was lost before.
  bool unhealed(const Pull& pull);

  // A row that the server may hold is here no more: the next link compares every scope that may have it. A cursor's
  // name does not tell its scope, so all go.
  Status drop_cursors();

  // Rows that no pull has are being let go of: the cursors of scopes without one, which cover them, go first.
  Status drop_idle_cursors();
  // Whether some pull has the cell.
  bool want(const crdt::Cell& cell) const;
  // A row is being evicted at the word of the server about the pull `id`. Whom the server does not know of may want it:
  // cursors of scopes without a pull go, and pulls that it has not answered are compared.
  Status doubt_others(std::uint32_t id, const crdt::CellName& row);

  // Puts a cursor into the open batch.
  Status save_cursor(Pull& pull, Bytes cursor);
  // Across links and restarts: the evidence that the server lost something must not go before the loss is healed.
  Status set_unhealed(Pull& pull, bool unhealed);

  void link_up();
  void link_down();
  void sealed();
  void durable();

  bool all_current() const;
  // From now on: what a question comes to stand on later is to be checked as well.
  void want_checks();
  bool all_checked() const;  // Every one found equal.

 private:
  bool has_pull_of(std::string_view fact) const;
  Status load(Pull& pull);

  OpLog& log_;
  Vec<Pull> pulls_;
  Cursor seen_{};
  bool wants_checks_ = false;
  std::uint32_t next_id_ = 1;
};

}  // namespace grid::runtime
