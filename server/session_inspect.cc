// SPDX-License-Identifier: Apache-2.0
//
// The part of Session that answers who looks into the gateway (docs/WIRE.md, "Looking in").

#include <algorithm>
#include <charconv>

#include "crdt/value.h"
#include "server/session.h"

namespace grid::server {

using wire::Kind;

namespace {

constexpr std::size_t kSubscriptionsOfAnAnswer = 128;
constexpr const char* kScopes[] = {"everything", "map", "prefix", "key", "where", "facts", "entity"};

std::string hex(std::uint64_t number, std::size_t digits) {
  std::string text(digits, '0');
  for (; number != 0; number >>= 4) text[--digits] = "0123456789abcdef"[number & 15];
  return text;
}

// A subscription of a link, as it is named to who looks: LINK/ID in hex, in an order that pages can follow.
struct Place {
  static constexpr std::size_t kLinkDigits = 16;
  static constexpr std::size_t kTextBytes = kLinkDigits + 1 + 8;

  runtime::LinkId link = 0;
  std::uint32_t id = 0;

  // False: it is none. Empty is before all of them.
  bool read(std::string_view text) {
    if (text.empty()) return true;
    if (text.size() != kTextBytes || text[kLinkDigits] != '/') return false;
    const char* const slash = text.data() + kLinkDigits;
    const char* const end = text.data() + kTextBytes;
    return std::from_chars(text.data(), slash, link, 16).ptr == slash &&
           std::from_chars(slash + 1, end, id, 16).ptr == end;
  }
  std::string text() const { return hex(link, kLinkDigits) + "/" + hex(id, 8); }
};

}  // namespace

Status Session::receive_inspect(Bytes frame) {
  grid_InspectAsk message = grid_InspectAsk_init_zero;
  GRID_TRY(wire::decode(frame, message));
  if (inspected_due_.size() >= shared_.options.subscriptions_max) return Status::full;
  inspected_due_.push_back({message.id, message.topic, message.argument, message.after});
  return Status::ok;
}

Bytes Session::write_inspected(MutBytes room) {
  const Inspected ask = std::move(inspected_due_.front());
  inspected_due_.pop_front();
  const auto refuse = [&](Status status) {
    return wire::OpsWriter(Kind::inspect_reply, {.id = ask.id, .map = "inspect", .status = status}, room)
        .finish({}, true);
  };
  if (!permit_.may(Right::inspect)) return refuse(Status::denied);
  if (ask.topic == kInspectTopics[0]) return tell_status(ask.id, room);
  if (ask.topic == kInspectTopics[1]) return tell_subscriptions(ask, room);
  if (ask.topic == kInspectTopics[2]) return tell_devices(ask, room);
  return refuse(Status::not_found);
}

Bytes Session::tell_status(std::uint32_t id, MutBytes room) const {
  std::uint8_t bytes[4'096];
  crdt::ValueWriter writer(bytes);
  const CoordinatorStatus& status = shared_.figures;
  const auto number = [&](std::string_view name, std::uint64_t value) {
    writer.field(name);
    writer.integer(static_cast<std::int64_t>(value));
  };
  writer.begin_record();
  writer.field("app");
  writer.text(shared_.options.app);
  number("cell_bytes", status.cell_bytes);
  number("cells", status.cells);
  number("cells_collected", status.cells_collected);
  number("cells_healed", status.cells_healed);
  number("cells_sent", status.cells_sent);
  number("dead_letters", status.sink.dead_letters);
  number("devices_enrolled", status.devices_enrolled);
  number("devices_lapsed", status.devices_lapsed);
  number("drained", status.drained);
  number("durable", status.durable);
  number("epoch", status.epoch);
  number("floor", status.floor);
  number("head", status.head);
  number("index_bytes", status.index_bytes);
  number("indexes", status.indexes);
  number("indexes_over_cap", status.indexes_over_cap);
  writer.field("judging");
  writer.boolean(status.judging);
  number("links", status.links);
  number("members", status.channels.members);
  number("messages", status.channels.messages);
  number("messages_lost", status.channels.messages_lost);
  number("messages_sent", status.channels.messages_sent);
  number("ops_applied", status.ops_applied);
  number("ops_rejected", status.ops_rejected);
  number("ops_unpaid", status.ops_unpaid);
  number("queue_age_ms", status.sink.queue_age_ms);
  number("queue_cells", status.sink.queue_cells);
  number("quota_bytes", status.quota.bytes);
  number("quota_cells", status.quota.cells);
  number("quota_ops_per_second", status.quota.ops_per_second);
  number("rooms", status.channels.rooms);
  number("rows_judged", status.rows_judged);
  writer.field("sink");
  writer.text(shared_.options.has_sink ? name_of(status.sink.status) : "none");
  writer.field("sink_problem");
  writer.text(status.sink.problem);
  writer.field("sink_since");
  writer.timestamp(static_cast<std::int64_t>(status.sink.since_wall_ms));
  number("subscriptions", status.subscriptions);
  number("tombstones", status.tombstones);
  writer.field("wall_ms");
  writer.timestamp(static_cast<std::int64_t>(shared_.journal.wall_ms()));
  writer.end_record();
  const Result<Bytes> value = writer.finish();
  wire::OpsWriter reply(Kind::inspect_reply, {.id = id, .map = "inspect", .status = value.status()}, room);
  if (value.ok()) {
    reply.add({.cell = {{"inspect", "status", {}}, crdt::Stamp::of(shared_.journal.wall_ms(), 0, 1), 0, *value}});
  }
  return reply.finish({}, true);
}

// In pages, as a scan of rows.
Bytes Session::tell_subscriptions(const Inspected& ask, MutBytes room) const {
  Place from;
  const Status known = from.read(ask.argument) ? Status::ok : Status::invalid;
  wire::OpsWriter reply(Kind::inspect_reply, {.id = ask.id, .map = "inspect", .status = known}, room);
  if (known != Status::ok) return reply.finish({}, true);
  const Session* session = shared_.sessions.first_from(from.link);
  for (; session != nullptr; session = shared_.sessions.first_from(session->link() + 1)) {
    std::vector<const Subscription*> all;
    for (const auto& one : session->subscriptions_) {
      const bool is_before =
          session->link() == from.link && (one->id() < from.id || (ask.after && one->id() == from.id));
      const bool may_look = !permit_.rows(Right::inspect, one->scope().map).is_none();
      if (!is_before && may_look) all.push_back(one.get());
    }
    std::sort(all.begin(), all.end(), [](const auto* a, const auto* b) { return a->id() < b->id(); });
    for (const Subscription* one : all) {
      if (reply.count() == kSubscriptionsOfAnAnswer) return reply.finish({}, false);
      if (session->tell(*one, reply)) continue;
      if (reply.count() > 0) return reply.finish({}, false);
      // No frame of that end can hold it.
      const std::string name = Place{session->link(), one->id()}.text();
      wire::OpsWriter bare(Kind::inspect_reply, {.id = ask.id, .map = "inspect", .status = Status::too_large}, room);
      bare.add({.cell = {.name = {"inspect", name, {}}, .stamp = {}}});
      return bare.finish({}, false);
    }
  }
  return reply.finish({}, true);
}

// False: there is no room for it.
bool Session::tell(const Subscription& one, wire::OpsWriter& reply) const {
  std::uint8_t bytes[1'024];
  crdt::ValueWriter writer(bytes);
  const auto number = [&](std::string_view name, std::uint64_t value) {
    writer.field(name);
    writer.integer(static_cast<std::int64_t>(value));
  };
  const auto text = [&](std::string_view name, std::string_view value) {
    writer.field(name);
    writer.text(value);
  };
  const runtime::Scope scope = one.scope();
  const storage::Seq head = shared_.journal.head();
  const storage::Seq position = one.is_stale() ? one.position() : head;
  writer.begin_record();
  number("behind", head - std::min(head, position));
  number("coalesced", one.coalesced_count());
  number("held", one.held_count());
  text("map", scope.map);
  text("node", hex(node_, 16));
  number("position", position);
  text("scope", kScopes[static_cast<std::size_t>(scope.kind)]);
  number("sent", one.sent_count());
  text("text", scope.text);
  writer.end_record();
  const Result<Bytes> value = writer.finish();
  const std::string name = Place{link_, one.id()}.text();
  const crdt::Stamp stamp = crdt::Stamp::of(shared_.journal.wall_ms(), 0, 1);
  return value.ok() && reply.add({.cell = {{"inspect", name, {}}, stamp, 0, *value}});
}

}  // namespace grid::server
