// SPDX-License-Identifier: Apache-2.0

#include "ports/linux/credential.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "crdt/value.h"
#include "runtime/machine.h"
#include "transport/json/base64.h"
#include "transport/json/value_json.h"
#include "transport/wire_auth.h"

namespace grid::port {

namespace {

using runtime::kNever;

// A token is renewed when a fifth of its time is left, or a minute, whatever is less.
constexpr std::uint64_t kRenewBeforeMs = 60'000;

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.pop_back();
  return text;
}

// What the file holds; empty, with errno, when it can't be read.
std::string read_file(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  std::string text(wire::kTokenBytesMax + 8, '\0');
  const ssize_t size = ::read(file, text.data(), text.size());
  const int error = size < 0 ? errno : 0;
  ::close(file);
  errno = error;
  text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return trimmed(std::move(text));
}

}  // namespace

std::uint64_t expiry_of(std::string_view token) {
  const std::size_t begin = token.find('.');
  const std::size_t end = begin == std::string_view::npos ? begin : token.find('.', begin + 1);
  if (end == std::string_view::npos) return 0;
  std::string payload(token.substr(begin + 1, end - begin - 1)), bytes, canonical;
  for (char& c : payload) c = c == '-' ? '+' : c == '_' ? '/' : c;
  payload.append((4 - payload.size() % 4) % 4, '=');
  json::JsonError error;
  if (!json::parse_base64(payload, bytes) || json::value_from_json(bytes, canonical, error) != Status::ok) return 0;
  const double exp_s = crdt::Value(as_bytes(canonical))["exp"].number_or(0);
  return exp_s > 0 && exp_s < 1e12 ? static_cast<std::uint64_t>(exp_s * 1'000) : 0;
}

Status Credential::refuse(std::string problem) {
  problem_ = std::move(problem);
  return Status::invalid;
}

Status Credential::open(const LinuxOptions& options) {
  *this = {};
  const int sources = (options.token.empty() ? 0 : 1) + (options.token_file.empty() ? 0 : 1);
  if (sources > 1) return refuse("there is to be a token or a file of it, not both");
  file_ = options.token_file;
  ask_ = options.on_token;
  context_ = options.token_context;
  if (!options.token.empty()) GRID_TRY(take(options.token));
  if (!file_.empty() && read_file(file_).empty()) {
    return refuse("the token's file " + file_ + " can't be read, or is empty" +
                  (errno != 0 ? std::string(": ") + std::strerror(errno) : ""));
  }
  return Status::ok;
}

Status Credential::take(std::string_view token) {
  const std::string text = trimmed(std::string(token));
  if (!wire::is_token(text)) {
    return refuse("the token is not 1 to " + std::to_string(wire::kTokenBytesMax) + " visible ASCII characters");
  }
  if (text == token_) return Status::ok;
  token_ = text;
  expires_ms_ = expiry_of(token_);
  renew_at_ms_ = 0;
  look_at_ms_ = 0;
  return Status::ok;
}

// Asks the file, and whoever gives tokens when there is a reason to.
void Credential::look(std::uint64_t now_ms, std::uint64_t wall_ms) {
  if (!file_.empty()) {
    const std::string read = read_file(file_);
    if (!read.empty() && take(read) != Status::ok) problem_ = "the token's file " + file_ + " holds none: " + problem_;
  }
  const bool has_reason = token_.empty() || ends_soon(wall_ms) || (is_refused_ && token_ == shown_);
  const bool may_ask = !was_asked_ || now_ms >= asked_at_ms_ + kAskAgainMs;
  if (ask_ != nullptr && has_reason && may_ask) {
    was_asked_ = true;
    asked_at_ms_ = now_ms;
    const std::string given = ask_(context_);
    if (!given.empty() && take(given) != Status::ok) problem_ = "what was given for a token is none: " + problem_;
  }
  plan(now_ms, wall_ms);
}

void Credential::plan(std::uint64_t now_ms, std::uint64_t wall_ms) {
  look_at_ms_ = kNever;
  if (is_refused_) {
    look_at_ms_ = now_ms + kRefusedMs;
  } else if (expires_ms_ != 0 && wall_ms != 0) {
    const std::uint64_t left_ms = expires_ms_ > wall_ms ? expires_ms_ - wall_ms : 0;
    if (renew_at_ms_ == 0) renew_at_ms_ = expires_ms_ - std::min({left_ms / 5, kRenewBeforeMs, expires_ms_});
    const std::uint64_t wait_ms = renew_at_ms_ > wall_ms ? renew_at_ms_ - wall_ms : left_ms / 4;
    look_at_ms_ = now_ms + std::max(wait_ms, kAskAgainMs);
  }
}

const std::string& Credential::for_link(std::uint64_t now_ms, std::uint64_t wall_ms) {
  look(now_ms, wall_ms);
  shown_ = token_;
  return shown_;
}

void Credential::refused(std::uint64_t now_ms) {
  // The first refusal may be of a token that has only grown old: another one is looked for at once.
  look_at_ms_ = is_refused_ ? now_ms + kRefusedMs : now_ms;
  is_refused_ = true;
}

bool Credential::turn(std::uint64_t now_ms, std::uint64_t wall_ms) {
  if (now_ms < look_at_ms_) return false;
  look(now_ms, wall_ms);
  return !token_.empty() && token_ != shown_;
}

const std::string& Credential::show() {
  shown_ = token_;
  return shown_;
}

}  // namespace grid::port
