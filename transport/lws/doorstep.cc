// SPDX-License-Identifier: Apache-2.0

#include "transport/lws/doorstep.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace grid::transport {

Doorstep::~Doorstep() {
  for (const auto& [number, waiting] : waiting_) {
    uv_poll_stop(waiting->poll.get());
    ::close(waiting->visitor.socket);
  }
}

void Doorstep::wait(const Visitor& visitor) {
  if (waiting_.size() >= visitors_max_ && !waiting_.empty()) drop_first();
  auto waiting = std::make_unique<Waiting>();
  waiting->doorstep = this;
  waiting->number = ++last_number_;
  waiting->visitor = visitor;
  uv_poll_t* poll = waiting->poll.get();
  uv_poll_init(loop_, poll, visitor.socket);
  poll->data = waiting.get();
  uv_poll_start(poll, UV_READABLE | UV_DISCONNECT, [](uv_poll_t* at, int, int) {
    const Waiting* self = static_cast<Waiting*>(at->data);
    self->doorstep->look(self->number);
  });
  waiting_.emplace(waiting->number, std::move(waiting));
}

void Doorstep::look(std::uint64_t number) {
  const auto at = waiting_.find(number);
  std::uint8_t first = 0;
  const ssize_t size = ::recv(at->second->visitor.socket, &first, 1, MSG_PEEK);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
  const Visitor visitor = at->second->visitor;
  uv_poll_stop(at->second->poll.get());
  waiting_.erase(at);
  if (size == 1) return host_.knocked(visitor, first);
  ::close(visitor.socket);
  host_.left(visitor, false);
}

void Doorstep::send_away(std::uint64_t since_ms) {
  while (!waiting_.empty() && waiting_.begin()->second->visitor.since_ms < since_ms) drop_first();
}

void Doorstep::drop_first() {
  const auto at = waiting_.begin();
  const Visitor visitor = at->second->visitor;
  uv_poll_stop(at->second->poll.get());
  waiting_.erase(at);
  ::close(visitor.socket);
  host_.left(visitor, true);
}

}  // namespace grid::transport
