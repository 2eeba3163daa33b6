// SPDX-License-Identifier: Apache-2.0
//
// UvHost: drives one machine and its store on a libuv loop: time, alarms, steps, and commits.
//
// Place     Heart of ports/linux; LinuxHost drives a device's replica with it, gridd each app's coordinator. Knows no
//           socket: links reach the machine through step() and writable().
// Promises  One durable event for each commit, in order, and only after the store said that it is durable. Commits of
//           one turn of the loop share a flush. A store that is full is tried again every second, nothing is lost; a
//           store that fails stops the machine (it is never stepped again).
// Ownership Borrows loop, machine, store and owner for life. Runs the loop never; whoever does, runs it once more after
//           this host is gone.
// Threads   One: the loop's, and the thread of the flushes, which sees nothing but Store::flush().
#pragma once

#include <uv.h>

#include <cstdint>
#include <optional>

#include "runtime/machine.h"
#include "storage/store.h"
#include "transport/lws/uv_handle.h"

namespace grid::port {

class UvHost {
 public:
  // Where the store is flushed: on the loop, which stands still meanwhile, or on libuv's pool.
  enum class Flush : std::uint8_t { on_loop, on_thread };

  // What only the owner can do. None of it may step the machine again before it returns, but turn_ended().
  class Owner {
   public:
    // All kinds but frame, commit and more. Borrowed until return.
    virtual void carry_out(const runtime::Action& action) = 0;
    // A flush failed: `full` is tried again, `ok` says that the trying has helped; anything else has stopped the
    // machine. `problem` is the store's sentence.
    virtual void flush_trouble(Status status, const char* problem) = 0;
    // A flush has helped, and this is what it took.
    virtual void flush_took(std::uint64_t) {}
    // The turn of the loop in which something happened is over.
    virtual void turn_ended() = 0;

   protected:
    ~Owner() = default;
  };

  UvHost(uv_loop_t* loop, runtime::Machine& machine, storage::Store& store, Owner& owner, Flush flush);
  // Waits for a flush that is under way. Neither stops the machine nor commits: that is stop().
  ~UvHost();
  UvHost(const UvHost&) = delete;
  UvHost& operator=(const UvHost&) = delete;

  // Steps the machine with `event`, whose times are filled in, and carries out what it asks for.
  void step(runtime::Event event);
  void step(runtime::Event::Kind kind) { step(runtime::Event{.kind = kind}); }
  // The same for a writable link: the size of the frame in the front of `room`, or nothing.
  std::optional<std::size_t> writable(runtime::LinkId link, MutBytes room);
  // The machine's last step, and its last commit. Blocks as flush() does. What comes after it is dropped.
  Status stop();

  // Commits until the machine has nothing more to commit, with its durable events. Blocks.
  //   full  The medium has no room; it is tried again as ever.
  //   io    The store failed, now or before.
  Status flush();
  bool has_failed() const { return has_failed_; }
  // A turn_ended() is due, even if nothing else happens.
  void want_turn();

 private:
  struct Job;

  void carry_out(std::span<const runtime::Action> actions);
  void set_alarm();
  void on_alarm();
  void on_turn();
  void commit();
  void start_job();
  Status finish_job();
  Status flushed(std::uint64_t batch, Status status);

  uv_loop_t* loop_;
  runtime::Machine& machine_;
  storage::Store& store_;
  Owner& owner_;
  const Flush flush_;

  transport::UvHandle<uv_timer_t> alarm_;  // The machine's wake_at_ms().
  transport::UvHandle<uv_timer_t> retry_;  // Runs while a full store waits for its next try.
  transport::UvHandle<uv_idle_t> busy_;    // Runs while a turn is due, so that the loop does not wait for the world.
  transport::UvHandle<uv_check_t> turn_;   // The end of a turn.

  std::uint64_t alarm_at_ms_ = runtime::kNever;
  std::uint64_t batch_asked_ = 0;  // By the newest commit action; 0 once that is durable.
  Job* job_ = nullptr;             // The flush on the pool.
  std::size_t frame_bytes_ = 0;
  bool has_frame_ = false;
  bool wants_more_ = false;
  bool is_full_ = false;
  bool is_stepping_ = false;
  bool is_over_ = false;  // Stopped or failed: no more steps.
  bool has_failed_ = false;
};

}  // namespace grid::port
