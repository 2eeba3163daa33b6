// SPDX-License-Identifier: Apache-2.0

#include "server/host/auth/claims.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "transport/json/base64.h"
#include "transport/json/value_json.h"

namespace grid::server {

using crdt::Value;
using crdt::ValueKind;
using crdt::ValueWriter;

namespace {

// The year 9999: beyond it, no date of any library is sure.
constexpr std::int64_t kTimeMaxS = 253'402'300'799;

// Of a NumericDate (RFC 7519, section 2), whole seconds; fractions are left out.
bool read_time(const Value& value, std::int64_t& time_s) {
  if (value.kind() != ValueKind::integer && value.kind() != ValueKind::number) return false;
  const double number = value.number_or(-1);
  if (!std::isfinite(number) || number < 0 || number > static_cast<double>(kTimeMaxS)) return false;
  time_s = static_cast<std::int64_t>(number);
  return true;
}

std::string seconds(std::uint64_t count) { return std::to_string(count) + " s"; }

bool names(const Value& audience, std::string_view wanted) {
  if (audience.kind() == ValueKind::text) return audience.text_or({}) == wanted;
  for (Value::Walk walk(audience); walk.next();) {
    if (walk.value().kind() == ValueKind::text && walk.value().text_or({}) == wanted) return true;
  }
  return false;
}

Value at_path(Value value, std::string_view path) {
  for (;;) {
    const std::size_t dot = path.find('.');
    value = value[path.substr(0, dot)];
    if (dot == std::string_view::npos) return value;
    path.remove_prefix(dot + 1);
  }
}

bool add_role(std::string_view role, std::vector<std::string>& roles) {
  if (!is_role(role)) return false;
  if (std::find(roles.begin(), roles.end(), role) == roles.end()) roles.emplace_back(role);
  return roles.size() <= kRolesMax;
}

bool read_roles(const Value& value, std::vector<std::string>& roles) {
  if (!value.exists() || value.kind() == ValueKind::null) return true;
  if (value.kind() == ValueKind::list) {
    for (Value::Walk walk(value); walk.next();) {
      if (walk.value().kind() != ValueKind::text || !add_role(walk.value().text_or({}), roles)) return false;
    }
    return true;
  }
  if (value.kind() != ValueKind::text) return false;
  for (std::string_view rest = value.text_or({}); !rest.empty();) {
    const std::size_t blank = rest.find(' ');
    if (blank != 0 && !add_role(rest.substr(0, blank), roles)) return false;
    rest.remove_prefix(blank == std::string_view::npos ? rest.size() : blank + 1);
  }
  return true;
}

void write_roles(ValueWriter& writer, std::span<const std::string> roles) {
  writer.field("roles");
  writer.begin_list();
  for (const std::string& role : roles) writer.text(role);
  writer.end_list();
}

// Null: its times, its issuer and its audience are as they must be.
std::string judge_times(const Value& claims, const JwtRules& rules, std::uint64_t now_ms, std::uint64_t& expires_s) {
  std::int64_t exp_s = 0, nbf_s = 0;
  if (!claims["exp"].exists()) return "it has no exp: a token must end";
  if (!read_time(claims["exp"], exp_s)) return "its exp is no time";
  if (claims["nbf"].exists() && !read_time(claims["nbf"], nbf_s)) return "its nbf is no time";
  const std::uint64_t now_s = now_ms / 1'000;
  expires_s = static_cast<std::uint64_t>(exp_s) + rules.leeway_s;
  if (expires_s <= now_s) return "it expired " + seconds(now_s - static_cast<std::uint64_t>(exp_s)) + " ago";
  const std::uint64_t begins_s = static_cast<std::uint64_t>(nbf_s);
  if (begins_s > now_s + rules.leeway_s) return "it is not valid before another " + seconds(begins_s - now_s);
  return {};
}

std::string judge_parties(const Value& claims, const JwtRules& rules) {
  const Value issuer = claims["iss"], audience = claims["aud"];
  if (!rules.issuer.empty() && (issuer.kind() != ValueKind::text || issuer.text_or({}) != rules.issuer)) {
    return "its iss is not the configured issuer";
  }
  if (rules.audience.empty() && audience.exists()) return "it is for an audience, and none is configured here";
  if (!rules.audience.empty() && !names(audience, rules.audience)) return "its aud does not name this gateway";
  if (claims["sub"].kind() != ValueKind::text || !is_principal_name(claims["sub"].text_or({}))) {
    return "its sub is no name of 1 to " + std::to_string(kPrincipalNameBytesMax) + " bytes";
  }
  return {};
}

// As it was said, but for what this gateway has made of it.
std::string settled(const Value& claims, std::span<const std::string> roles, std::uint64_t expires_s) {
  std::string room(claims.canonical().size() + 64 + kRolesMax * (kRoleBytesMax + 4), '\0');
  ValueWriter writer({reinterpret_cast<std::uint8_t*>(room.data()), room.size()});
  writer.begin_record();
  for (Value::Walk walk(claims); walk.next();) {
    if (walk.name() == "roles" || walk.name() == "exp") continue;
    writer.field(walk.name());
    writer.copy_of(walk.value());
  }
  writer.field("exp");
  writer.integer(static_cast<std::int64_t>(expires_s));
  write_roles(writer, roles);
  writer.end_record();
  const Result<Bytes> written = writer.finish();
  return written.ok() ? std::string(as_text(*written)) : std::string();
}

}  // namespace

Verdict judge_claims(std::string_view payload, const JwtRules& rules, std::uint64_t now_ms) {
  std::string canonical;
  if (!parse_object(payload, canonical)) return Verdict::refuse("what it says is no JSON object, or too much of one");
  const Value claims(as_bytes(canonical));
  std::string wrong = judge_parties(claims, rules);
  if (!wrong.empty()) return Verdict::refuse(std::move(wrong));
  if (now_ms == 0) return Verdict::unknown_time();
  std::uint64_t expires_s = 0;
  wrong = judge_times(claims, rules, now_ms, expires_s);
  if (!wrong.empty()) return Verdict::refuse(std::move(wrong));
  std::vector<std::string> roles = rules.default_roles;
  if (!read_roles(at_path(claims, rules.roles_claim), roles)) {
    return Verdict::refuse("its " + rules.roles_claim + " are no list of at most " + std::to_string(kRolesMax) +
                           " roles");
  }
  Verdict good{.status = Status::ok};
  good.proven = {.name = std::string(claims["sub"].text_or({})),
                 .claims = settled(claims, roles, expires_s),
                 .expires_s = expires_s};
  if (good.proven.claims.empty()) return Verdict::refuse("what it says is too much to keep");
  return good;
}

Proven make_proven(std::string_view name, std::span<const std::string> roles, std::uint64_t expires_s,
                   std::span<const Extra> extras) {
  std::size_t size = 64 + name.size() + roles.size() * (kRoleBytesMax + 4);
  for (const Extra& extra : extras) size += extra.name.size() + extra.text.size() + 16;
  std::string room(size, '\0');
  ValueWriter writer({reinterpret_cast<std::uint8_t*>(room.data()), room.size()});
  writer.begin_record();
  writer.field("sub");
  writer.text(name);
  if (expires_s != kForeverS) writer.field("exp"), writer.integer(static_cast<std::int64_t>(expires_s));
  for (const Extra& extra : extras) writer.field(extra.name), writer.text(extra.text);
  write_roles(writer, roles);
  writer.end_record();
  const Result<Bytes> written = writer.finish();
  return {.name = std::string(name),
          .claims = written.ok() ? std::string(as_text(*written)) : std::string(),
          .expires_s = expires_s};
}

bool parse_base64url(std::string_view text, std::string& bytes) {
  std::string plain(text);
  for (char& c : plain) {
    if (c == '+' || c == '/' || c == '=') return false;
    c = c == '-' ? '+' : c == '_' ? '/' : c;
  }
  plain.append((4 - plain.size() % 4) % 4, '=');
  return json::parse_base64(plain, bytes);
}

bool parse_object(std::string_view text, std::string& canonical) {
  json::JsonError error;
  return json::value_from_json(text, canonical, error) == Status::ok &&
         Value(as_bytes(canonical)).kind() == ValueKind::record;
}

}  // namespace grid::server
