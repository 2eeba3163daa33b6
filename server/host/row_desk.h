// SPDX-License-Identifier: Apache-2.0
//
// RowDesk: rows of an engine's apps for who asks by HTTP, and from whom (docs/http.md).
//
// Place     Below tenants.h, above app_host.h. web.h is the other end of its letters, and has the sockets. What rows
//           are is in web_rows.cc, what is told of facts in web_facts.cc.
// Promises  SEC-1  What is asked is asked of the coordinator's desk.
//           BND-1  An exchange holds one line that comes, or one page that goes: it is asked for the next when that one
//                  is given, and says when it has taken what came.
// Threads   One: the engine's.
#pragma once

#include <uv.h>

#include <initializer_list>
#include <map>
#include <memory>
#include <string>

#include "server/host/app_host.h"
#include "server/host/mailbox.h"
#include "transport/lws/uv_handle.h"

namespace grid::server {

// One request for rows, or with rows, on its way.
class RowWork {
 public:
  virtual ~RowWork() = default;
  // A piece of the body; false: it can't be taken on for now, and is gone on with later.
  virtual bool take(Bytes) { return true; }
  virtual void body_ended() {}
  // Goes on with what it could not do before. False: not yet.
  virtual bool go_on() { return true; }
  // The page that is ready, once; is_last: it is the last one.
  virtual std::string take_page(bool& is_last) { return is_last = true, std::string(); }
  // Makes the next page; or none, and `is_waiting`: RowDesk::wake() is called when there is one.
  virtual Status next_page() { return Status::ok; }
  // Set once all is known: what is answered to who sent rows.
  std::optional<transport::HttpAnswer> answer{};
  std::uint64_t owed_bytes = 0;  // Of the body, that were not said to be taken.
  bool was_long = false;         // The last page took as long as one turn may.
  bool is_waiting = false;
};

class RowDesk {
 public:
  RowDesk(uv_loop_t* loop, Mailbox& outbox);

  void ask(transport::ExchangeId exchange, AppHost& app, WebAsk&& ask);
  // What is not known here is over.
  void body(transport::ExchangeId exchange, Bytes piece);
  void body_ended(transport::ExchangeId exchange);
  void more(transport::ExchangeId exchange);
  // What waited has something: its answer, or a page.
  void wake(transport::ExchangeId exchange);
  void forget(transport::ExchangeId exchange) { works_.erase(exchange); }

 private:
  RowWork* find(transport::ExchangeId exchange);
  void ask_facts(transport::ExchangeId exchange, AppHost& app, WebAsk&& ask);
  void answer(transport::ExchangeId exchange, transport::HttpAnswer answer);
  void give_page(transport::ExchangeId exchange, RowWork& work, Status status);
  void advance(transport::ExchangeId exchange, RowWork& work, bool went_on);
  void go_on();

  Mailbox& outbox_;
  std::map<transport::ExchangeId, std::unique_ptr<RowWork>> works_;
  transport::UvHandle<uv_timer_t> again_;  // Runs while one of them waits for the journal.
};

// Rows of a map as NDJSON: all of them by key, or those that a question is about; null: `answer` says why not.
std::unique_ptr<RowWork> rows_to_send(AppHost& app, WebAsk&& ask, transport::HttpAnswer& answer);
// Rows that come as NDJSON; null: likewise.
std::unique_ptr<RowWork> rows_to_take(AppHost& app, WebAsk&& ask, transport::HttpAnswer& answer);

// What is asked about facts, and watched: the first word wakes the exchange.
std::unique_ptr<RowWork> facts_to_tell(RowDesk& desk, transport::ExchangeId exchange, AppHost& app, WebAsk&& ask);

// The word of the query by that name; null: there is none.
const std::string* find(const transport::Fields& query, std::string_view name);
// A sentence about the first word that is none of these; empty: there is none.
std::string unknown(const transport::Fields& query, std::initializer_list<std::string_view> known);
std::uint16_t web_status(Status status);
// {"error": "sentence"}
transport::HttpAnswer web_error(std::uint16_t status, std::string_view sentence);

}  // namespace grid::server
