// SPDX-License-Identifier: Apache-2.0
//
// GatewayLook: a gateway that is looked into, over a link of its own (docs/WIRE.md, "Looking in").
//
// Place     Above transport/lws; below subs.cc. Subscribes to nothing, and only reads.
// Promises  Whatever the gateway sends ends in an answer or in a Failure that says what is wrong.
// Threads   One.
#pragma once

#include <uv.h>

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/verbs.h"
#include "crdt/cell.h"
#include "transport/lws/lws_context.h"
#include "transport/wire.h"

namespace grid::cli {

class GatewayLook final : private transport::LinkListener {
 public:
  // Throws a Failure when the server can't be reached, or refuses.
  explicit GatewayLook(const Context& context);
  // Which it is: the default one, unless told.
  const std::string& server() const { return server_; }
  ~GatewayLook();
  GatewayLook(const GatewayLook&) = delete;
  GatewayLook& operator=(const GatewayLook&) = delete;

  // Hands each op of each page of the answer to `take`, and goes on behind it until all has come. Throws a Failure.
  void ask_all(const char* topic, const std::function<void(const crdt::Op&)>& take);

 private:
  // transport::LinkListener
  void on_open(transport::LinkId link, std::string_view path, std::string_view identity, Bytes claims) override;
  void on_frame(transport::LinkId link, Bytes frame) override;
  std::optional<std::size_t> on_writable(transport::LinkId link, MutBytes room) override;
  void on_refused(transport::LinkId link, unsigned status) override;
  void on_close(transport::LinkId link, std::string_view reason) override;

  void send(Bytes frame);
  std::vector<std::uint8_t> hear(wire::Kind kind);
  void close();

  std::string server_;
  uv_loop_t loop_{};
  uv_timer_t patience_{};
  std::optional<transport::LwsContext> links_;
  transport::LinkId link_ = 0;
  bool is_open_ = false;
  bool is_late_ = false;
  bool is_denied_ = false;
  std::string closed_;                           // Why the link is down; empty while it is not.
  std::vector<std::uint8_t> said_;               // What is to be sent,
  std::deque<std::vector<std::uint8_t>> heard_;  // and what came.
};

}  // namespace grid::cli
