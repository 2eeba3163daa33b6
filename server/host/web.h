// SPDX-License-Identifier: Apache-2.0
//
// Web: what a gateway answers by HTTP, on the port of its links (docs/http.md).
//
// Place     Below gateway.h, above apps.h, authenticator.h and transport/lws. /healthz is answered below it, rows at
//           the other end of its letters (row_desk.h).
// Promises  SEC-1  Everything but readiness is asked of the door first; what is not ready is named to who is let in.
//           BND-1  A body is taken as fast as the journal takes it, and given as fast as the other end takes it: an
//                  exchange holds kBodyBytes that come, or one page that goes.
// Threads   One: the network's.
#pragma once

#include <uv.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "server/host/apps.h"
#include "server/host/auth/authenticator.h"
#include "server/host/metrics.h"
#include "transport/lws/http_listener.h"
#include "transport/lws/lws_context.h"
#include "transport/lws/uv_handle.h"

namespace grid::server {

// What is told of each request before it is looked at.
class WebOwner {
 public:
  // As Door::admit().
  virtual transport::Admission admit(const transport::Caller& caller, std::string& way) = 0;
  // A sentence, as far as this caller may know it; empty: it is.
  virtual std::string why_not_ready(const transport::Caller& caller) = 0;
  // But for what is an app's.
  virtual GatewayFigures figures() const = 0;

 protected:
  ~WebOwner() = default;
};

class Web final : public transport::HttpListener {
 public:
  static constexpr std::uint64_t kBodyBytes = 65'536;

  // What engines may take to tell their figures; then those are told that have come.
  static constexpr std::uint64_t kFiguresMs = 2'000;

  Web(uv_loop_t* loop, transport::LwsContext& links, Apps& apps, WebOwner& owner);

  // Whoever has come in by this name is that no more.
  void disown(std::string_view identity);
  // The same of who came in by these ways.
  void disown(const Authenticator::Withdrawn& gone);
  // The engine's letters.
  void answer(Letter&& letter);
  void take_page(Letter&& letter);
  void note_taken(const Letter& letter);
  void add_figures(Letter&& letter);

  // transport::HttpListener
  void on_request(transport::ExchangeId exchange, const transport::HttpRequest& request) override;
  void on_body(transport::ExchangeId exchange, Bytes piece) override;
  void on_body_end(transport::ExchangeId exchange) override;
  std::optional<std::size_t> on_answer_room(transport::ExchangeId exchange, MutBytes room) override;
  void on_exchange_end(transport::ExchangeId exchange, bool is_whole) override;

 private:
  // One that waits for letters.
  struct Asked {
    App* app = nullptr;      // Null: it asks all engines for their figures.
    std::string identity{};  // Whose it is,
    std::string way{};       // and by what they came in.
    std::uint64_t sent = 0;  // Bytes of its body that the engine has not taken.
    bool is_held = false;    // Its body is made to wait.
    std::vector<std::uint8_t> page{};
    std::size_t given = 0;  // Of the page.
    bool is_last = false;
    bool has_failed = false;
    std::size_t engines_left = 0;       // That have not told their figures. 0: what still comes is too late.
    std::uint64_t asked_ms = 0;         // When they were asked.
    std::uint64_t apps = 0;             // Of all engines that have answered,
    std::vector<AppFigures> figures{};  // and what may be told of them.
  };

  // An admission, and by what it was had.
  struct Who {
    transport::Admission admission{};
    std::string way{};
  };

  Asked* find(transport::ExchangeId exchange);
  // Nothing: it waits for letters.
  std::optional<transport::HttpAnswer> answer_to(transport::ExchangeId exchange, const transport::HttpRequest& request);
  std::optional<transport::HttpAnswer> ask_figures(transport::ExchangeId exchange, Who&& who);
  std::optional<transport::HttpAnswer> ask_rows(transport::ExchangeId exchange, const transport::HttpRequest& request,
                                                Who&& who);
  transport::HttpAnswer tell_ready(const transport::Caller& caller);
  void tell_figures(transport::ExchangeId exchange, Asked& asked);
  void await_figures();
  void tell_late();
  template <typename IsGone>
  void give_up(IsGone is_gone);

  transport::LwsContext& links_;
  Apps& apps_;
  WebOwner& owner_;
  std::map<transport::ExchangeId, Asked> asked_;
  transport::UvHandle<uv_timer_t> late_;  // Runs while figures are waited for.
};

}  // namespace grid::server
