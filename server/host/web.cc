// SPDX-License-Identifier: Apache-2.0

#include "server/host/web.h"

#include <algorithm>
#include <utility>

#include "ports/port.h"

namespace grid::server {

using transport::ExchangeId;
using transport::HttpAnswer;
using transport::HttpRequest;
using transport::Method;

namespace {

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

HttpAnswer busy(const std::string& sentence) {
  HttpAnswer answer = web_error(transport::kUnavailable, sentence);
  answer.headers.emplace_back("retry-after", "1");
  return answer;
}

}  // namespace

Web::Web(uv_loop_t* loop, transport::LwsContext& links, Apps& apps, WebOwner& owner)
    : links_(links), apps_(apps), owner_(owner) {
  uv_timer_init(loop, late_.get());
  uv_unref(late_.any());
  late_.get()->data = this;
}

Web::Asked* Web::find(ExchangeId exchange) {
  const auto found = asked_.find(exchange);
  return found == asked_.end() ? nullptr : &found->second;
}

void Web::on_request(ExchangeId exchange, const HttpRequest& request) {
  std::optional<HttpAnswer> answer = answer_to(exchange, request);
  if (answer.has_value()) links_.answer(exchange, std::move(*answer));
}

std::optional<HttpAnswer> Web::answer_to(ExchangeId exchange, const HttpRequest& request) {
  if (request.path == "/readyz") return is_read(request.method) ? tell_ready(request.caller) : not_allowed("GET, HEAD");
  Who who;
  who.admission = owner_.admit(request.caller, who.way);
  if (who.admission.status != transport::kAdmitted) return web_error(who.admission.status, who.admission.sentence);
  if (request.path != "/metrics") return ask_rows(exchange, request, std::move(who));
  return is_read(request.method) ? ask_figures(exchange, std::move(who)) : not_allowed("GET, HEAD");
}

HttpAnswer Web::tell_ready(const transport::Caller& caller) {
  const std::string why_not = owner_.why_not_ready(caller);
  if (!why_not.empty()) return {.status = transport::kUnavailable, .body = why_not + "\n"};
  return {.body = "ready\n"};
}

std::optional<HttpAnswer> Web::ask_figures(ExchangeId exchange, Who&& who) {
  Asked& asked = asked_[exchange];
  asked.identity = who.admission.identity;
  asked.way = std::move(who.way);
  asked.engines_left = apps_.engines().size();
  asked.asked_ms = port::monotonic_ms();
  await_figures();
  for (const auto& engine : apps_.engines()) {
    engine->post({.kind = Letter::Kind::ask,
                  .exchange = exchange,
                  .enclosure = std::make_unique<WebAsk>(WebAsk{.what = WebAsk::What::figures, .who = who.admission})});
  }
  return std::nullopt;
}

// Of the apps into which who asks may look.
void Web::add_figures(Letter&& letter) {
  Asked* const asked = find(letter.exchange);
  if (asked == nullptr || asked->engines_left == 0) return;
  asked->apps += letter.number;
  for (AppFigures& one : *std::get_if<std::vector<AppFigures>>(&letter.enclosure)) {
    asked->figures.push_back(std::move(one));
  }
  if (--asked->engines_left == 0) tell_figures(letter.exchange, *asked);
}

void Web::await_figures() {
  if (uv_is_active(late_.any()) != 0) return;
  uv_timer_start(
      late_.get(), [](uv_timer_t* timer) { static_cast<Web*>(timer->data)->tell_late(); }, kFiguresMs, 0);
}

// An engine that hangs is one whose figures are needed: what waits for it is known here.
void Web::tell_late() {
  const std::uint64_t now_ms = port::monotonic_ms();
  bool is_any_left = false;
  std::vector<ExchangeId> late;
  for (const auto& [exchange, asked] : asked_) {
    if (asked.engines_left == 0) continue;
    const bool is_late = now_ms - asked.asked_ms >= kFiguresMs;
    if (is_late) late.push_back(exchange);
    is_any_left = is_any_left || !is_late;
  }
  for (const ExchangeId exchange : late) tell_figures(exchange, *find(exchange));
  if (is_any_left) await_figures();
}

// Only an engine knows who may look into its apps: who has said who it is, and may look into none of those that have
// answered, is told nothing.
void Web::tell_figures(ExchangeId exchange, Asked& asked) {
  const bool is_late = std::exchange(asked.engines_left, 0) > 0;
  GatewayFigures figures = owner_.figures();
  figures.apps = std::move(asked.figures);
  std::sort(figures.apps.begin(), figures.apps.end(),
            [](const AppFigures& one, const AppFigures& other) { return one.app < other.app; });
  const bool is_none = figures.apps.empty();
  if (is_none && is_late && !asked.identity.empty()) {
    return links_.answer(exchange, busy("an engine does not answer, and it knows who may look"));
  }
  if (is_none && asked.apps > 0) return links_.answer(exchange, web_error(403, "no grant to inspect any app"));
  links_.answer(exchange, {.content_type = "text/plain; version=0.0.4; charset=utf-8", .body = metrics_text(figures)});
}

std::optional<HttpAnswer> Web::ask_rows(ExchangeId exchange, const HttpRequest& request, Who&& who) {
  Place place;
  const bool is_place = place.read(request.path);
  const bool is_import = place.what == "import";
  const bool is_export = place.what == "export";
  const bool is_facts = place.what == "datalog";
  const bool is_known = is_import || is_export || is_facts || place.what == "query";
  if (!is_place || !is_known) return web_error(404, "nothing is here");
  const bool is_post = request.method == Method::post;
  if (is_import && !is_post) return not_allowed("POST");
  if (is_facts && !is_post && request.method != Method::get) return not_allowed("GET, POST");
  if (!is_import && !is_facts && !is_read(request.method)) return not_allowed("GET, HEAD");
  App* const app = apps_.find(place.app);
  if (app == nullptr) return web_error(404, "there is no app " + place.app);
  if (!app->is_open()) return busy("app " + app->name + " is being opened");
  if (app->engine->is_full()) return busy("too much is waiting here");
  Asked& asked = asked_[exchange];
  asked.app = app;
  asked.identity = who.admission.identity;
  asked.way = std::move(who.way);
  using What = WebAsk::What;
  const What what = is_import   ? What::rows_in
                    : is_export ? What::rows_of_export
                    : is_facts  ? What::facts
                                : What::rows_of_query;
  WebAsk ask{.what = what,
             .has_body = is_post,
             .who = std::move(who.admission),
             .map = std::move(place.map),
             .query = request.query};
  app->post({.kind = Letter::Kind::ask, .exchange = exchange, .enclosure = std::make_unique<WebAsk>(std::move(ask))});
  return std::nullopt;
}

void Web::on_body(ExchangeId exchange, Bytes piece) {
  Asked* const asked = find(exchange);
  if (asked == nullptr || asked->app == nullptr) return;
  asked->sent += piece.size();
  asked->app->post({.kind = Letter::Kind::body, .exchange = exchange, .bytes = {piece.begin(), piece.end()}});
  if (asked->sent < kBodyBytes || std::exchange(asked->is_held, true)) return;
  links_.hold_body(exchange, true);
}

void Web::note_taken(const Letter& letter) {
  Asked* const asked = find(letter.exchange);
  if (asked == nullptr) return;
  asked->sent -= std::min(asked->sent, letter.number);
  if (asked->sent < kBodyBytes && std::exchange(asked->is_held, false)) links_.hold_body(letter.exchange, false);
}

void Web::on_body_end(ExchangeId exchange) {
  Asked* const asked = find(exchange);
  if (asked == nullptr || asked->app == nullptr) return;
  asked->app->post({.kind = Letter::Kind::body_end, .exchange = exchange});
}

void Web::answer(Letter&& letter) {
  if (find(letter.exchange) == nullptr) return;
  links_.answer(letter.exchange, std::move(**std::get_if<std::unique_ptr<HttpAnswer>>(&letter.enclosure)));
}

void Web::take_page(Letter&& letter) {
  Asked* const asked = find(letter.exchange);
  if (asked == nullptr) return;
  asked->page = std::move(letter.bytes);
  asked->given = 0;
  asked->is_last = letter.is_last;
  asked->has_failed = letter.status != Status::ok;
  const bool is_gap = asked->page.empty() && !asked->is_last && !asked->has_failed;
  if (is_gap) {
    asked->app->post({.kind = Letter::Kind::more, .exchange = letter.exchange});
  } else {
    links_.want_answer(letter.exchange);
  }
}

std::optional<std::size_t> Web::on_answer_room(ExchangeId exchange, MutBytes room) {
  Asked* const asked = find(exchange);
  if (asked == nullptr) return 0;
  if (asked->has_failed) links_.give_up(exchange);
  const std::size_t size = std::min(room.size(), asked->page.size() - asked->given);
  if (size == 0 && (!asked->is_last || asked->has_failed)) return std::nullopt;
  copy(Bytes(asked->page).subspan(asked->given, size), room);
  asked->given += size;
  if (asked->given < asked->page.size() || size == 0) return size;
  asked->page = {};
  asked->given = 0;
  if (!asked->is_last) asked->app->post({.kind = Letter::Kind::more, .exchange = exchange});
  return size;
}

template <typename IsGone>
void Web::give_up(IsGone is_gone) {
  std::vector<ExchangeId> theirs;
  for (const auto& [exchange, asked] : asked_) {
    if (is_gone(asked)) theirs.push_back(exchange);
  }
  for (const ExchangeId exchange : theirs) links_.give_up(exchange);
}

void Web::disown(std::string_view identity) {
  give_up([identity](const Asked& asked) { return asked.identity == identity; });
}

void Web::disown(const Authenticator::Withdrawn& gone) {
  give_up([&gone](const Asked& asked) { return gone.has(asked.way); });
}

void Web::on_exchange_end(ExchangeId exchange, bool) {
  const auto found = asked_.find(exchange);
  if (found == asked_.end()) return;
  if (found->second.app != nullptr) found->second.app->post({.kind = Letter::Kind::gone, .exchange = exchange});
  asked_.erase(found);
}

}  // namespace grid::server
