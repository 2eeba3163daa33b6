// SPDX-License-Identifier: Apache-2.0

#include "server/host/web.h"

#include <utility>

#include "transport/json/value_json.h"

namespace grid::server {

using transport::Admission;
using transport::ExchangeId;
using transport::HttpAnswer;
using transport::HttpRequest;
using transport::Method;

namespace {

constexpr std::uint64_t kAgainMs = 20;
constexpr std::uint64_t kSoonMs = 1;
constexpr const char* kJson = "application/json";

// /v1/APP/WHAT/MAP
struct Place {
  std::string app;
  std::string_view what;
  std::string map;

  bool read(std::string_view path) {
    if (!path.starts_with("/v1/")) return false;
    path.remove_prefix(4);
    const std::size_t first = path.find('/');
    const std::size_t second = first == std::string_view::npos ? first : path.find('/', first + 1);
    if (second == std::string_view::npos) return false;
    app = path.substr(0, first);
    what = path.substr(first + 1, second - first - 1);
    map = path.substr(second + 1);
    return true;
  }
};

bool is_read(Method method) { return method == Method::get || method == Method::head; }

HttpAnswer not_allowed(const char* methods) {
  HttpAnswer answer = web_error(405, std::string("this takes ") + methods);
  answer.headers.emplace_back("allow", methods);
  return answer;
}

}  // namespace

HttpAnswer web_error(std::uint16_t status, std::string_view sentence) {
  std::string body = "{\"error\":";
  json::append_json_text(body, sentence);
  return {.status = status, .content_type = kJson, .body = body + "}\n"};
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

Web::Web(uv_loop_t* loop, transport::LwsContext& links, WebOwner& owner) : links_(links), owner_(owner) {
  again_.get()->data = this;
  uv_timer_init(loop, again_.get());
}

void Web::on_request(ExchangeId exchange, const HttpRequest& request) {
  std::unique_ptr<WebWork> work;
  HttpAnswer answer = answer_to(request, work);
  if (work == nullptr) return links_.answer(exchange, std::move(answer));
  const bool takes_rows = !answer.is_streamed;
  works_.emplace(exchange, std::move(work));
  if (!takes_rows) links_.answer(exchange, std::move(answer));
}

HttpAnswer Web::answer_to(const HttpRequest& request, std::unique_ptr<WebWork>& work) {
  if (request.path == "/readyz") return is_read(request.method) ? tell_ready() : not_allowed("GET, HEAD");
  const Admission who = owner_.admit(request.caller);
  if (who.status != transport::kAdmitted) return web_error(who.status, who.sentence);
  if (request.path == "/metrics") return is_read(request.method) ? tell_metrics(who) : not_allowed("GET, HEAD");
  return begin_rows(request, who, work);
}

HttpAnswer Web::tell_ready() const {
  const std::string why_not = owner_.why_not_ready();
  if (!why_not.empty()) return {.status = transport::kUnavailable, .body = why_not + "\n"};
  return {.body = "ready\n"};
}

// Of the apps into which who asks may look.
HttpAnswer Web::tell_metrics(const Admission& who) const {
  GatewayFigures figures = owner_.figures();
  const bool had_apps = !figures.apps.empty();
  std::erase_if(figures.apps, [&](const AppFigures& one) {
    AppHost* const app = owner_.web_app(one.app);
    return app == nullptr || !app->may(who.identity, who.claims, Right::inspect);
  });
  if (figures.apps.empty() && had_apps) return web_error(403, "no grant to inspect any app");
  return {.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = metrics_text(figures)};
}

HttpAnswer Web::begin_rows(const HttpRequest& request, const Admission& who, std::unique_ptr<WebWork>& work) {
  Place place;
  const bool is_place = place.read(request.path);
  const bool is_import = place.what == "import";
  const bool is_export = place.what == "export";
  if (!is_place || (!is_import && !is_export && place.what != "query")) return web_error(404, "nothing is here");
  if (is_import && request.method != Method::post) return not_allowed("POST");
  if (!is_import && !is_read(request.method)) return not_allowed("GET, HEAD");
  AppHost* const app = owner_.web_app(place.app);
  if (app == nullptr) return web_error(404, "there is no app " + place.app);
  HttpAnswer answer;
  work = is_import ? rows_to_take(*app, who, std::move(place.map), request.query, answer)
                   : rows_to_send(*app, who, std::move(place.map), request.query, is_export, answer);
  if (work != nullptr) work->identity = who.identity;
  return answer;
}

void Web::on_body(ExchangeId exchange, Bytes piece) {
  const auto found = works_.find(exchange);
  if (found == works_.end()) return;
  WebWork& work = *found->second;
  if (!work.take(piece)) {
    work.is_held = true;
    links_.hold_body(exchange, true);
    try_again(kAgainMs);
  }
  settle(exchange, work);
}

void Web::on_body_end(ExchangeId exchange) {
  const auto found = works_.find(exchange);
  if (found == works_.end()) return;
  found->second->body_ended();
  if (!found->second->go_on()) try_again(kAgainMs);
  settle(exchange, *found->second);
}

void Web::settle(ExchangeId exchange, WebWork& work) {
  if (work.answer.has_value()) links_.answer(exchange, *std::exchange(work.answer, std::nullopt));
}

void Web::try_again(std::uint64_t after_ms) {
  uv_timer_start(
      again_.get(), [](uv_timer_t* timer) { static_cast<Web*>(timer->data)->go_on(); }, after_ms, kAgainMs);
}

// Those that wait for the journal, or for their next turn to look at rows.
void Web::go_on() {
  bool waits = false;
  std::vector<ExchangeId> exchanges;
  for (const auto& [exchange, work] : works_) exchanges.push_back(exchange);
  for (const ExchangeId exchange : exchanges) {
    const auto found = works_.find(exchange);
    if (found == works_.end()) continue;
    if (std::exchange(found->second->looks_on, false)) links_.want_answer(exchange);
    const bool went_on = found->second->go_on();
    waits = waits || !went_on;
    if (went_on && std::exchange(found->second->is_held, false)) links_.hold_body(exchange, false);
    settle(exchange, *found->second);
  }
  if (!waits) uv_timer_stop(again_.get());
}

void Web::disown(std::string_view identity) {
  std::vector<ExchangeId> theirs;
  for (const auto& [exchange, work] : works_) {
    if (work->identity == identity) theirs.push_back(exchange);
  }
  for (const ExchangeId exchange : theirs) links_.give_up(exchange);
}

std::optional<std::size_t> Web::on_answer_room(ExchangeId exchange, MutBytes room) {
  const auto found = works_.find(exchange);
  if (found == works_.end()) return 0;
  const std::optional<std::size_t> given = found->second->give(room);
  if (found->second->has_failed) links_.give_up(exchange);
  if (found->second->looks_on) try_again(kSoonMs);
  return given;
}

void Web::on_exchange_end(ExchangeId exchange, bool) { works_.erase(exchange); }

}  // namespace grid::server
