// SPDX-License-Identifier: Apache-2.0

#include "server/host/engine.h"

#include <utility>

#include "server/host/quiet_thread.h"

namespace grid::server {

namespace {

uv_loop_t* begun(uv_loop_t* loop) {
  uv_loop_init(loop);
  return loop;
}

}  // namespace

Engine::Engine(uv_loop_t* network, bool has_thread, Owner& owner)
    : owner_(owner),
      has_thread_(has_thread),
      loop_(has_thread ? begun(&own_) : network),
      at_network_(
          network, [](void* self) { static_cast<Engine*>(self)->hear(); }, this),
      at_engine_(
          std::in_place, loop_, [](void* self) { static_cast<Engine*>(self)->work(); }, this),
      inbox_({}, *at_engine_, at_network_),
      outbox_({}, at_network_, *at_engine_) {
  tenants_.emplace(loop_, outbox_);
  if (has_thread_) thread_ = quiet_thread([this] { run(); });
}

Engine::~Engine() {
  if (!is_over_) [[maybe_unused]]
    const Status status = stop();
}

bool Engine::post(Letter letter) {
  if (is_over_ || inbox_.post(std::move(letter))) return true;
  owes_room_ = true;
  return false;
}

void Engine::run() {
  uv_run(loop_, UV_RUN_DEFAULT);
  stopped_ = end();
  uv_run(loop_, UV_RUN_DEFAULT);
  uv_loop_close(loop_);
}

Status Engine::end() {
  const Status status = tenants_->stop();
  tenants_.reset();
  at_engine_.reset();
  return status;
}

Status Engine::stop() {
  if (std::exchange(is_over_, true)) return stopped_;
  inbox_.post({.kind = Letter::Kind::stop});
  if (has_thread_) {
    thread_.join();
  } else {
    Letter letter;
    while (inbox_.take(letter)) tenants_->deliver(std::move(letter));
    stopped_ = end();
  }
  return stopped_;
}

void Engine::work() {
  const std::uint64_t asked = asked_;
  if (turned_.exchange(asked) != asked) at_network_.ring();
  const std::uint64_t until_ns = uv_hrtime() + kTurnNs;
  const auto may_go_on = [&](int letters) { return letters < kLettersATurn && uv_hrtime() < until_ns; };
  Letter letter;
  int letters = 0;
  for (; may_go_on(letters) && inbox_.take(letter); ++letters) {
    if (letter.kind == Letter::Kind::stop) return uv_stop(loop_);
    tenants_->deliver(std::move(letter));
  }
  if (!may_go_on(letters)) at_engine_->ring();
  if (!outbox_.is_full()) tenants_->go_on();
}

void Engine::hear() {
  Letter letter;
  int letters = 0;
  for (; !is_over_ && letters < kLettersATurn && outbox_.take(letter); ++letters) owner_.arrived(std::move(letter));
  if (is_over_) return;
  if (letters == kLettersATurn) at_network_.ring();
  if (!owes_room_ || inbox_.is_full()) return;
  owes_room_ = false;
  owner_.has_room();
}

void Engine::ask_turn() {
  if (std::exchange(is_asked_, true)) return;
  ++asked_;
  at_engine_->ring();
}

EngineFigures Engine::figures() const {
  return {.apps = apps_,
          .in = inbox_.depth(),
          .out = outbox_.depth(),
          .in_waits = &inbox_.waits(),
          .out_waits = &outbox_.waits()};
}

}  // namespace grid::server
