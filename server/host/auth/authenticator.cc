// SPDX-License-Identifier: Apache-2.0

#include "server/host/auth/authenticator.h"

#include <algorithm>
#include <utility>

namespace grid::server {

Status Authenticator::refuse(Status status, const std::string& problem) {
  problem_ = problem;
  return status;
}

Status Authenticator::prepare(const AuthOptions& options, Plan& plan) {
  for (const std::string& role : options.default_roles) {
    if (!is_role(role)) return refuse(Status::invalid, "the role \"" + role + "\" that everybody has is none");
  }
  for (const std::string& rule : options.certificates) GRID_TRY(plan.certificates.add(rule, problem_));
  JwtOptions jwt = options.jwt;
  jwt.rules.default_roles = options.default_roles;
  JwtJudge judge(jwt);
  const Status read = jwt.is_on() ? judge.reload(plan.complaints) : Status::ok;
  if (read != Status::ok && judge.key_count() == 0) return refuse(read, plan.complaints.front());
  plan.options = options;
  if (jwt.is_on()) plan.jwt.emplace(std::move(judge));
  return Status::ok;
}

bool Authenticator::Withdrawn::has(std::string_view way) const {
  if (way == kDeviceWay) return all || devices;
  if (way == kCertificateWay) return all || certificates;
  if (!way.starts_with(kTokenWay)) return false;
  const std::string_view mark = way.substr(kTokenWay.size());
  return all || tokens || std::find(serving.begin(), serving.end(), mark) == serving.end();
}

Authenticator::Withdrawn Authenticator::adopt(Plan&& plan) {
  Withdrawn gone{.all = plan.options.default_roles != options_.default_roles,
                 .devices = options_.device_tokens && !plan.options.device_tokens,
                 .certificates = plan.options.certificates != options_.certificates};
  gone.tokens = jwt_.has_value() && plan.jwt.has_value() && !plan.jwt->has_rules_of(*jwt_);
  // The ring that runs is no measure of what has left: it is read anew at a token of an unknown kid.
  if (plan.jwt.has_value()) gone.serving = plan.jwt->marks();
  options_ = std::move(plan.options);
  certificates_ = std::move(plan.certificates);
  jwt_.reset();
  if (plan.jwt.has_value()) jwt_.emplace(std::move(*plan.jwt));
  for (std::string& one : plan.complaints) complaints_.push_back(std::move(one));
  return gone;
}

// At a start nothing may be wrong; a gateway that runs does not stop over one bad key.
Status Authenticator::open(const AuthOptions& options, const std::string& data) {
  Plan plan;
  GRID_TRY(prepare(options, plan));
  if (!plan.complaints.empty()) return refuse(Status::invalid, plan.complaints.front());
  adopt(std::move(plan));
  const Status opened = tokens_.open(DeviceTokens::file_in(data));
  return opened == Status::ok ? opened : refuse(opened, tokens_.problem());
}

std::uint64_t Authenticator::known_ms(std::uint64_t now_ms, std::uint64_t wall_ms) {
  if (wall_ms != 0) known_wall_ms_ = wall_ms, known_at_ms_ = now_ms;
  return known_wall_ms_ == 0 ? 0 : known_wall_ms_ + (now_ms - known_at_ms_);
}

Verdict Authenticator::judge(const Credentials& shown, std::uint64_t now_ms, std::uint64_t wall_ms) {
  const std::uint64_t time_ms = known_ms(now_ms, wall_ms);
  if (shown.token.empty() && shown.subject.empty()) return Verdict::refuse("it shows no token");
  if (shown.token.empty()) {
    if (!certificates_.is_on()) return Verdict::refuse("it shows a certificate only, and none is taken here");
    Verdict verdict = judge_unreserved(certificates_.judge(shown.subject, options_.default_roles));
    verdict.way = kCertificateWay;
    return verdict;
  }
  if (DeviceTokens::is_device_token(shown.token)) return judge_device(shown.token, time_ms);
  if (!jwt_.has_value()) return Verdict::refuse("it shows a token that is no device's, and no others are taken here");
  return judge_unreserved(jwt_->judge(shown.token, now_ms, time_ms));
}

Verdict Authenticator::judge_device(std::string_view token, std::uint64_t wall_ms) {
  if (!options_.device_tokens) return Verdict::refuse("it shows a device's token, and none is taken here");
  if (token.size() > kTokenBytesMax) return Verdict::refuse("its token is too long");
  Enrolled* const found = tokens_.find(token);
  if (found == nullptr) return Verdict::refuse("its device's token is not of this gateway, or was renewed since");
  if (found->is_revoked()) return Verdict::refuse(found->name + " was revoked");
  if (found->expires_ms != 0 && wall_ms == 0) return Verdict::unknown_time();
  if (found->has_expired(wall_ms)) return Verdict::refuse("the token of " + found->name + " has expired");
  if (wall_ms != 0) tokens_.note_seen(*found, wall_ms);
  std::vector<std::string> roles = options_.default_roles;
  for (const std::string& role : found->roles) {
    if (std::find(roles.begin(), roles.end(), role) == roles.end()) roles.push_back(role);
  }
  return {.status = Status::ok,
          .reason = {},
          .proven = make_proven(found->name, roles, found->expires_ms / 1'000),
          .way = std::string(kDeviceWay)};
}

// A name that was enrolled here, revoked or not, is proven by its own token alone.
Verdict Authenticator::judge_unreserved(Verdict verdict) const {
  if (!verdict.ok() || tokens_.find_name(verdict.proven.name) == nullptr) return verdict;
  return Verdict::refuse("it is named " + verdict.proven.name + ", as a device that is enrolled here");
}

std::vector<std::string> Authenticator::take_complaints() {
  std::vector<std::string> all = std::exchange(complaints_, {});
  if (!jwt_.has_value()) return all;
  for (std::string& one : jwt_->take_complaints()) all.push_back(std::move(one));
  return all;
}

}  // namespace grid::server
