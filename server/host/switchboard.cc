// SPDX-License-Identifier: Apache-2.0

#include "server/host/switchboard.h"

#include <algorithm>
#include <utility>

#include "ports/port.h"

namespace grid::server {

using transport::LinkId;

void Switchboard::connect(LinkId link, App& app, std::string_view identity, Bytes claims) {
  Line& line = lines_[link];
  line.app = &app;
  const bool has_room = app.post({.kind = Letter::Kind::link_up,
                                  .link = link,
                                  .bytes = {claims.begin(), claims.end()},
                                  .text = std::string(identity)});
  if (!has_room) hold(link, line);
}

App* Switchboard::find(LinkId link) const {
  const auto found = lines_.find(link);
  return found == lines_.end() ? nullptr : found->second.app;
}

void Switchboard::came(LinkId link, Bytes frame) {
  const auto found = lines_.find(link);
  if (found == lines_.end() || found->second.app == nullptr) return;
  Line& line = found->second;
  if (!line.app->post({.kind = Letter::Kind::frame, .link = link, .bytes = {frame.begin(), frame.end()}})) {
    hold(link, line);
  }
}

void Switchboard::hold(LinkId link, Line& line) {
  if (std::exchange(line.is_held, true)) return;
  line.held_since_ms = port::monotonic_ms();
  if (line.app->is_open()) held_.insert(link);
  links_.hold(link, true);
}

void Switchboard::let_go(LinkId link, Line& line) {
  if (!std::exchange(line.is_held, false)) return;
  held_.erase(link);
  links_.hold(link, false);
}

void Switchboard::release() {
  for (const LinkId link : std::exchange(held_, {})) {
    Line& line = lines_.find(link)->second;
    if (line.app->engine->is_full()) {
      held_.insert(link);
    } else {
      let_go(link, line);
    }
  }
}

void Switchboard::opened(const App& app) {
  for (const auto& [link, line] : lines_) {
    if (line.app == &app && line.is_held) held_.insert(link);
  }
  release();
}

std::vector<LinkId> Switchboard::held_for_apps(std::uint64_t ms) const {
  const std::uint64_t now_ms = port::monotonic_ms();
  std::vector<LinkId> held;
  for (const auto& [link, line] : lines_) {
    const bool waits = line.is_held && !line.app->is_open();
    if (waits && now_ms - line.held_since_ms >= ms) held.push_back(link);
  }
  return held;
}

std::optional<std::size_t> Switchboard::give(LinkId link, MutBytes room) {
  const auto found = lines_.find(link);
  if (found == lines_.end() || found->second.out.empty()) return std::nullopt;
  Line& line = found->second;
  const Letter frame = std::move(line.out.front());
  line.out.erase(line.out.begin());
  copy(frame.bytes, room);
  if (frame.wants_word && line.app != nullptr) line.app->post({.kind = Letter::Kind::taken, .link = link});
  if (!line.out.empty()) {
    links_.want_write(link);
  } else if (line.app == nullptr) {
    hang_up(link, transport::kCloseNormal, "the session has ended");
  }
  return frame.bytes.size();
}

void Switchboard::lost(LinkId link) {
  const auto found = lines_.find(link);
  if (found == lines_.end()) return;
  if (found->second.app != nullptr) found->second.app->post({.kind = Letter::Kind::link_down, .link = link});
  held_.erase(link);
  lines_.erase(found);
}

void Switchboard::send(Letter&& letter) {
  const auto found = lines_.find(letter.link);
  if (found == lines_.end()) return;
  const LinkId link = letter.link;
  found->second.out.push_back(std::move(letter));
  links_.want_write(link);
}

void Switchboard::close(LinkId link) {
  const auto found = lines_.find(link);
  if (found == lines_.end()) return;
  let_go(link, found->second);
  found->second.app = nullptr;
  if (found->second.out.empty()) hang_up(link, transport::kCloseNormal, "the session has ended");
}

void Switchboard::hang_up(LinkId link, std::uint16_t code, std::string_view reason) {
  lost(link);
  links_.close(link, code, reason);
}

std::vector<LinkId> Switchboard::links_of(const App& app) const {
  std::vector<LinkId> theirs;
  for (const auto& [link, line] : lines_) {
    if (line.app == &app) theirs.push_back(link);
  }
  return theirs;
}

std::optional<LinkId> Switchboard::any() const {
  if (lines_.empty()) return std::nullopt;
  return lines_.begin()->first;
}

}  // namespace grid::server
