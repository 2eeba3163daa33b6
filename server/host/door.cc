// SPDX-License-Identifier: Apache-2.0

#include "server/host/door.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "ports/port.h"
#include "server/host/auth/enrolment.h"

namespace grid::server {

using transport::Admission;
using transport::LinkId;

namespace {

// An address, or this machine by its own name: what no foreign name server can lead here.
bool is_own_name(std::string_view host) {
  const std::size_t port = host.rfind(':');
  if (port != std::string_view::npos && host.find(']', port) == std::string_view::npos) host = host.substr(0, port);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  std::uint8_t address[sizeof(in6_addr)];
  const std::string name(host);
  return name.empty() || name == "localhost" || name.ends_with(".localhost") ||
         ::inet_pton(AF_INET, name.c_str(), address) == 1 || ::inet_pton(AF_INET6, name.c_str(), address) == 1;
}

}  // namespace

Status Door::open(const AuthOptions& options, const std::string& data) { return auth_.open(options, data); }

// The owner may let go of links meanwhile.
void Door::adopt(Authenticator::Plan&& plan) {
  const Authenticator::Withdrawn gone = auth_.adopt(std::move(plan));
  pass_on_complaints();
  const std::map<LinkId, Guest> inside = inside_;
  for (const auto& [link, guest] : inside) {
    if (gone.has(guest.way)) owner_.ask_anew(link);
  }
  owner_.end_requests_of(gone);
}

void Door::pass_on_complaints() {
  for (const std::string& one : auth_.take_complaints()) owner_.say(one.c_str());
}

bool Door::knows(const transport::Caller& caller) {
  std::string way;
  const bool is_mute = is_locked() && caller.bearer.empty() && caller.subject.empty();
  return !is_mute && admit(caller, way).status == transport::kAdmitted;
}

// In front of the claims stand the bytes of the way, and how many they are: 2 bytes.
Admission Door::admit_link(const transport::Caller& caller) {
  std::string way;
  Admission admission = admit(caller, way);
  const auto size = static_cast<std::uint16_t>(way.size());
  const std::uint8_t head[] = {static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size & 0xff)};
  const Bytes bytes = as_bytes(way);
  admission.claims.insert(admission.claims.begin(), bytes.begin(), bytes.end());
  admission.claims.insert(admission.claims.begin(), std::begin(head), std::end(head));
  return admission;
}

Admission Door::admit(const transport::Caller& caller, std::string& way) {
  if (!is_locked()) {
    // A page of another site that has its own name lead here (DNS rebinding) is no neighbour.
    if (is_own_name(caller.host)) return {};
    owner_.refused(caller.address, "it asks for a gateway of another name, and this one asks nobody who they are");
    return {.status = transport::kForbidden, .sentence = "say localhost, or this machine's address"};
  }
  const Verdict verdict =
      auth_.judge({.token = caller.bearer, .subject = caller.subject}, port::monotonic_ms(), port::wall_ms());
  pass_on_complaints();
  if (verdict.ok()) {
    way = verdict.way;
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
  if (verdict.ok() && verdict.proven.name != inside->second.identity) {
    verdict = Verdict::refuse("it shows the token of " + verdict.proven.name);
  }
  if (!verdict.ok()) owner_.refused(inside->second.identity, verdict.reason);
  if (verdict.ok()) inside->second.way = verdict.way;
  return verdict;
}

Bytes Door::entered(LinkId link, std::string_view identity, Bytes claims) {
  const std::size_t size = static_cast<std::size_t>(claims[0]) << 8 | claims[1];
  if (is_locked()) inside_[link] = {std::string(identity), std::string(as_text(claims.subspan(2, size)))};
  return claims.subspan(2 + size);
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
    if (inside.identity == identity) links.push_back(link);
  }
  for (const LinkId link : links) owner_.end_link(link, identity);
  owner_.end_requests(identity);
}

void Door::save() {
  DeviceTokens& tokens = auth_.device_tokens();
  if (tokens.has_unsaved() && tokens.save() != Status::ok) owner_.say(tokens.problem().c_str());
}

}  // namespace grid::server
