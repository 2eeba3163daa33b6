// SPDX-License-Identifier: Apache-2.0
//
// The part of Coordinator::Body that takes what links ask beside their replicas: of channels, searches and answers.

#include "server/coordinator_body.h"

namespace grid::server {

void Coordinator::Body::receive_channel(Link& link, Bytes frame) {
  if (!link.session.takes_frames()) return;
  stir_all();
  const Status status = channels_.receive(link.channel, link.session.node(), frame, now_ms_, journal_.wall_ms());
  if (status != Status::ok) link.session.refuse(wire::Kind::channel, status);
}

void Coordinator::Body::receive_search(Link& link, Bytes frame) {
  if (!link.session.takes_frames()) return;
  wire::SearchAsk ask;
  Status status = wire::decode(frame, ask);
  if (status == Status::ok) {
    // What is found, and how it ranks, tells of all the rows that were looked through.
    const bool is_denied = !ask.map.empty() && !link.permit.rows(Right::read, ask.map).is_all();
    constexpr std::string_view kDenied = "only who may read the whole map may search it";
    const std::uint32_t bytes_max = link.session.frame_bytes_max();
    status = searches_.receive(link.search, ask, bytes_max, is_denied ? kDenied : std::string_view());
  }
  if (status != Status::ok) link.session.refuse(wire::Kind::search_ask, status);
}

void Coordinator::Body::receive_entities_ask(Link& link, Bytes frame) {
  if (!link.session.takes_frames()) return;
  wire::EntitiesAsk ask;
  const Status status = wire::decode(frame, ask);
  if (status != Status::ok) return link.session.refuse(wire::Kind::entities_ask, status);
  const bool is_denied = !ask.map.empty() && !link.permit.rows(Right::read, ask.map).is_all();
  constexpr std::string_view kDenied = "only who may read the whole map may ask about its facts";
  entities_.receive(link.entities, ask, is_denied ? kDenied : std::string_view());
}

}  // namespace grid::server
