// SPDX-License-Identifier: Apache-2.0
//
// Web: what a gateway answers by HTTP, on the port of its links (docs/http.md).
//
// Place     Below gateway.h, above app_host.h and transport/lws. /healthz is answered below it.
// Promises  SEC-1  Everything but readiness is asked of the door first, and rows of the coordinator's desk.
//           BND-1  A body is taken as fast as the journal takes it, and given as fast as the other end takes it: an
//                  exchange holds one line, or one page of rows.
// Threads   One: the loop's.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "server/host/app_host.h"
#include "server/host/metrics.h"
#include "transport/lws/http_listener.h"
#include "transport/lws/lws_context.h"
#include "transport/lws/uv_handle.h"

namespace grid::server {

// What is told of each request before it is looked at.
class WebOwner {
 public:
  virtual transport::Admission admit(const transport::Caller& caller) = 0;
  // Null: there is none, or it can't be opened.
  virtual AppHost* web_app(const std::string& name) = 0;
  // A sentence; empty: it is.
  virtual std::string why_not_ready() const = 0;
  virtual GatewayFigures figures() const = 0;

 protected:
  ~WebOwner() = default;
};

// One request for rows, or with rows, on its way.
class WebWork {
 public:
  virtual ~WebWork() = default;
  // A piece of the body; false: it takes no more for now, and is asked to go_on() later.
  virtual bool take(Bytes) { return true; }
  virtual void body_ended() {}
  // Goes on with what it could not do before. False: not yet.
  virtual bool go_on() { return true; }
  // As HttpListener::on_answer_room().
  virtual std::optional<std::size_t> give(MutBytes) { return 0; }
  // Set once all is known: what is answered to who sent rows.
  std::optional<transport::HttpAnswer> answer{};
  bool is_held = false;     // Its body is made to wait.
  std::string identity{};   // Whose it is.
  bool has_failed = false;  // What was given is not whole, and never will be.
  bool looks_on = false;    // There is no piece to give yet, and it is to be asked again in another turn.
};

class Web final : public transport::HttpListener {
 public:
  Web(uv_loop_t* loop, transport::LwsContext& links, WebOwner& owner);

  // Whoever has come in by this name is that no more.
  void disown(std::string_view identity);

  // transport::HttpListener
  void on_request(transport::ExchangeId exchange, const transport::HttpRequest& request) override;
  void on_body(transport::ExchangeId exchange, Bytes piece) override;
  void on_body_end(transport::ExchangeId exchange) override;
  std::optional<std::size_t> on_answer_room(transport::ExchangeId exchange, MutBytes room) override;
  void on_exchange_end(transport::ExchangeId exchange, bool is_whole) override;

 private:
  transport::HttpAnswer answer_to(const transport::HttpRequest& request, std::unique_ptr<WebWork>& work);
  transport::HttpAnswer tell_ready() const;
  transport::HttpAnswer tell_metrics(const transport::Admission& who) const;
  transport::HttpAnswer begin_rows(const transport::HttpRequest& request, const transport::Admission& who,
                                   std::unique_ptr<WebWork>& work);
  void settle(transport::ExchangeId exchange, WebWork& work);
  void try_again(std::uint64_t after_ms);
  void go_on();

  transport::LwsContext& links_;
  WebOwner& owner_;
  std::map<transport::ExchangeId, std::unique_ptr<WebWork>> works_;
  transport::UvHandle<uv_timer_t> again_;  // Runs while one of them waits for the journal, or looks on.
};

// Rows of a map as NDJSON: all of them by key (export), or those that a question is about.
std::unique_ptr<WebWork> rows_to_send(AppHost& app, const transport::Admission& who, std::string map,
                                      const transport::Fields& query, bool is_export, transport::HttpAnswer& answer);
// Rows that come as NDJSON.
std::unique_ptr<WebWork> rows_to_take(AppHost& app, const transport::Admission& who, std::string map,
                                      const transport::Fields& query, transport::HttpAnswer& answer);

// {"error": "sentence"}
transport::HttpAnswer web_error(std::uint16_t status, std::string_view sentence);
std::uint16_t web_status(Status status);

}  // namespace grid::server
