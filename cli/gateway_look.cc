// SPDX-License-Identifier: Apache-2.0
#include "cli/gateway_look.h"

#include <utility>

#include "cli/failure.h"
#include "cli/session.h"

namespace grid::cli {
namespace {

constexpr std::uint32_t kFrameBytesMax = 262'144;

template <std::size_t kSize>
void set(char (&field)[kSize], std::string_view text) {
  field[text.copy(field, kSize - 1)] = '\0';
}

}  // namespace

GatewayLook::GatewayLook(const Context& context) : server_(context.target.empty() ? kDefaultServer : context.target) {
  const std::string token = token_of(context);
  uv_loop_init(&loop_);
  uv_timer_init(&loop_, &patience_);
  patience_.data = this;
  links_.emplace();
  const Status opened =
      links_->open(&loop_, {.frame_bytes_max = kFrameBytesMax,
                            .tls = {.ca = context.ca, .certificate = context.certificate, .key = context.key}});
  const Result<transport::LinkId> link = opened == Status::ok
                                             ? links_->connect(server_, "/v1/" + context.app, *this, token)
                                             : Result<transport::LinkId>(opened);
  if (!link.ok()) {
    const std::string why = links_->problem();
    close();
    throw Failure(Exit::unreachable, "cannot reach " + server_ + ": " + why);
  }
  link_ = *link;
  grid_Hello hello = grid_Hello_init_zero;
  hello.protocol_min = wire::kProtocolMin;
  hello.protocol_max = wire::kProtocolMax;
  set(hello.app, context.app);
  hello.node = wire::kOnlookerNode;
  hello.frame_bytes_max = kFrameBytesMax;
  std::uint8_t room[wire::kControlBytesMax];
  try {
    send(wire::encode(hello, room));
    hear(wire::Kind::welcome);
  } catch (...) {
    close();
    throw;
  }
}

GatewayLook::~GatewayLook() { close(); }

void GatewayLook::close() {
  links_.reset();
  uv_close(reinterpret_cast<uv_handle_t*>(&patience_), nullptr);
  while (uv_run(&loop_, UV_RUN_NOWAIT) != 0) continue;
  uv_loop_close(&loop_);
}

void GatewayLook::ask_all(const char* topic, const std::function<void(const crdt::Op&)>& take) {
  grid_InspectAsk ask = grid_InspectAsk_init_zero;
  set(ask.topic, topic);
  for (bool is_last = false; !is_last;) {
    ++ask.id;
    std::uint8_t room[wire::kControlBytesMax];
    send(wire::encode(ask, room));
    const std::vector<std::uint8_t> frame = hear(wire::Kind::inspect_reply);
    wire::OpsReader reader;
    Status status = reader.open(frame);
    if (status == Status::ok && reader.head().status != Status::too_large) status = reader.head().status;
    std::size_t count = 0;
    for (crdt::Op op; status == Status::ok && reader.next(op); ++count) {
      status = reader.status();
      if (status != Status::ok) break;
      take(op);
      set(ask.argument, op.cell.name.key);
      ask.after = true;
    }
    if (status == Status::not_found)
      throw Failure(Exit::not_found, server_ + " is of a release that does not tell that");
    is_last = reader.head().last;
    if (status != Status::ok || (count == 0 && !is_last)) {
      throw Failure(Exit::failure, server_ + " does not answer as it should: " + name_of(status));
    }
  }
}

void GatewayLook::send(Bytes frame) {
  said_.assign(frame.begin(), frame.end());
  if (is_open_) links_->want_write(link_);
}

// The next frame of the kind; others are none of ours.
std::vector<std::uint8_t> GatewayLook::hear(wire::Kind kind) {
  is_late_ = false;
  uv_timer_start(
      &patience_, [](uv_timer_t* timer) { static_cast<GatewayLook*>(timer->data)->is_late_ = true; }, 3 * kPatienceMs,
      0);
  for (;;) {
    while (heard_.empty() && closed_.empty() && !is_late_) uv_run(&loop_, UV_RUN_ONCE);
    if (heard_.empty()) break;
    std::vector<std::uint8_t> frame = std::move(heard_.front());
    heard_.pop_front();
    const Result<wire::Kind> heard = wire::kind_of(frame);
    grid_Bye bye = grid_Bye_init_zero;
    if (heard.ok() && *heard == wire::Kind::bye && wire::decode(frame, bye) == Status::ok) {
      const bool is_denied = bye.status == static_cast<std::uint32_t>(Status::denied);
      throw Failure(is_denied ? Exit::denied : Exit::unreachable, server_ + " refuses: " + bye.reason);
    }
    if (heard.ok() && *heard == kind) return frame;
  }
  if (is_denied_) throw Failure(Exit::denied, server_ + " does not let this token in: " + closed_);
  throw Failure(Exit::unreachable, is_late_ ? "cannot reach " + server_ + ": it does not answer" : closed_);
}

void GatewayLook::on_open(transport::LinkId link, std::string_view, std::string_view, Bytes) {
  is_open_ = true;
  if (!said_.empty()) links_->want_write(link);
}

void GatewayLook::on_frame(transport::LinkId, Bytes frame) { heard_.emplace_back(frame.begin(), frame.end()); }

std::optional<std::size_t> GatewayLook::on_writable(transport::LinkId, MutBytes room) {
  if (said_.empty() || said_.size() > room.size()) return std::nullopt;
  copy(said_, room);
  return std::exchange(said_, {}).size();
}

void GatewayLook::on_refused(transport::LinkId, unsigned status) { is_denied_ = status == 401 || status == 403; }

void GatewayLook::on_close(transport::LinkId, std::string_view reason) {
  closed_ = reason.empty() ? server_ + " ended the link" : std::string(reason);
}

}  // namespace grid::cli
