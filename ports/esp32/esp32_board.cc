// SPDX-License-Identifier: Apache-2.0

#include "ports/esp32/esp32_board.h"

#include <freertos/FreeRTOS.h>
#include <freertos/task.h>
#include <lwip/sockets.h>

#include <algorithm>

#include "ports/port.h"

namespace grid::port {
namespace {

// A rest is not longer, so that what nobody rings for is looked at in the end.
constexpr std::uint64_t kRestMsMax = 60'000;
constexpr TickType_t kPause = 1;

timeval time_of(std::uint64_t ms) {
  timeval time{};
  time.tv_sec = static_cast<decltype(time.tv_sec)>(ms / 1'000);
  time.tv_usec = static_cast<decltype(time.tv_usec)>(ms % 1'000 * 1'000);
  return time;
}

}  // namespace

Status Esp32Board::open() {
  if (mailbox_.open() != Status::ok) {
    problem_.say("no event file: CONFIG_VFS_SUPPORT_SELECT is off, or too many are open");
    return Status::io;
  }
  if (network_.open() != Status::ok) {
    problem_.say("there is no event loop: call esp_event_loop_create_default(), or wifi_join(), first");
    return Status::busy;
  }
  return Status::ok;
}

std::uint64_t Esp32Board::monotonic_ms() { return port::monotonic_ms(); }

std::uint64_t Esp32Board::wall_ms() { return port::wall_ms(); }

void Esp32Board::entropy(MutBytes out) { port::entropy(out); }

storage::NorDevice* Esp32Board::flash(std::string_view store) {
  return open_flash(store) == Status::ok ? &partition_ : nullptr;
}

// ---- the network

void Esp32Board::attach(ChipLoop* loop) {
  loop_ = loop;
  [[maybe_unused]] const bool had_news = network_.take_news();
  if (loop_ != nullptr) follow_network();
}

void Esp32Board::follow_network() {
  if (network_.is_up()) return loop_->unpark();
  loop_->park();
}

void Esp32Board::attend() {
  mailbox_.run();
  if (network_.take_news() && loop_ != nullptr) follow_network();
}

// ---- the connection

Status Esp32Board::connect(const ServerAddress& server) {
  is_refused_ = !network_.is_up();
  if (is_refused_) {
    link_.close();
    return Status::io;
  }
  return link_.dial(server);
}

const char* Esp32Board::link_problem() const {
  return is_refused_ ? "the network is down: no address yet" : link_.problem();
}

void Esp32Board::wait(std::uint64_t ms_max) {
  const int bell = mailbox_.bell();
  const int socket = link_.socket();
  fd_set bytes;
  fd_set room;
  FD_ZERO(&bytes);
  FD_ZERO(&room);
  FD_SET(bell, &bytes);
  if (socket >= 0) FD_SET(socket, &bytes);
  if (link_.wants_room()) FD_SET(socket, &room);
  timeval rest = time_of(link_.has_bytes() ? 0 : std::min(ms_max, kRestMsMax));
  const int ready = select(std::max(bell, socket) + 1, &bytes, &room, nullptr, &rest);
  // ESP-IDF's select() takes a little of the heap; without any it must not become a busy loop.
  if (ready < 0) vTaskDelay(kPause);
  if (ready > 0 && FD_ISSET(bell, &bytes)) mailbox_.silence();
  attend();
}

}  // namespace grid::port
