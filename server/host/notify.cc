// SPDX-License-Identifier: Apache-2.0

#include "server/host/notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace grid::server {

namespace {

constexpr std::uint64_t kWatchdogMsMax = 86'400'000;

std::string_view environment(const char* name) {
  const char* const text = std::getenv(name);
  return text == nullptr ? std::string_view() : text;
}

std::uint64_t number_in(const char* name) {
  const std::string_view text = environment(name);
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() ? number : 0;
}

bool is_for_this_process(const char* name) {
  return environment(name).empty() || number_in(name) == static_cast<std::uint64_t>(::getpid());
}

// A line of its own each, so none may hold another.
std::string line_of(std::string_view text) {
  std::string line(text);
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line;
}

}  // namespace

Notify::Notify(uv_loop_t* loop) : address_(environment("NOTIFY_SOCKET")) {
  // A path, or with '@' a name that lies in no file system.
  if (address_.empty() || (address_[0] != '/' && address_[0] != '@')) return;
  socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (!is_for_this_process("WATCHDOG_PID")) return;
  const std::uint64_t watchdog_ms = std::min(number_in("WATCHDOG_USEC") / 1'000, kWatchdogMsMax);
  if (watchdog_ms == 0) return;
  feed_every_ms_ = std::max<std::uint64_t>(watchdog_ms / 2, 1);
  alarm_.emplace();
  uv_timer_init(loop, alarm_->get());
  // Twice as often, so that a turn that comes a little early costs no whole round.
  const std::uint64_t turn_every_ms = std::max<std::uint64_t>(feed_every_ms_ / 2, 1);
  uv_timer_start(
      alarm_->get(), [](uv_timer_t*) {}, turn_every_ms, turn_every_ms);
  uv_unref(alarm_->any());
}

Notify::~Notify() {
  if (socket_ >= 0) ::close(socket_);
}

Status Notify::ready(std::string_view status) {
  if (address_.empty()) return Status::ok;
  return send("READY=1\nSTATUS=" + line_of(status), 0) ? Status::ok : Status::io;
}

void Notify::reloading() { send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(uv_hrtime() / 1'000), MSG_DONTWAIT); }

void Notify::stopping(std::string_view status) { send("STOPPING=1\nSTATUS=" + line_of(status), MSG_DONTWAIT); }

void Notify::status(std::string_view status) { send("STATUS=" + line_of(status), MSG_DONTWAIT); }

void Notify::turned(std::uint64_t now_ms) {
  if (!is_due(now_ms)) return;
  if (send("WATCHDOG=1", MSG_DONTWAIT)) feed_at_ms_ = now_ms + feed_every_ms_;
}

bool Notify::send(const std::string& text, int flags) const {
  sockaddr_un to{};
  if (socket_ < 0 || address_.size() >= sizeof to.sun_path) return false;
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, address_.data(), address_.size());
  if (to.sun_path[0] == '@') to.sun_path[0] = '\0';
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address_.size());
  return ::sendto(socket_, text.data(), text.size(), flags | MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&to),
                  size) == static_cast<ssize_t>(text.size());
}

}  // namespace grid::server
