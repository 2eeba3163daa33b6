// SPDX-License-Identifier: Apache-2.0
//
// Letter: what crosses between the network's thread and an engine's, in a mailbox.
//
// Place     Below mailbox.h. Plain data that owns what it carries, so that nothing of one thread is seen by the other.
//           `app` is a name to the network, which never looks into it: it belongs to its engine.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "crdt/base/status.h"
#include "server/host/app_config.h"
#include "server/host/app_host.h"
#include "transport/lws/http_listener.h"
#include "transport/lws/link_listener.h"

namespace grid::server {

// Who asks by HTTP, and what.
struct WebAsk {
  enum class What : std::uint8_t { rows_in, rows_of_query, rows_of_export, facts, figures };

  What what = What::figures;
  bool has_body = false;
  transport::Admission who{};
  std::string map{};
  transport::Fields query{};
};

struct Letter {
  enum class Kind : std::uint8_t {
    // ---- to an engine
    app,        // An app that is open: the engine's, from now on.
    rules,      // app, AppConfig
    link_up,    // app, link, text: identity, bytes: claims
    link_down,  // app, link
    taken,      // app, link: the socket has the frame that wanted word, and all before it
    proven,     // app, link, status, text: identity, bytes: claims
    ask,        // app, exchange, WebAsk. `figures` are of all apps of the engine.
    body,       // exchange, bytes; `body_taken` answers, later when the journal is full
    body_end,   // exchange
    more,       // exchange: the page is given
    gone,       // exchange
    stop,
    // ---- either way
    drained,  // Whether the databases have all; is_last: they have
    frame,    // app, link, bytes; wants_word: of the engine, who goes on when it is taken
    // ---- to the network
    close,       // link, behind all frames of it
    prove,       // link, text: a token
    failed,      // text: the medium of an app has failed, and how
    answer,      // exchange, HttpAnswer
    page,        // exchange, bytes; is_last: there is no more; status: what there is will never be whole
    body_taken,  // exchange, number: bytes
    figures,     // exchange, AppFigures of those apps into which who asks may look; number: of how many
  };
  using Enclosure =
      std::variant<std::monostate, std::unique_ptr<AppHost>, std::unique_ptr<AppConfig>, std::unique_ptr<WebAsk>,
                   std::unique_ptr<transport::HttpAnswer>, std::vector<AppFigures>>;

  Kind kind = Kind::stop;
  Status status = Status::ok;
  bool wants_word = false;
  bool is_last = false;
  transport::LinkId link = 0;
  AppHost* app = nullptr;
  transport::ExchangeId exchange = 0;
  std::uint64_t number = 0;
  std::uint64_t posted_ns = 0;  // The mailbox's.
  std::vector<std::uint8_t> bytes{};
  std::string text{};
  Enclosure enclosure{};

  std::size_t size() const { return sizeof(Letter) + bytes.size() + text.size(); }
};

}  // namespace grid::server
