// SPDX-License-Identifier: Apache-2.0

#include "runtime/grid/channels.h"

#include "runtime/grid/grid.h"

namespace grid {

using runtime::Call;
using runtime::ChannelCall;
using Verb = ChannelCall::Verb;

namespace {

Status perform(Driver* driver, ChannelCall& channel) {
  Call call{.verb = Call::Verb::channel, .channel = &channel};
  driver->perform(call);
  return call.status;
}

Listening listen(Driver* driver, ChannelCall channel) {
  const Status status = perform(driver, channel);
  return {driver, status, channel.id};
}

Status say(Driver* driver, ChannelCall channel) { return perform(driver, channel); }

Result<Bytes> encode(Driver* driver, std::initializer_list<crdt::Field> record) {
  crdt::ValueWriter writer(driver->scratch());
  writer.begin_record();
  for (const crdt::Field& field : record) {
    writer.field(field.name);
    field.value.write(writer);
  }
  writer.end_record();
  const Result<Bytes> encoded = writer.finish();
  if (!encoded.ok()) driver->complain("the record is too large, names a field twice, or has text that is not UTF-8");
  return encoded;
}

}  // namespace

void Listening::end() {
  if (driver_ == nullptr) return;
  if (status_ == Status::ok) {
    // What has ended by itself is over all the same.
    [[maybe_unused]] const Status status = say(driver_, {.verb = Verb::end, .id = id_});
  }
  driver_ = nullptr;
}

Status Topic::publish(std::initializer_list<crdt::Field> record) {
  const Result<Bytes> value = encode(driver_, record);
  return value.ok() ? publish(crdt::Value(*value)) : value.status();
}

Status Topic::publish(const crdt::Value& value) {
  return say(driver_, {.verb = Verb::publish, .name = name_, .value = value.canonical()});
}

Listening Topic::listen(Listener listener) {
  return grid::listen(driver_, {.verb = Verb::subscribe, .name = name_, .listener = listener});
}

Listening Room::join(const crdt::Value& status, Listener listener, std::uint32_t lease_ms) {
  return grid::listen(
      driver_,
      {.verb = Verb::join, .name = name_, .value = status.canonical(), .lease_ms = lease_ms, .listener = listener});
}

Listening Room::join(std::initializer_list<crdt::Field> status, Listener listener, std::uint32_t lease_ms) {
  const Result<Bytes> value = encode(driver_, status);
  return value.ok() ? join(crdt::Value(*value), listener, lease_ms) : Listening(driver_, value.status(), 0);
}

Listening Room::attend(Listener listener) {
  return grid::listen(driver_, {.verb = Verb::attend, .name = name_, .listener = listener});
}

Status Room::set_status(const crdt::Value& status) {
  return say(driver_, {.verb = Verb::set_status, .name = name_, .value = status.canonical()});
}

Status Room::set_status(std::initializer_list<crdt::Field> status) {
  const Result<Bytes> value = encode(driver_, status);
  return value.ok() ? set_status(crdt::Value(*value)) : value.status();
}

Status Room::set_room_status(const crdt::Value& status) {
  return say(driver_, {.verb = Verb::set_room_status, .name = name_, .value = status.canonical()});
}

Status Room::tell(const crdt::Value& value) {
  return say(driver_, {.verb = Verb::tell, .name = name_, .value = value.canonical()});
}

std::uint32_t Node::flush_channels() {
  ChannelCall channel{.verb = Verb::flush};
  [[maybe_unused]] const Status status = perform(driver_, channel);
  return channel.id;
}

}  // namespace grid
