// SPDX-License-Identifier: Apache-2.0
//
// Machine: the seam between a pure state machine and the world.
//
//     events in  ->  step()  ->  actions out
//
// Place     Lowest of runtime/. Two machines are built on it, runtime/replica.h (a device) and server/coordinator.h,
//           and driven by three hosts: libuv (ports/linux), a chip's loop, the simulator.
// Promises  SIM-1  Same events, same actions, byte for byte.
//           A machine opens nothing, reads no clock, draws nothing and starts no thread. Time comes with every event,
//           randomness once as a seed, identity with link_up.
// Ownership An event is borrowed until step() returns, actions until the next step(). Whoever constructs destroys.
// Threads   None: the caller's.
//
// Reads and writes are calls into the store's open batch; commits and sends are actions; completions are events.
// Sending is pulled: want_write asks the host for a writable event once the link takes another frame; the machine
// encodes one frame straight into the event's room and answers with a `frame` action, or with none when it has
// nothing to say after all.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "crdt/base/bytes.h"
#include "crdt/base/status.h"
#include "crdt/cell.h"

namespace grid::runtime {

using LinkId = std::uint32_t;  // The host's number for a connection, never reused while a machine lives.

struct Call;  // runtime/call.h: an API call, with room for its answer.

struct Event {
  enum class Kind : std::uint8_t {
    start,           // Once, first. The store is open.
    wake,            // wake_at_ms() has come, or the last action was `more`.
    link_up,         // link, identity, bytes: the claims of the identity, a canonical record; empty: it has none
    link_down,       // link, status: denied when the server did not let it open; the machine has forgotten it when
                     // step() returns
    frame,           // link, bytes: one whole frame has arrived
    writable,        // link, room: the link takes a frame of up to room.size()
    durable,         // batch: every batch up to it is durable
    call,            // call
    collect,         // room: the sink takes rows (coordinator)
    drained,         // seq, status: the sink has committed up to seq, or refused
    searched,        // bytes: the answer to the action `search` (coordinator)
    entities,        // batch, bytes: an answer to the question of that serial (coordinator)
    indexed,         // batch: a bit for each searched map whose index has changed (coordinator)
    proven,          // link, identity, bytes, status: the answer to the action `prove`, as with link_up (coordinator)
    grants_changed,  // What identities may do has changed, or some were revoked: all links are judged anew
                     // (coordinator)
    stop,            // Once, last: leave what must be left in the open batch; a commit action follows.
  };
  Kind kind = Kind::wake;
  std::uint64_t now_ms = 0;   // Monotonic, since any fixed moment: order and alarms.
  std::uint64_t wall_ms = 0;  // Since 1970 UTC; 0 while the machine doesn't know the time.
  LinkId link = 0;
  Bytes bytes{};
  MutBytes room{};
  std::uint64_t batch = 0;
  crdt::Seq seq = 0;
  Status status = Status::ok;
  std::string_view identity{};  // The principal that the host has proven; empty without authentication.
  Call* call = nullptr;
};

const char* name_of(Event::Kind kind);

struct Action {
  enum class Kind : std::uint8_t {
    connect,     // Open the upstream link; answer link_up or link_down.
    close,       // link: close it; link_down has already happened for this machine.
    want_write,  // link
    frame,       // link, size: the room's front holds a frame
    commit,      // batch: flush the store up to it, then answer durable
    outcome,     // seq, status, outcome: what became of a local op
    changed,     // watch, seq: log record `seq` matches the watch (read it with op_at())
    vanished,    // A row was taken back without a trace: Replica::vanished() names it.
    state,       // The sync state changed: ask the machine.
    heard,       // text: the frame of this step, or nothing: what the replica's guest is to deliver (link_guest.h)
    say,         // text: a sentence for people (kept by the machine until the next step)
    drain,       // size, seq: the room's front holds an Ops frame of rows, the journal up to seq
    want_drain,  // The sink has work: answer collect when it is free.
    prove,       // link, text: a token. Answer proven; the text is a view of this step's frame.
    search,      // Look for what the coordinator says, and answer searched.
    ask,         // Take the coordinator's questions about facts, and answer with entities.
    more,        // Step again: there is more to do than one step may.
  };
  Kind kind = Kind::more;
  Status status = Status::ok;
  std::uint8_t outcome = 0;
  LinkId link = 0;
  std::size_t size = 0;
  std::uint32_t watch = 0;
  std::uint64_t batch = 0;
  crdt::Seq seq = 0;
  std::string_view text{};
};

inline constexpr std::size_t kActionsMax = 64;
inline constexpr std::uint64_t kNever = UINT64_MAX;

class Machine {
 public:
  // Takes one event, returns what the host must do about it, in order.
  virtual std::span<const Action> step(const Event& event) = 0;
  // When to send `wake` at the latest, on the scale of Event::now_ms; kNever: no need.
  virtual std::uint64_t wake_at_ms() const = 0;

 protected:
  ~Machine() = default;  // Owned by whoever built it, never through this type.
};

}  // namespace grid::runtime
