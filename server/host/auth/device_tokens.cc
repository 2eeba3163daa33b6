// SPDX-License-Identifier: Apache-2.0

#include "server/host/auth/device_tokens.h"

#include <fcntl.h>
#include <mbedtls/sha256.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "crdt/value.h"
#include "server/host/auth/claims.h"
#include "transport/json/base64.h"
#include "transport/json/value_json.h"

namespace grid::server {

using crdt::Value;

namespace {

constexpr std::size_t kFileBytesMax = 256u << 20;

std::array<std::uint8_t, 32> hash_of(std::string_view token) {
  std::array<std::uint8_t, 32> hash{};
  [[maybe_unused]] const int done =
      mbedtls_sha256_ret(reinterpret_cast<const unsigned char*>(token.data()), token.size(), hash.data(), 0);
  return hash;
}

std::string token_of(Bytes secret) {
  std::string text;
  json::append_base64(text, secret);
  while (text.ends_with('=')) text.pop_back();
  for (char& c : text) c = c == '+' ? '-' : c == '/' ? '_' : c;
  return std::string(DeviceTokens::kPrefix) + text;
}

void append_time(std::string& line, const char* name, std::uint64_t ms) {
  if (ms == 0) return;
  line.append(",\"").append(name).append("\":{\"$timestamp\":").append(std::to_string(ms)).append("}");
}

std::uint64_t time_in(const Value& record, std::string_view name) {
  const std::int64_t ms = record[name].timestamp_or(0);
  return ms > 0 ? static_cast<std::uint64_t>(ms) : 0;
}

int write_whole(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t wrote = ::write(file, text.data(), text.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return errno;
    text.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return ::fsync(file) == 0 ? 0 : errno;
}

// Writes all of it behind a name that nobody uses, makes it durable, and lets it take its place. What root writes, by
// gridctl, is to be of whoever has the folder: the gateway.
int replace_file(const std::string& file, const std::string& text) {
  const std::string fresh = file + ".new";
  const std::size_t slash = file.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : file.substr(0, slash + 1);
  const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return errno;
  const int opened = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
  int error = opened < 0 ? errno : write_whole(opened, text);
  struct stat about {};
  if (error == 0 && ::geteuid() == 0 && ::fstat(directory, &about) == 0 &&
      ::fchown(opened, about.st_uid, about.st_gid) != 0) {
    error = errno;
  }
  if (opened >= 0 && ::close(opened) != 0 && error == 0) error = errno;
  if (error == 0 && ::rename(fresh.c_str(), file.c_str()) != 0) error = errno;
  if (error == 0 && ::fsync(directory) != 0) error = errno;
  ::close(directory);
  return error;
}

int read_whole(const std::string& file, std::string& text) {
  const int opened = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (opened < 0) return errno;
  char piece[65'536];
  int error = 0;
  for (;;) {
    const ssize_t size = ::read(opened, piece, sizeof(piece));
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) error = errno;
    if (size <= 0) break;
    text.append(piece, static_cast<std::size_t>(size));
    if (text.size() > kFileBytesMax) error = EFBIG;
    if (error != 0) break;
  }
  ::close(opened);
  return error;
}

}  // namespace

std::string line_of(const Enrolled& one, bool with_hash) {
  std::string line = "{\"name\":";
  json::append_json_text(line, one.name);
  line += ",\"roles\":[";
  for (const std::string& role : one.roles) {
    if (&role != &one.roles.front()) line += ',';
    json::append_json_text(line, role);
  }
  line += ']';
  append_time(line, "enrolled", one.enrolled_ms);
  append_time(line, "expires", one.expires_ms);
  append_time(line, "revoked", one.revoked_ms);
  append_time(line, "seen", one.seen_ms);
  if (with_hash) {
    line += ",\"sha256\":{\"$bytes\":\"";
    json::append_base64(line, one.hash);
    line += "\"}";
  }
  return line + '}';
}

Status DeviceTokens::refuse(Status status, std::string problem) {
  problem_ = std::move(problem);
  return status;
}

Status DeviceTokens::open(const std::string& file) {
  file_ = file;
  all_.clear();
  names_.clear();
  std::string text;
  const int error = read_whole(file, text);
  if (error == ENOENT) return Status::ok;
  if (error != 0) return refuse(Status::io, file + " can't be read: " + std::strerror(error));
  std::size_t number = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) return refuse(Status::corrupt, file + " is damaged: its last line has no end");
    GRID_TRY(read_line(rest.substr(0, end), ++number));
    rest.remove_prefix(end + 1);
  }
  return Status::ok;
}

Status DeviceTokens::read_line(std::string_view line, std::size_t number) {
  std::string canonical;
  if (!parse_object(line, canonical)) {
    return refuse(Status::corrupt, file_ + ":" + std::to_string(number) + ": is damaged: no JSON object");
  }
  const Value record(as_bytes(canonical));
  Enrolled one{.name = std::string(record["name"].text_or({})),
               .enrolled_ms = time_in(record, "enrolled"),
               .expires_ms = time_in(record, "expires"),
               .revoked_ms = time_in(record, "revoked"),
               .seen_ms = time_in(record, "seen")};
  for (Value::Walk walk(record["roles"]); walk.next();) one.roles.emplace_back(walk.value().text_or({}));
  const Bytes hash = record["sha256"].bytes_or({});
  if (!is_principal_name(one.name) || hash.size() != one.hash.size() || all_.contains(one.name)) {
    return refuse(Status::corrupt, file_ + ":" + std::to_string(number) + ": is damaged: no enrolment, or one twice");
  }
  copy(hash, one.hash);
  index(one);
  all_.emplace(one.name, std::move(one));
  return Status::ok;
}

void DeviceTokens::index(const Enrolled& one) { names_[one.hash] = one.name; }

Result<std::string> DeviceTokens::enroll(const Enrolled& one, std::span<const std::uint8_t, kSecretBytes> secret,
                                         bool renews) {
  if (!is_principal_name(one.name)) {
    return refuse(Status::invalid, "a name is 1 to " + std::to_string(kPrincipalNameBytesMax) +
                                       " bytes of text without control characters");
  }
  if (one.roles.size() > kRolesMax) {
    return refuse(Status::invalid, "there are at most " + std::to_string(kRolesMax) + " roles");
  }
  for (const std::string& role : one.roles) {
    if (!is_role(role)) return refuse(Status::invalid, "a role is 1 to 64 of the characters A-Z a-z 0-9 _ . : -");
  }
  if (one.has_expired(one.enrolled_ms)) return refuse(Status::invalid, "such a token would have expired already");
  const auto found = all_.find(one.name);
  if (found != all_.end() && (!renews || found->second.is_revoked())) {
    return refuse(Status::conflict,
                  one.name + (found->second.is_revoked() ? " was revoked; forget that first, if it is to come back"
                                                         : " is enrolled already; a new token for it takes --renew"));
  }
  if (found == all_.end() && all_.size() >= kEnrolledMax) {
    return refuse(Status::full, "there are " + std::to_string(kEnrolledMax) + " enrolments, the most that may be");
  }
  const std::string token = token_of(secret);
  const Enrolled before = found == all_.end() ? Enrolled{} : found->second;
  Enrolled& slot = all_[one.name];
  slot = one;
  slot.revoked_ms = slot.seen_ms = 0;
  slot.hash = hash_of(token);
  const Status status = save();
  if (status != Status::ok) {
    if (before.name.empty()) all_.erase(one.name);
    if (!before.name.empty()) slot = before;
    return status;
  }
  if (!before.name.empty()) names_.erase(before.hash);
  index(slot);
  return token;
}

Status DeviceTokens::revoke(std::string_view name, std::uint64_t now_ms) {
  const auto found = all_.find(name);
  if (found == all_.end()) return refuse(Status::not_found, "nobody is enrolled as " + std::string(name));
  const std::uint64_t before = found->second.revoked_ms;
  if (before != 0) return Status::ok;
  found->second.revoked_ms = now_ms == 0 ? 1 : now_ms;
  const Status status = save();
  if (status != Status::ok) found->second.revoked_ms = before;
  return status;
}

Status DeviceTokens::forget(std::string_view name) {
  const auto found = all_.find(name);
  if (found == all_.end()) return refuse(Status::not_found, "nobody is enrolled as " + std::string(name));
  auto node = all_.extract(found);
  const Status status = save();
  if (status == Status::ok) names_.erase(node.mapped().hash);
  if (status != Status::ok) all_.insert(std::move(node));
  return status;
}

Enrolled* DeviceTokens::find(std::string_view token) {
  const auto name = names_.find(hash_of(token));
  if (name == names_.end()) return nullptr;
  const auto found = all_.find(name->second);
  return found == all_.end() ? nullptr : &found->second;
}

const Enrolled* DeviceTokens::find_name(std::string_view name) const {
  const auto found = all_.find(name);
  return found == all_.end() ? nullptr : &found->second;
}

void DeviceTokens::note_seen(Enrolled& one, std::uint64_t now_ms) {
  if (now_ms < one.seen_ms + 1'000) return;
  one.seen_ms = now_ms;
  has_unsaved_ = true;
}

Status DeviceTokens::save() {
  std::string text;
  for (const auto& [name, one] : all_) text.append(line_of(one, true)).push_back('\n');
  const int error = replace_file(file_, text);
  if (error != 0) return refuse(Status::io, file_ + " can't be written: " + std::strerror(error));
  has_unsaved_ = false;
  return Status::ok;
}

}  // namespace grid::server
