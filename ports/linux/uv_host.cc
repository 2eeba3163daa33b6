// SPDX-License-Identifier: Apache-2.0

#include "ports/linux/uv_host.h"

#include <utility>

#include "crdt/base/check.h"
#include "ports/port.h"

namespace grid::port {
namespace {

using runtime::Action;
using runtime::Event;

constexpr std::uint64_t kRetryMs = 1'000;

}  // namespace

// A flush on the pool. libuv frees it with its last word on it, which may come when nobody waits any more.
struct UvHost::Job {
  uv_work_t work{};
  uv_sem_t done{};
  storage::Store* store = nullptr;
  UvHost* host = nullptr;
  std::uint64_t batch = 0;
  Status status = Status::ok;
  std::uint64_t ns = 0;  // What it took.

  static void run(uv_work_t* work) {
    Job* self = static_cast<Job*>(work->data);
    const std::uint64_t begun_ns = uv_hrtime();
    self->status = self->store->flush();
    self->ns = uv_hrtime() - begun_ns;
    uv_sem_post(&self->done);
  }
  static void end(uv_work_t* work, int) {
    Job* self = static_cast<Job*>(work->data);
    if (self->host != nullptr) [[maybe_unused]]
      const Status status = self->host->finish_job();
    uv_sem_destroy(&self->done);
    delete self;
  }
};

UvHost::UvHost(uv_loop_t* loop, runtime::Machine& machine, storage::Store& store, Owner& owner, Flush flush)
    : loop_(loop), machine_(machine), store_(store), owner_(owner), flush_(flush) {
  uv_timer_init(loop, alarm_.get());
  uv_timer_init(loop, retry_.get());
  uv_idle_init(loop, busy_.get());
  uv_check_init(loop, turn_.get());
  alarm_.get()->data = retry_.get()->data = busy_.get()->data = turn_.get()->data = this;
  uv_check_start(turn_.get(), [](uv_check_t* turn) { static_cast<UvHost*>(turn->data)->on_turn(); });
  uv_unref(turn_.any());
}

UvHost::~UvHost() {
  if (job_ == nullptr) return;
  uv_sem_wait(&job_->done);
  job_->host = nullptr;
}

void UvHost::step(Event event) {
  if (is_over_) return;
  GRID_CHECK(!is_stepping_);
  event.now_ms = monotonic_ms();
  event.wall_ms = wall_ms();
  has_frame_ = false;
  is_stepping_ = true;
  carry_out(machine_.step(event));
  is_stepping_ = false;
  set_alarm();
}

std::optional<std::size_t> UvHost::writable(runtime::LinkId link, MutBytes room) {
  step({.kind = Event::Kind::writable, .link = link, .room = room});
  if (!std::exchange(has_frame_, false)) return {};
  return frame_bytes_;
}

void UvHost::carry_out(std::span<const Action> actions) {
  for (const Action& action : actions) {
    switch (action.kind) {
      case Action::Kind::commit:
        batch_asked_ = action.batch;
        want_turn();
        break;
      case Action::Kind::more:
        wants_more_ = true;
        want_turn();
        break;
      case Action::Kind::frame:
        has_frame_ = true;
        frame_bytes_ = action.size;
        break;
      default:
        owner_.carry_out(action);
    }
  }
}

Status UvHost::stop() {
  step(Event::Kind::stop);
  const Status status = flush();
  is_over_ = true;
  return status;
}

// The machine's alarm is on the real clock, libuv's on the one that it read when this turn of the loop began: an alarm
// that rings too early is set again.
void UvHost::set_alarm() {
  const std::uint64_t at_ms = machine_.wake_at_ms();
  if (at_ms == alarm_at_ms_) return;
  alarm_at_ms_ = at_ms;
  if (at_ms == runtime::kNever) {
    uv_timer_stop(alarm_.get());
    return;
  }
  const std::uint64_t now_ms = monotonic_ms();
  uv_timer_start(
      alarm_.get(), [](uv_timer_t* timer) { static_cast<UvHost*>(timer->data)->on_alarm(); },
      at_ms > now_ms ? at_ms - now_ms : 0, 0);
}

void UvHost::on_alarm() {
  const std::uint64_t at_ms = std::exchange(alarm_at_ms_, runtime::kNever);
  if (monotonic_ms() < at_ms) {
    set_alarm();
  } else {
    step(Event::Kind::wake);
  }
}

void UvHost::want_turn() {
  uv_idle_start(busy_.get(), [](uv_idle_t*) {});
}

void UvHost::on_turn() {
  if (!uv_is_active(busy_.any())) return;
  uv_idle_stop(busy_.get());
  commit();
  owner_.turn_ended();
  if (std::exchange(wants_more_, false)) step(Event::Kind::wake);
}

// ---- commits

void UvHost::commit() {
  if (batch_asked_ == 0 || job_ != nullptr || has_failed_ || uv_is_active(retry_.any())) return;
  if (flush_ == Flush::on_thread) {
    start_job();
  } else {
    const std::uint64_t batch = batch_asked_;
    [[maybe_unused]] const Status status = flushed(batch, store_.flush());
  }
}

void UvHost::start_job() {
  job_ = new Job;
  job_->work.data = job_;
  job_->store = &store_;
  job_->host = this;
  job_->batch = batch_asked_;
  uv_sem_init(&job_->done, 0);
  GRID_CHECK(uv_queue_work(loop_, &job_->work, &Job::run, &Job::end) == 0);
}

Status UvHost::finish_job() {
  Job* job = std::exchange(job_, nullptr);
  job->host = nullptr;
  if (job->status == Status::ok) owner_.flush_took(job->ns);
  return flushed(job->batch, job->status);
}

// What a flush of everything up to `batch` came to.
Status UvHost::flushed(std::uint64_t batch, Status status) {
  if (status == Status::ok) {
    store_.flushed();
    if (std::exchange(is_full_, false)) owner_.flush_trouble(Status::ok, "");
    if (batch_asked_ == batch) batch_asked_ = 0;
    if (batch_asked_ != 0) want_turn();
    step({.kind = Event::Kind::durable, .batch = batch});
  } else if (status == Status::full) {
    uv_timer_start(
        retry_.get(), [](uv_timer_t* timer) { static_cast<UvHost*>(timer->data)->want_turn(); }, kRetryMs, 0);
    if (!std::exchange(is_full_, true)) owner_.flush_trouble(status, store_.problem());
  } else {
    is_over_ = has_failed_ = true;
    owner_.flush_trouble(status, store_.problem());
  }
  return status;
}

Status UvHost::flush() {
  while (batch_asked_ != 0 && !has_failed_) {
    if (job_ != nullptr) {
      uv_sem_wait(&job_->done);
      GRID_TRY(finish_job());
    } else {
      const std::uint64_t batch = batch_asked_;
      GRID_TRY(flushed(batch, store_.flush()));
    }
  }
  return has_failed_ ? Status::io : Status::ok;
}

}  // namespace grid::port
