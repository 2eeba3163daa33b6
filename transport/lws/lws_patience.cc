// SPDX-License-Identifier: Apache-2.0
//
// What a peer may take its time for, and how fast it may go: looked at once a second, or more often while somebody is
// made to wait, and not at all when there is nobody.

#include "transport/lws/lws_body.h"
#include "transport/lws/socket_facts.h"

namespace grid::transport {
namespace {

constexpr std::uint64_t kLookMs = 1'000;
constexpr std::uint64_t kPausedLookMs = 50;
// What has to come, or to go, within LwsOptions::stall_s: a line of a modem of long ago does it.
constexpr std::uint64_t kProgressBytes = 1'024;

}  // namespace

void LwsContext::Body::be_patient() {
  const std::uint64_t each_ms = paused_count_ > 0 ? kPausedLookMs : kLookMs;
  if (patience_ms_ != 0 && patience_ms_ <= each_ms) return;
  patience_ms_ = each_ms;
  uv_timer_start(
      patience_->get(), [](uv_timer_t* timer) { static_cast<Body*>(timer->data)->look_round(); }, each_ms, 0);
}

void LwsContext::Body::look_round() {
  patience_ms_ = 0;
  const std::uint64_t now_ms = uv_now(loop_);
  const std::uint64_t patience_ms = ms_of(options_.handshake_s);
  if (now_ms > patience_ms) doorstep_->send_away(now_ms - patience_ms);
  std::vector<std::pair<LinkId, std::string_view>> late;
  for (const auto& [id, link] : links) {
    if (link->origin == nullptr || link->wsi == nullptr) continue;
    if (link->origin->is_held) lws_validity_confirmed(link->wsi);
    if (link->origin->is_paused) resume(*link, now_ms);
    // libwebsockets gives each piece of a body a time of its own, also one that is made to wait here.
    if (link->exchange != nullptr) lws_set_timeout(link->wsi, NO_PENDING_TIMEOUT, 0);
    const std::string_view lateness = this->lateness(*link, now_ms);
    if (!lateness.empty()) late.emplace_back(id, lateness);
  }
  for (const auto& [id, lateness] : late) {
    if (Link* link = find(id)) drop(*link, lateness);
  }
  if (accepted_count_ + doorstep_->count() > 0) be_patient();
}

// Why a link is to be dropped; empty when it is not.
std::string_view LwsContext::Body::lateness(Link& link, std::uint64_t now_ms) const {
  // Who is saying goodbye has libwebsockets' own time for it, and a listener no more.
  if (link.is_closing) return "";
  Origin& origin = *link.origin;
  if (!link.is_up && link.exchange == nullptr) {
    return now_ms - origin.since_ms > ms_of(options_.handshake_s) ? "takes too long to say what it wants" : "";
  }
  if (!origin.is_paused && !origin.is_held && is_stalled(origin.reading, origin.arrived_bytes, now_ms)) {
    return "does not get on with what it sends";
  }
  if (origin.writing.since_ms == 0) return "";
  const std::uint64_t taken = acknowledged_bytes(lws_get_socket_fd(link.wsi));
  if (origin.writing.bytes == Progress::kUnknown) origin.writing.bytes = taken;
  return is_stalled(origin.writing, taken, now_ms) ? "does not take what it is sent" : "";
}

// Something waits for the socket; what it has taken until now is asked when somebody looks, for asking takes time.
void LwsContext::Body::await_room(Link& link) {
  if (link.origin == nullptr || link.origin->writing.since_ms != 0) return;
  link.origin->writing = {.since_ms = uv_now(loop_), .bytes = Progress::kUnknown};
}

bool LwsContext::Body::is_stalled(Progress& progress, std::uint64_t bytes, std::uint64_t now_ms) const {
  if (progress.since_ms == 0 || now_ms - progress.since_ms < ms_of(options_.stall_s)) return false;
  const bool is_stalled = bytes - progress.bytes < kProgressBytes;
  progress = {.since_ms = now_ms, .bytes = bytes};
  return is_stalled;
}

void LwsContext::Body::drop(Link& link, std::string_view reason) {
  if (link.is_up && link.origin->writing.since_ms == 0) {
    return refuse(link, kClosePolicy, "what was begun has to get on", "the peer " + std::string(reason));
  }
  link.reason = (link.is_up ? "the peer " : "") + std::string(reason);
  lws_set_timeout(link.wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
}

// Of a frame that was begun, libwebsockets tells piece by piece.
void LwsContext::Body::note_arrival(Link& link, std::size_t bytes) {
  Origin& origin = *link.origin;
  origin.arrived_bytes += bytes;
  const bool is_whole = lws_is_final_fragment(link.wsi) != 0;
  if (is_whole) {
    origin.reading = {};
  } else if (origin.reading.since_ms == 0) {
    origin.reading = {.since_ms = uv_now(loop_), .bytes = origin.arrived_bytes};
  }
  keep_pace(link, bytes, is_whole);
}

void LwsContext::Body::keep_pace(Link& link, std::size_t bytes, bool is_whole) {
  Pace* pace = link.origin->pace.get();
  if (pace == nullptr) return;
  const std::uint64_t now_ms = uv_now(loop_);
  if (is_whole) pace->frames.take(options_.frames, 1, now_ms);
  pace->bytes.take(options_.bytes, bytes, now_ms);
  const bool may_go_on = (!options_.frames.is_limited() || pace->frames.is_open(options_.frames, now_ms)) &&
                         (!options_.bytes.is_limited() || pace->bytes.is_open(options_.bytes, now_ms));
  if (may_go_on || link.origin->is_paused) return;
  link.origin->is_paused = true;
  ++paused_count_;
  lws_rx_flow_control(link.wsi, 0);
  be_patient();
}

// Who is made to wait cannot answer pings meanwhile, so it counts as heard.
void LwsContext::Body::resume(Link& link, std::uint64_t now_ms) {
  Pace& pace = *link.origin->pace;
  lws_validity_confirmed(link.wsi);
  if (options_.frames.is_limited() && !pace.frames.is_open(options_.frames, now_ms)) return;
  if (options_.bytes.is_limited() && !pace.bytes.is_open(options_.bytes, now_ms)) return;
  link.origin->is_paused = false;
  --paused_count_;
  if (!link.origin->is_held) lws_rx_flow_control(link.wsi, 1);
}

// As in resume(), it counts as heard meanwhile; and what it has begun begins anew.
void LwsContext::Body::hold(LinkId id, bool is_held) {
  Link* const link = find(id);
  if (link == nullptr || link->origin == nullptr || !link->is_up || link->is_closing) return;
  Origin& origin = *link->origin;
  if (origin.is_held == is_held) return;
  origin.is_held = is_held;
  if (origin.reading.since_ms != 0) origin.reading = {.since_ms = uv_now(loop_), .bytes = origin.arrived_bytes};
  if (!origin.is_paused) lws_rx_flow_control(link->wsi, is_held ? 0 : 1);
  be_patient();
}

}  // namespace grid::transport
