// SPDX-License-Identifier: Apache-2.0

#include "server/host/auth/enrolment.h"

#include <array>

#include "ports/port.h"

namespace grid::server {

using crdt::Value;

namespace {

AdminAnswer outcome(Status status, const DeviceTokens& tokens) {
  return status == Status::ok ? AdminAnswer{} : AdminAnswer::refuse(status, tokens.problem());
}

AdminAnswer enroll(const Value& question, DeviceTokens& tokens, std::uint64_t wall_ms, std::string& ended) {
  Enrolled one{.name = std::string(question["name"].text_or({})), .enrolled_ms = wall_ms};
  for (Value::Walk walk(question["roles"]); walk.next();) one.roles.emplace_back(walk.value().text_or({}));
  const std::int64_t lasts_ms = question["expires_ms"].integer_or(0);
  if (lasts_ms < 0) return AdminAnswer::refuse(Status::invalid, "a token can't expire in the past");
  if (lasts_ms > 0 && wall_ms == 0) {
    return AdminAnswer::refuse(Status::busy, "this machine does not know the time, and so can't say when that will be");
  }
  if (lasts_ms > 0) one.expires_ms = wall_ms + static_cast<std::uint64_t>(lasts_ms);
  const bool is_known = tokens.find_name(one.name) != nullptr;
  std::array<std::uint8_t, DeviceTokens::kSecretBytes> secret{};
  port::entropy(secret);
  const Result<std::string> token = tokens.enroll(one, secret, question["renew"].truth_or(false));
  if (!token.ok()) return outcome(token.status(), tokens);
  if (is_known) ended = one.name;
  std::string line = line_of(*tokens.find_name(one.name), false);
  line.back() = ',';
  return {.lines = line + "\"token\":\"" + *token + "\"}\n"};
}

}  // namespace

bool is_enrolment(std::string_view verb) {
  return verb == "enroll" || verb == "tokens" || verb == "revoke" || verb == "forget";
}

AdminAnswer answer_enrolment(const Value& question, DeviceTokens& tokens, std::uint64_t wall_ms, std::string& ended) {
  const std::string_view verb = question["verb"].text_or({});
  if (verb == "enroll") return enroll(question, tokens, wall_ms, ended);
  if (verb == "tokens") {
    AdminAnswer answer;
    for (const auto& [name, one] : tokens.all()) answer.lines.append(line_of(one, false)).push_back('\n');
    return answer;
  }
  const std::string_view name = question["name"].text_or({});
  const Status status = verb == "revoke" ? tokens.revoke(name, wall_ms) : tokens.forget(name);
  if (status == Status::ok) ended = name;
  return outcome(status, tokens);
}

}  // namespace grid::server
