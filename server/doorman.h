// SPDX-License-Identifier: Apache-2.0
//
// Doorman: who is let in, who goes on under a newer token, and whose time is over.
//
// Place     Above permit.h and session.h, below coordinator.h, which has the links.
// Promises  SEC-1  A session ends when its token does, when its principal has no business here any more, and when what
//                  the principal may do has changed: the next one is told by cursors and comparisons what that comes to
//                  (PROTOCOL P2, P13).
#pragma once

#include <set>
#include <utility>

#include "runtime/action_list.h"
#include "server/permit.h"
#include "server/session.h"

namespace grid::server {

class Doorman {
 public:
  explicit Doorman(runtime::Random& random) : random_(random) {}

  // What the host has proven of a new link. Ends the session of who may not come in.
  void link_up(const runtime::Event& event, Permit& permit, Session& session);
  void link_down(runtime::LinkId link, const Permit& permit) { expiries_.erase({permit.expires_ms(), link}); }
  // An auth frame has come: the host is to prove what it has.
  void receive(runtime::LinkId link, Bytes frame, Permit& permit, Session& session, runtime::ActionList& actions);
  // It did, or did not; or says, unasked, that whoever is behind the link is that no more, or (busy) has to prove it
  // anew.
  void proven(const runtime::Event& event, Permit& permit, Session& session);
  // The rules have changed. True: the session ends.
  bool judge(Permit& permit, Session& session) { return note(permit.renew(), session); }

  // The next link whose token has expired; 0: none, or the time is not known.
  runtime::LinkId take_expired(std::uint64_t wall_ms);
  // In wall time.
  std::uint64_t next_expiry_ms() const { return expiries_.empty() ? runtime::kNever : expiries_.begin()->first; }

 private:
  bool note(Permit::Standing standing, Session& session);
  void ask_anew(Session& session, std::string_view reason);

  runtime::Random& random_;
  std::set<std::pair<std::uint64_t, runtime::LinkId>> expiries_;
};

}  // namespace grid::server
