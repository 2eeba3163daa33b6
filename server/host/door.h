// SPDX-License-Identifier: Apache-2.0
//
// Door: who is let in to a gateway, who is in, and who has to go: what gateway.h asks about identities.
//
// Place     Above auth/authenticator.h, below gateway.h. Knows links by number; no app, no session.
// Promises  A refusal tells the peer that it was refused, and its owner why; no token is in either.
// Threads   One: the loop's.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "server/host/admin_desk.h"
#include "server/host/auth/authenticator.h"
#include "transport/lws/admission.h"
#include "transport/lws/link_listener.h"

namespace grid::server {

class Door {
 public:
  class Owner {
   public:
    virtual void say(const char* line) = 0;
    // Somebody was not let in, or is not to stay: an address or a name.
    virtual void refused(std::string_view who, std::string_view why) = 0;
    // Whoever comes in over this link is not who was let in any more.
    virtual void end_link(transport::LinkId link, std::string_view identity) = 0;
    // Who may come in has changed: this link is to end, and to prove anew who it is.
    virtual void ask_anew(transport::LinkId link) = 0;
    // The same of what they have asked by HTTP.
    virtual void end_requests(std::string_view identity) = 0;
    // And of what was asked by whoever came in by a way that is withdrawn, with a link or without.
    virtual void end_requests_of(const Authenticator::Withdrawn& gone) = 0;

   protected:
    ~Owner() = default;
  };

  explicit Door(Owner& owner) : owner_(owner) {}

  // As Authenticator::open().
  Status open(const AuthOptions& options, const std::string& data);
  bool is_locked() const { return auth_.is_on(); }
  // As Authenticator::prepare().
  Status prepare(const AuthOptions& options, Authenticator::Plan& plan) { return auth_.prepare(options, plan); }
  // Goes by it. Who has come in by a way that is withdrawn is to come anew.
  void adopt(Authenticator::Plan&& plan);

  // Without authentication everybody is let in, as nobody. `way`: by what; empty: by nothing.
  transport::Admission admit(const transport::Caller& caller, std::string& way);
  // Whether it may be told more than anybody: who shows nothing is not refused for that.
  bool knows(const transport::Caller& caller);
  // A newer token of who is behind this link.
  Verdict prove(transport::LinkId link, std::string_view token);

  // The same of one who wants a link: the claims come with what the door has to know, and go through entered().
  transport::Admission admit_link(const transport::Caller& caller);
  // The claims alone.
  Bytes entered(transport::LinkId link, std::string_view identity, Bytes claims);
  void left(transport::LinkId link);

  // Questions about enrolments, which end sessions.
  AdminAnswer answer(const crdt::Value& question);
  // Saves what is better not lost; now and then, and at the end.
  void save();

  const std::string& problem() const { return auth_.problem(); }

 private:
  void pass_on_complaints();
  void end_sessions_of(const std::string& identity);

  Owner& owner_;
  Authenticator auth_;
  struct Guest {
    std::string identity, way;
  };

  std::map<transport::LinkId, Guest> inside_;
};

}  // namespace grid::server
