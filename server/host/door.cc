// SPDX-License-Identifier: Apache-2.0

#include "server/host/door.h"

#include "ports/port.h"
#include "server/host/auth/enrolment.h"

namespace grid::server {

using transport::Admission;
using transport::LinkId;

Status Door::open(const AuthOptions& options, const std::string& data) { return auth_.open(options, data); }

Status Door::reload(const AuthOptions& options) {
  const Status status = auth_.reload(options);
  pass_on_complaints();
  return status;
}

void Door::pass_on_complaints() {
  for (const std::string& one : auth_.take_complaints()) owner_.say(one.c_str());
}

Admission Door::admit(const transport::Caller& caller) {
  if (!is_locked()) return {};
  const Verdict verdict =
      auth_.judge({.token = caller.bearer, .subject = caller.subject}, port::monotonic_ms(), port::wall_ms());
  pass_on_complaints();
  if (verdict.ok()) {
    const Bytes claims = as_bytes(verdict.proven.claims);
    return {.identity = verdict.proven.name, .claims = {claims.begin(), claims.end()}};
  }
  owner_.refused(caller.address, verdict.reason);
  if (verdict.status == Status::busy) return {.status = transport::kUnavailable, .sentence = verdict.reason};
  if (caller.bearer.empty() && caller.subject.empty()) {
    return {.status = transport::kUnauthorized, .sentence = "a token is needed here"};
  }
  return {.status = transport::kUnauthorized, .sentence = "the token or certificate is not accepted here"};
}

Verdict Door::prove(LinkId link, std::string_view token) {
  const auto inside = inside_.find(link);
  Verdict verdict = auth_.judge({.token = token, .subject = {}}, port::monotonic_ms(), port::wall_ms());
  pass_on_complaints();
  if (inside == inside_.end()) return Verdict::refuse("its link is gone");
  if (verdict.ok() && verdict.proven.name != inside->second) {
    verdict = Verdict::refuse("it shows the token of " + verdict.proven.name);
  }
  if (!verdict.ok()) owner_.refused(inside->second, verdict.reason);
  return verdict;
}

void Door::entered(LinkId link, std::string_view identity) {
  if (is_locked()) inside_[link] = identity;
}

void Door::left(LinkId link) { inside_.erase(link); }

AdminAnswer Door::answer(const crdt::Value& question) {
  std::string ended;
  AdminAnswer answer = answer_enrolment(question, auth_.device_tokens(), port::wall_ms(), ended);
  if (!ended.empty()) end_sessions_of(ended);
  return answer;
}

// The owner may let go of links meanwhile.
void Door::end_sessions_of(const std::string& identity) {
  std::vector<LinkId> links;
  for (const auto& [link, inside] : inside_) {
    if (inside == identity) links.push_back(link);
  }
  for (const LinkId link : links) owner_.end_link(link, identity);
  owner_.end_requests(identity);
}

void Door::save() {
  DeviceTokens& tokens = auth_.device_tokens();
  if (tokens.has_unsaved() && tokens.save() != Status::ok) owner_.say(tokens.problem().c_str());
}

}  // namespace grid::server
