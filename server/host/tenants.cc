// SPDX-License-Identifier: Apache-2.0

#include "server/host/tenants.h"

#include <algorithm>
#include <utility>

namespace grid::server {

using runtime::Event;

Tenants::Tenants(uv_loop_t* loop, Mailbox& outbox)
    : loop_(loop),
      outbox_(outbox),
      room_(std::make_unique_for_overwrite<std::uint8_t[]>(kFrameBytesMax)),
      rows_(loop, outbox) {}

void Tenants::deliver(Letter&& letter) {
  using Kind = Letter::Kind;
  switch (letter.kind) {
    case Kind::app:
      return take_in(std::move(letter));
    case Kind::rules:
      return letter.app->take_rules(std::move(**std::get_if<std::unique_ptr<AppConfig>>(&letter.enclosure)));
    case Kind::link_up:
      return letter.app->link_up(letter.link, letter.text, letter.bytes);
    case Kind::link_down:
      return letter.app->link_down(letter.link);
    case Kind::frame:
      return letter.app->step({.kind = Event::Kind::frame, .link = letter.link, .bytes = letter.bytes});
    case Kind::taken:
      return letter.app->taken(letter.link);
    case Kind::proven:
      return letter.app->step({.kind = Event::Kind::proven,
                               .link = letter.link,
                               .bytes = letter.bytes,
                               .status = letter.status,
                               .identity = letter.text});
    case Kind::ask: {
      WebAsk& ask = **std::get_if<std::unique_ptr<WebAsk>>(&letter.enclosure);
      if (ask.what == WebAsk::What::figures) return tell_figures(letter, ask);
      return rows_.ask(letter.exchange, *letter.app, std::move(ask));
    }
    case Kind::drained:
      outbox_.post({.kind = Kind::drained, .is_last = is_drained()});
      return;
    case Kind::body:
      return rows_.body(letter.exchange, letter.bytes);
    case Kind::body_end:
      return rows_.body_ended(letter.exchange);
    case Kind::more:
      return rows_.more(letter.exchange);
    case Kind::gone:
      return rows_.forget(letter.exchange);
    default:
      return;
  }
}

void Tenants::take_in(Letter&& letter) {
  apps_.push_back(std::move(*std::get_if<std::unique_ptr<AppHost>>(&letter.enclosure)));
  apps_.back()->run(loop_, static_cast<AppHost::Owner&>(*this));
}

void Tenants::go_on() {
  for (const auto& app : apps_) app->go_on();
}

Status Tenants::stop() {
  Status status = Status::ok;
  for (const auto& app : apps_) {
    const Status stopped = app->stop();
    if (stopped != Status::ok) status = stopped;
  }
  return status;
}

bool Tenants::is_drained() const {
  return std::all_of(apps_.begin(), apps_.end(),
                     [](const auto& app) { return app->has_failed() || app->is_drained(); });
}

void Tenants::tell_figures(const Letter& letter, const WebAsk& ask) {
  std::vector<AppFigures> figures;
  for (const auto& app : apps_) {
    if (app->may(ask.who.identity, ask.who.claims, Right::inspect)) figures.push_back(app->figures());
  }
  outbox_.post({.kind = Letter::Kind::figures,
                .exchange = letter.exchange,
                .number = apps_.size(),
                .enclosure = std::move(figures)});
}

void Tenants::send(AppHost& app, runtime::LinkId link, Bytes frame, bool wants_word) {
  outbox_.post({.kind = Letter::Kind::frame,
                .wants_word = wants_word,
                .link = link,
                .app = &app,
                .bytes = {frame.begin(), frame.end()}});
}

void Tenants::close(runtime::LinkId link) { outbox_.post({.kind = Letter::Kind::close, .link = link}); }

void Tenants::prove(runtime::LinkId link, std::string_view token) {
  outbox_.post({.kind = Letter::Kind::prove, .link = link, .text = std::string(token)});
}

void Tenants::failed(const AppHost& app) {
  outbox_.post({.kind = Letter::Kind::failed, .text = "app " + app.app() + ": " + app.failure()});
}

}  // namespace grid::server
