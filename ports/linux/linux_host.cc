// SPDX-License-Identifier: Apache-2.0

#include <csignal>
#include <utility>

#include "ports/linux/linux_host_impl.h"

namespace grid {

LinuxHost::Impl::Impl() : loop_(new uv_loop_t) {
  uv_loop_init(loop_);
  interrupt_.emplace();
  terminate_.emplace();
  deadline_.emplace();
  wake_.emplace();
  attending_.emplace();
  expiring_.emplace();
  renewing_.emplace();
  uv_timer_init(loop_, renewing_->get());
  renewing_->get()->data = this;
  uv_timer_init(loop_, attending_->get());
  attending_->get()->data = this;
  uv_timer_init(loop_, expiring_->get());
  expiring_->get()->data = this;
  uv_signal_init(loop_, interrupt_->get());
  uv_signal_init(loop_, terminate_->get());
  uv_timer_init(loop_, deadline_->get());
  uv_async_init(loop_, wake_->get(), [](uv_async_t* wake) { static_cast<Impl*>(wake->data)->run_posted(); });
  interrupt_->get()->data = terminate_->get()->data = wake_->get()->data = this;
}

LinuxHost::Impl::~Impl() {
  close();
  interrupt_.reset();
  terminate_.reset();
  deadline_.reset();
  wake_.reset();
  attending_.reset();
  expiring_.reset();
  renewing_.reset();
  constexpr int kTurns = 10;
  for (int turn = 0; turn < kTurns; ++turn) {
    uv_run(loop_, UV_RUN_NOWAIT);
    if (uv_loop_close(loop_) != 0) continue;
    delete loop_;
    return;
  }
  // A lookup of a name is under way: it can't be cancelled, and may take a minute. Its loop is left to it.
}

void LinuxHost::Impl::watch_signals() {
  const auto note = [](uv_signal_t* signal, int) { static_cast<Impl*>(signal->data)->is_interrupted_ = true; };
  uv_signal_start(interrupt_->get(), note, SIGINT);
  uv_signal_start(terminate_->get(), note, SIGTERM);
}

void LinuxHost::Impl::ignore_signals() {
  uv_signal_stop(interrupt_->get());
  uv_signal_stop(terminate_->get());
}

void LinuxHost::Impl::post(void (*work)(void*), void* context) {
  const std::lock_guard lock(posted_mutex_);
  posted_.push_back({work, context});
  uv_async_send(wake_->get());
}

void LinuxHost::Impl::run_posted() {
  std::vector<Posted> posted;
  {
    const std::lock_guard lock(posted_mutex_);
    posted.swap(posted_);
  }
  for (const Posted& one : posted) one.work(one.context);
}

// ---- the public face

LinuxHost::LinuxHost() : impl_(std::make_unique<Impl>()) {}

LinuxHost::~LinuxHost() = default;

Node* LinuxHost::open(const LinuxOptions& options) { return impl_->open(options); }

Status LinuxHost::status() const { return impl_->status(); }

bool LinuxHost::wait(const Write& write, Outcome outcome, std::uint64_t timeout_ms) {
  if (write.status() != Status::ok) return false;
  Outcome reached = Outcome::pending;
  impl_->run_until(
      [&] {
        reached = write.outcome();
        return reached == outcome || reached > Outcome::applied || impl_->has_failed();
      },
      timeout_ms, Impl::Signals::heeded);
  return reached == outcome || (outcome == Outcome::applied && reached == Outcome::durable);
}

bool LinuxHost::wait_for(Done done, void* context, std::uint64_t timeout_ms) {
  bool is_done = false;
  impl_->run_until(
      [&] {
        const runtime::ReplicaStatus status = impl_->replica_status();
        is_done = done(context, status);
        return is_done || status.state == SyncState::error;
      },
      timeout_ms, Impl::Signals::heeded);
  return is_done;
}

bool LinuxHost::settle(std::uint64_t timeout_ms) {
  const crdt::Seq through = impl_->replica_status().head;
  return wait_until(
      [through](const runtime::ReplicaStatus& status) { return status.ops_pending == 0 || status.durable >= through; },
      timeout_ms);
}

Status LinuxHost::flush() { return impl_->flush(); }

Status LinuxHost::show_token(std::string_view token) { return impl_->show_token(token); }

void LinuxHost::run() {
  impl_->run_until([this] { return impl_->has_failed(); }, runtime::kNever, Impl::Signals::heeded);
  impl_->take_stop();
  [[maybe_unused]] const Status status = impl_->flush();  // problem() says what became of it.
}

void LinuxHost::run_for(std::uint64_t ms) {
  impl_->run_until([] { return false; }, ms, Impl::Signals::left_alone);
  impl_->take_stop();
}

void LinuxHost::stop() { impl_->stop(); }

void LinuxHost::post(void (*work)(void*), void* context) { impl_->post(work, context); }

const char* LinuxHost::problem() const { return impl_->problem(); }

const char* LinuxHost::refusal() const { return impl_->refusal(); }

uv_loop_s* LinuxHost::loop() { return impl_->loop(); }

}  // namespace grid
