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
  note_refusal(caller.address, verdict);
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
  if (!verdict.ok()) note_refusal(inside->second + ", in session", verdict);
  return verdict;
}

void Door::note_refusal(std::string_view who, const Verdict& verdict) {
  const std::uint64_t now_ms = port::monotonic_ms();
  if (refusals_ == 0 || now_ms - refusals_since_ms_ >= kRefusalsMs) {
    if (refusals_ > kRefusalsMax) {
      owner_.say((std::to_string(refusals_ - kRefusalsMax) + " more were refused, and are not told of").c_str());
    }
    refusals_since_ms_ = now_ms;
    refusals_ = 0;
  }
  if (++refusals_ > kRefusalsMax) return;
  owner_.say(std::string("refused ").append(who).append(": ").append(verdict.reason).c_str());
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
