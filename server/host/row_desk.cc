// SPDX-License-Identifier: Apache-2.0

#include "server/host/row_desk.h"

#include <utility>
#include <vector>

#include "transport/json/value_json.h"

namespace grid::server {

using transport::ExchangeId;
using transport::HttpAnswer;

namespace {

constexpr std::uint64_t kAgainMs = 20;
// What one letter carries of small rows: pages until it is so long, and no more than so many.
constexpr std::size_t kLetterBytes = 65'536;
constexpr int kLetterPages = 16;

}  // namespace

HttpAnswer web_error(std::uint16_t status, std::string_view sentence) {
  std::string body = "{\"error\":";
  json::append_json_text(body, sentence);
  return {.status = status, .content_type = "application/json", .body = body + "}\n"};
}

const std::string* find(const transport::Fields& query, std::string_view name) {
  const auto found = std::find_if(query.begin(), query.end(), [name](const auto& one) { return one.first == name; });
  return found == query.end() ? nullptr : &found->second;
}

std::string unknown(const transport::Fields& query, std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : query) {
    if (std::find(known.begin(), known.end(), name) == known.end()) return "there is no parameter " + name;
  }
  return {};
}

std::uint16_t web_status(Status status) {
  switch (status) {
    case Status::ok:
      return 200;
    case Status::denied:
      return 403;
    case Status::not_found:
      return 404;
    case Status::conflict:
      return 409;
    case Status::too_large:
      return 413;
    case Status::busy:
    case Status::full:
      return 503;
    case Status::io:
    case Status::corrupt:
      return 500;
    default:
      return 400;
  }
}

RowDesk::RowDesk(uv_loop_t* loop, Mailbox& outbox) : outbox_(outbox) {
  again_.get()->data = this;
  uv_timer_init(loop, again_.get());
}

RowWork* RowDesk::find(ExchangeId exchange) {
  const auto found = works_.find(exchange);
  return found == works_.end() ? nullptr : found->second.get();
}

void RowDesk::ask(ExchangeId exchange, AppHost& app, WebAsk&& ask) {
  if (ask.what == WebAsk::What::facts) return ask_facts(exchange, app, std::move(ask));
  const bool is_body = ask.what == WebAsk::What::rows_in;
  HttpAnswer refusal;
  std::unique_ptr<RowWork> made =
      is_body ? rows_to_take(app, std::move(ask), refusal) : rows_to_send(app, std::move(ask), refusal);
  if (made == nullptr) return answer(exchange, std::move(refusal));
  RowWork& work = *works_.emplace(exchange, std::move(made)).first->second;
  if (is_body) return;
  answer(exchange, {.content_type = "application/x-ndjson", .is_streamed = true});
  give_page(exchange, work, Status::ok);
}

void RowDesk::ask_facts(ExchangeId exchange, AppHost& app, WebAsk&& ask) {
  RowWork& work = *works_.emplace(exchange, facts_to_tell(*this, exchange, app, std::move(ask))).first->second;
  advance(exchange, work, true);
}

void RowDesk::answer(ExchangeId exchange, HttpAnswer answer) {
  outbox_.post({.kind = Letter::Kind::answer,
                .exchange = exchange,
                .enclosure = std::make_unique<HttpAnswer>(std::move(answer))});
}

void RowDesk::give_page(ExchangeId exchange, RowWork& work, Status status) {
  bool is_last = false;
  std::string page = work.take_page(is_last);
  const auto has_room = [&] { return !is_last && !work.was_long && !work.is_waiting && page.size() < kLetterBytes; };
  for (int pages = 1; pages < kLetterPages && status == Status::ok && has_room(); ++pages) {
    status = work.next_page();
    page += work.take_page(is_last);
  }
  const Bytes bytes = as_bytes(page);
  outbox_.post({.kind = Letter::Kind::page,
                .status = status,
                .is_last = is_last,
                .exchange = exchange,
                .bytes = {bytes.begin(), bytes.end()}});
}

void RowDesk::more(ExchangeId exchange) {
  RowWork* const work = find(exchange);
  if (work == nullptr) return;
  const Status status = work->next_page();
  if (!work->is_waiting) give_page(exchange, *work, status);
}

void RowDesk::wake(ExchangeId exchange) {
  RowWork* const work = find(exchange);
  if (work == nullptr) return;
  const bool is_refused = work->answer.has_value() && !work->answer->is_streamed;
  advance(exchange, *work, true);
  if (!is_refused) more(exchange);
}

void RowDesk::body(ExchangeId exchange, Bytes piece) {
  RowWork* const work = find(exchange);
  if (work == nullptr) return;
  work->owed_bytes += piece.size();
  advance(exchange, *work, work->take(piece));
}

void RowDesk::body_ended(ExchangeId exchange) {
  RowWork* const work = find(exchange);
  if (work == nullptr) return;
  work->body_ended();
  advance(exchange, *work, work->go_on());
}

void RowDesk::advance(ExchangeId exchange, RowWork& work, bool went_on) {
  if (!went_on) {
    uv_timer_start(
        again_.get(), [](uv_timer_t* timer) { static_cast<RowDesk*>(timer->data)->go_on(); }, kAgainMs, kAgainMs);
  } else if (const std::uint64_t bytes = std::exchange(work.owed_bytes, 0); bytes > 0) {
    outbox_.post({.kind = Letter::Kind::body_taken, .exchange = exchange, .number = bytes});
  }
  if (work.answer.has_value()) answer(exchange, *std::exchange(work.answer, std::nullopt));
}

// Those that wait for the journal.
void RowDesk::go_on() {
  uv_timer_stop(again_.get());
  for (const auto& [exchange, work] : works_) advance(exchange, *work, work->go_on());
}

}  // namespace grid::server
