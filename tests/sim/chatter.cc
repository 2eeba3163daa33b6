// SPDX-License-Identifier: Apache-2.0

#include "tests/sim/chatter.h"

#include "crdt/value.h"

namespace grid::sim {

using runtime::ChannelCall;
using Verb = ChannelCall::Verb;

namespace {

constexpr std::int64_t kNumbers = 1'000'000'000;  // A message is its device's index times that, and its number.

std::string integer(std::int64_t number) {
  std::uint8_t room[16];
  crdt::ValueWriter writer(room);
  writer.integer(number);
  return std::string(as_text(*writer.finish()));
}

}  // namespace

Chatter::Chatter(World& world) : world_(world) {
  world_.when_started([this](Site& site) { started(site); });
  for (std::size_t i = 0; i < world_.device_count(); ++i) started(world_.device(i));
}

void Chatter::fail(const std::string& problem) {
  if (problem_.empty()) problem_ = problem;
}

Status Chatter::call(Site& site, ChannelCall& channel) {
  runtime::Call call{.verb = runtime::Call::Verb::channel, .channel = &channel};
  return world_.call(site, call);
}

void Chatter::listen(Site& site, Ear& ear, Verb verb) {
  const std::string status = verb == Verb::join ? integer(statuses_[&site]) : std::string();
  ChannelCall channel{
      .verb = verb, .name = ear.name, .value = as_bytes(status), .listener = [at = &ear](const Heard& heard) {
        at->chatter->hear(*at, heard);
      }};
  if (call(site, channel) != Status::ok && site.running) fail(site.name + " can't listen to " + ear.name);
  ear.id = channel.id;
}

// A device that starts has forgotten all that it listened to.
void Chatter::started(Site& site) {
  auto& ears = ears_[&site];
  ears.clear();
  for (const char* name : {"t/#", "t/+", "ops"}) {
    ears.push_back(std::make_unique<Ear>());
    ears.back()->chatter = this;
    ears.back()->site = &site;
    ears.back()->name = name;
    listen(site, *ears.back(), ears.size() == 3 ? Verb::join : Verb::subscribe);
  }
}

void Chatter::act(Site& site, std::uint64_t choice) {
  std::int64_t index = 0;
  while (&world_.device(static_cast<std::size_t>(index)) != &site) ++index;
  for (std::uint64_t left = choice % 4; left > 0; --left) {
    const std::string topic = "t/" + site.name;
    const std::string value = integer(index * kNumbers + ++next_);
    ChannelCall publish{.verb = Verb::publish, .name = topic, .value = as_bytes(value)};
    if (call(site, publish) == Status::full) break;  // Out of reach for long: it has been told.
  }
  if (choice / 4 % 4 == 1) set_status(site);
  if (choice / 16 % 8 != 1 || !site.running) return;
  Ear& ear = *ears_[&site].back();
  ChannelCall leave{.verb = Verb::end, .id = ear.id};
  static_cast<void>(call(site, leave));
  ear.members.clear();
  ear.newest = {};
  if (site.running) listen(site, ear, Verb::join);
}

void Chatter::set_status(Site& site) {
  const std::string status = integer(++statuses_[&site]);
  ChannelCall set{.verb = Verb::set_status, .name = "ops", .value = as_bytes(status)};
  if (call(site, set) != Status::ok && site.running) fail(site.name + " can't set its status");
}

void Chatter::hear(Ear& ear, const Heard& heard) {
  if (heard.kind == Heard::Kind::gap || heard.kind == Heard::Kind::lost) return;
  if (heard.kind == Heard::Kind::refused) return fail(ear.site->name + " is refused " + ear.name);
  return heard.kind == Heard::Kind::message ? hear_message(ear, heard) : hear_room(ear, heard);
}

// CHN-1
void Chatter::hear_message(Ear& ear, const Heard& heard) {
  const std::int64_t value = heard.value.integer_or(0);
  std::int64_t& last = ear.last[value / kNumbers];
  if (value % kNumbers <= last) fail(ear.site->name + " hears a message twice, or out of order");
  last = value % kNumbers;
}

void Chatter::hear_room(Ear& ear, const Heard& heard) {
  switch (heard.kind) {
    case Heard::Kind::room_begins:
      ear.members.clear();
      ear.newest = {};
      return;
    case Heard::Kind::member:
      ear.members[heard.member] = heard.value.integer_or(-1);
      return;
    case Heard::Kind::room_stands:
      return;
    default:
      break;
  }
  if (heard.stamp <= ear.newest) fail(ear.site->name + " hears events of a room out of order");
  ear.newest = heard.stamp;
  if (heard.kind == Heard::Kind::left && ear.members.erase(heard.member) == 0) {
    fail(ear.site->name + " hears that somebody has left who was not there");
  }
  if (heard.kind == Heard::Kind::joined || heard.kind == Heard::Kind::status) {
    ear.members[heard.member] = heard.value.integer_or(-1);
  }
}

// CHN-2
void Chatter::judge_rest() {
  std::map<crdt::NodeId, std::int64_t> expected;
  for (const auto& [site, ears] : ears_) {
    expected[site->replica->status(world_.now_ms()).node] = statuses_[site];
  }
  for (const auto& [site, ears] : ears_) {
    if (ears.back()->members == expected) continue;
    fail(site->name + " knows " + std::to_string(ears.back()->members.size()) + " members of the room, or their " +
         "statuses, wrongly: there are " + std::to_string(expected.size()));
  }
}

}  // namespace grid::sim
