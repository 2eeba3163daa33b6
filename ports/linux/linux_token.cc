// SPDX-License-Identifier: Apache-2.0
//
// LinuxHost::Impl: who this node says it is: the token of its links, newer ones in session, and what a refusal means.

#include <utility>

#include "ports/linux/linux_host_impl.h"
#include "ports/port.h"
#include "transport/wire_auth.h"

namespace grid {

using runtime::Call;
using runtime::Event;

namespace {

constexpr unsigned kUnauthorized = 401;
constexpr unsigned kForbidden = 403;

}  // namespace

void LinuxHost::Impl::on_refused(transport::LinkId, unsigned status) { refused_with_ = status; }

// Whether the server did not let the last link open because of who this node is; says so.
bool LinuxHost::Impl::was_refused() {
  const unsigned status = std::exchange(refused_with_, 0);
  if (status != kUnauthorized && status != kForbidden) return false;
  const std::string answer = " (" + std::to_string(status) + ")";
  if (!credential_.is_set()) {
    problem_ = options_.server + " wants to know who this is, and there is no token" + answer;
  } else if (status == kUnauthorized) {
    problem_ =
        options_.server + " does not accept the token" + answer + ": it has expired, was revoked, or is not for it";
  } else {
    problem_ = options_.server + " accepts the token, and does not let its owner in" + answer;
  }
  credential_.refused(port::monotonic_ms());
  return true;
}

// A server that knows what a token is has been greeted.
bool LinuxHost::Impl::may_show() const { return connected_ != 0 && (replica_->features() & wire::kFeatureAuth) != 0; }

std::optional<std::size_t> LinuxHost::Impl::write_token(MutBytes room) {
  is_token_due_ = false;
  links_->want_write(connected_);  // The machine may have asked for this one.
  const Result<Bytes> frame = wire::encode_auth(credential_.show(), room);
  return frame.ok() ? std::optional(frame->size()) : std::nullopt;
}

Status LinuxHost::Impl::show_token(std::string_view token) {
  if (!node_.has_value()) return refuse(Status::invalid, "there is no node to show a token for");
  if (credential_.take(token) != Status::ok) return refuse(Status::invalid, credential_.problem());
  mind_token();
  return Status::ok;
}

void LinuxHost::Impl::show_newer_token() {
  if (may_show()) {
    is_token_due_ = true;
    links_->want_write(connected_);
  } else if (credential_.is_refused() && replica_status().reason == StateReason::denied) {
    try_again_now();
  }
}

// Going off the net and on again forgets how long was to be waited.
void LinuxHost::Impl::try_again_now() {
  using Verb = Call::Verb;
  give_up_connecting();
  for (const Verb verb : {Verb::offline, Verb::online}) {
    Call call{.verb = verb};
    host_->step({.kind = Event::Kind::call, .call = &call});
  }
}

// After whatever may have changed how the server takes the token.
void LinuxHost::Impl::mind_token() {
  if (!credential_.is_set() || has_failed()) return;
  const runtime::ReplicaStatus status = replica_status();
  if (status.reason == StateReason::denied && !credential_.is_refused()) credential_.refused(port::monotonic_ms());
  if (connected_ != 0 && replica_->features() != 0) credential_.accepted();
  turn_token();
}

void LinuxHost::Impl::turn_token() {
  const std::uint64_t now_ms = port::monotonic_ms();
  if (node_.has_value() && credential_.turn(now_ms, port::wall_ms())) show_newer_token();
  const std::uint64_t at_ms = credential_.wake_at_ms();
  uv_timer_stop(renewing_->get());
  if (at_ms == runtime::kNever) return;
  uv_timer_start(
      renewing_->get(), [](uv_timer_t* timer) { static_cast<Impl*>(timer->data)->turn_token(); },
      at_ms > now_ms ? at_ms - now_ms : 0, 0);
}

}  // namespace grid
