// SPDX-License-Identifier: Apache-2.0
//
// room join NAME: is in a room, and prints what happens there. room events NAME: prints it without being in. room
// status NAME [JSON]: who is in it and how they are; or sets the room's own. room tell NAME JSON: says something to all
// in it.
#include <algorithm>
#include <cstdio>
#include <map>

#include "cli/argument.h"
#include "cli/channel.h"
#include "cli/print.h"
#include "cli/text.h"
#include "transport/json/value_json.h"

namespace grid::cli {
namespace {

const char* why_of(Leaving why) {
  return why == Leaving::left ? "left" : why == Leaving::lapsed ? "lapsed" : "link_ended";
}

std::string line_of(const Heard& heard) {
  std::string line = "{\"room\":" + json_text(heard.name) + ",\"event\":\"" + name_of(heard.kind) + "\"";
  if (heard.member != 0) line += ",\"member\":\"" + hex(heard.member) + "\"";
  if (heard.is_own) line += ",\"own\":true";
  if (heard.kind == Heard::Kind::left) line += std::string(",\"why\":\"") + why_of(heard.why) + "\"";
  if (heard.kind != Heard::Kind::left && heard.count != 0) line += ",\"lost\":" + std::to_string(heard.count);
  if (heard.value.exists()) line += ",\"value\":" + json::json_from_value(heard.value);
  if (!heard.stamp.is_none()) line += ",\"stamp\":" + json_text(stamp_text(heard.stamp));
  return line + "}\n";
}

void hear(Told& told, const Heard& heard) {
  if (heard.kind == Heard::Kind::refused) told.refused = heard.status;
  if (heard.kind == Heard::Kind::refused) return;
  told.print(line_of(heard));
  ++told.count;
}

// A room as it is told in full.
struct Picture {
  std::string status;
  std::map<crdt::NodeId, std::string> members;
  bool stands = false;

  void hear(const Heard& heard) {
    if (heard.kind == Heard::Kind::room_begins) status = as_text(heard.value.canonical());
    if (heard.kind == Heard::Kind::room_begins) members.clear();
    if (heard.kind == Heard::Kind::member) members[heard.member] = as_text(heard.value.canonical());
    if (heard.kind == Heard::Kind::room_stands) stands = true;
  }
};

std::string members_of(const Picture& picture) {
  std::string canonical(64 + picture.members.size() * 64, '\0');
  for (const auto& [node, status] : picture.members) canonical.resize(canonical.size() + status.size());
  crdt::ValueWriter writer({reinterpret_cast<std::uint8_t*>(canonical.data()), canonical.size()});
  writer.begin_list();
  for (const auto& [node, status] : picture.members) {
    writer.begin_record();
    writer.field("member");
    writer.text(hex(node));
    writer.field("status");
    status.empty() ? writer.null() : writer.copy_of(Value(as_bytes(status)));
    writer.end_record();
  }
  writer.end_list();
  const Result<Bytes> value = writer.finish();
  if (!value.ok()) throw Failure(Exit::failure, "the members' statuses are nested too deep to be shown in a list");
  return std::string(as_text(*value));
}

Exit show(const Context& context, const RoomOptions& options) {
  Session session(on_net(context));
  Picture picture;
  const Listening attendance =
      session.node().room(options.name).attend([at = &picture](const Heard& heard) { at->hear(heard); });
  session.require(attendance.status());
  finish_channels(session);
  const Session::Ended ended = session.wait([&](const ReplicaStatus&) { return picture.stands; }, kPatienceMs);
  if (ended != Session::Ended::done) throw session.no_link();
  if (picture.members.empty()) throw Failure(Exit::not_found, "nobody is in the room " + options.name);
  const std::string members = members_of(picture);
  Report report;
  report.text("room", options.name);
  picture.status.empty() ? report.nothing("status") : report.value("status", Value(as_bytes(picture.status)));
  report.value("members", Value(as_bytes(members))).print(context.format);
  return Exit::ok;
}

// Ends of what was said to a room.
Exit finish_saying(Session& session, const Context& context, const RoomOptions& options, const char* outcome) {
  try {
    finish_channels(session);
  } catch (const Failure& failure) {
    if (failure.exit() != Exit::not_found) throw;
    throw Failure(Exit::not_found, "nobody is in the room " + options.name);
  }
  if (context.format != Format::automatic) {
    Report().text("room", options.name).text("outcome", outcome).print(context.format);
  }
  return Exit::ok;
}

}  // namespace

Exit room_join(const Context& context, const RoomOptions& options) {
  const std::string status = options.json.empty() ? std::string() : value_argument(options.json);
  Session session(on_net(context));
  Told told{.count_max = options.count};
  const Listening presence = session.node()
                                 .room(options.name)
                                 .join(
                                     Value(as_bytes(status)), [at = &told](const Heard& heard) { hear(*at, heard); },
                                     static_cast<std::uint32_t>(std::min<std::uint64_t>(options.lease_ms, UINT32_MAX)));
  session.require(presence.status());
  finish_channels(session);
  return listen(session, told, options.for_ms);
}

Exit room_events(const Context& context, const RoomOptions& options) {
  Session session(on_net(context));
  Told told{.count_max = options.count};
  const Listening attendance =
      session.node().room(options.name).attend([at = &told](const Heard& heard) { hear(*at, heard); });
  session.require(attendance.status());
  finish_channels(session);
  return listen(session, told, options.for_ms);
}

Exit room_status(const Context& context, const RoomOptions& options) {
  if (options.json.empty()) return show(context, options);
  const std::string status = value_argument(options.json);
  Session session(on_net(context));
  session.require(session.node().room(options.name).set_room_status(Value(as_bytes(status))));
  return finish_saying(session, context, options, "set");
}

Exit room_tell(const Context& context, const RoomOptions& options) {
  const std::string value = value_argument(options.json);
  Session session(on_net(context));
  session.require(session.node().room(options.name).tell(Value(as_bytes(value))));
  return finish_saying(session, context, options, "told");
}

}  // namespace grid::cli
