// SPDX-License-Identifier: Apache-2.0

#include "server/doorman.h"

#include <utility>

#include "transport/wire_auth.h"

namespace grid::server {

using runtime::Action;
using runtime::Event;
using runtime::LinkId;

void Doorman::link_up(const Event& event, Permit& permit, Session& session) {
  const Permit::Standing standing = permit.take(event.identity, event.bytes);
  if (standing == Permit::Standing::gone) return session.end(Status::denied, "whoever this is may not come in here");
  if (permit.expires_ms() != runtime::kNever) expiries_.emplace(permit.expires_ms(), event.link);
}

// Only who has proven to be somebody can do so anew, and one token at a time: each costs the host some arithmetic.
void Doorman::receive(LinkId link, Bytes frame, Permit& permit, Session& session, runtime::ActionList& actions) {
  const Result<std::string_view> token = wire::decode_auth(frame);
  if (!token.ok() || permit.identity().empty()) return session.refuse(wire::Kind::auth, Status::corrupt);
  if (permit.is_proving) return session.end(Status::busy, "one token at a time");
  permit.is_proving = true;
  actions.add({.kind = Action::Kind::prove, .link = link, .text = *token});
}

void Doorman::proven(const Event& event, Permit& permit, Session& session) {
  const bool was_asked = std::exchange(permit.is_proving, false);
  if (event.status == Status::busy) return ask_anew(session, "who may come in has changed: connect again");
  if (event.status != Status::ok) {
    return session.end(Status::denied, was_asked ? "the token is not accepted" : "access was withdrawn");
  }
  if (!was_asked) return;
  if (event.identity != permit.identity()) return session.end(Status::denied, "the token is somebody else's");
  link_down(event.link, permit);
  const Permit::Standing standing = permit.take(event.identity, event.bytes);
  if (permit.expires_ms() != runtime::kNever) expiries_.emplace(permit.expires_ms(), event.link);
  note(standing, session);
}

// They don't all come back at once.
void Doorman::ask_anew(Session& session, std::string_view reason) {
  constexpr std::uint64_t kSpreadMs = 2'000;
  session.end(Status::busy, reason, static_cast<std::uint32_t>(100 + random_.id() % kSpreadMs));
}

bool Doorman::note(Permit::Standing standing, Session& session) {
  if (standing == Permit::Standing::same) return false;
  if (standing == Permit::Standing::gone) {
    session.end(Status::denied, "access was withdrawn");
  } else {
    ask_anew(session, "what you may do has changed: connect again");
  }
  return true;
}

LinkId Doorman::take_expired(std::uint64_t wall_ms) {
  if (wall_ms == 0 || next_expiry_ms() > wall_ms) return 0;
  const LinkId link = expiries_.begin()->second;
  expiries_.erase(expiries_.begin());
  return link;
}

}  // namespace grid::server
