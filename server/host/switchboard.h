// SPDX-License-Identifier: Apache-2.0
//
// Switchboard: the links of a gateway: which app each leads to, and what its socket has not taken yet.
//
// Place     Below gateway.h, above apps.h and transport/lws. Knows frames as bytes.
// Promises  A frame that came is posted, never dropped: where its engine is full, the link it came by is not read until
//           there is room. A link is closed behind the frames that its engine sent.
//           BND-1  Of each link, what outflow.h lets an engine send.
// Threads   One: the network's.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "server/host/apps.h"
#include "transport/lws/lws_context.h"

namespace grid::server {

class Switchboard {
 public:
  explicit Switchboard(transport::LwsContext& links) : links_(links) {}

  void connect(transport::LinkId link, App& app, std::string_view identity, Bytes claims);
  // Null: it leads nowhere, or no more.
  App* find(transport::LinkId link) const;
  void came(transport::LinkId link, Bytes frame);
  // As LinkListener::on_writable().
  std::optional<std::size_t> give(transport::LinkId link, MutBytes room);
  // It is down.
  void lost(transport::LinkId link);
  // The engine's letters.
  void send(Letter&& letter);
  void close(transport::LinkId link);
  // Ends the link from this side.
  void hang_up(transport::LinkId link, std::uint16_t code, std::string_view reason);
  std::vector<transport::LinkId> links_of(const App& app) const;
  // An engine takes letters again: reads on from those that were held, where there is room.
  void release();
  // Likewise, of an app that is open now.
  void opened(const App& app);
  // Those whose app has been opening for so long since nothing is read of them.
  std::vector<transport::LinkId> held_for_apps(std::uint64_t ms) const;

  std::size_t count() const { return lines_.size(); }
  // Any of them; none: there is none.
  std::optional<transport::LinkId> any() const;

 private:
  struct Line {
    App* app = nullptr;         // Null: it is closed when `out` is sent.
    std::vector<Letter> out{};  // Frames, as few as outflow.h says.
    bool is_held = false;
    std::uint64_t held_since_ms = 0;
  };

  void hold(transport::LinkId link, Line& line);
  void let_go(transport::LinkId link, Line& line);

  transport::LwsContext& links_;
  std::map<transport::LinkId, Line> lines_;
  std::set<transport::LinkId> held_;  // For their engine is full: those whose app is being opened wait for that.
};

}  // namespace grid::server
