// SPDX-License-Identifier: Apache-2.0
//
// A chip's line that is looked into: bytes one at a time, a line that is stuck, floods, and one asker after the other.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "ports/inspect/inspect_line.h"
#include "storage/memory/memory_store.h"
#include "tests/check.h"

namespace {

using namespace grid;
using runtime::Event;
using transport::Arrival;
using transport::StreamLink;

// A UART as the test plays it.
struct Wire final : transport::ByteLink {
  Result<std::size_t> read(MutBytes room) override {
    const std::size_t size = std::min({room.size(), at_a_time, coming.size()});
    copy(as_bytes(coming).first(size), room);
    coming.erase(0, size);
    return size;
  }
  Result<std::size_t> write(Bytes bytes) override {
    const std::size_t size = is_stuck ? 0 : std::min(bytes.size(), at_a_time);
    gone += as_text(bytes.first(size));
    return size;
  }
  void close() override {}

  std::string coming, gone;
  std::size_t at_a_time = SIZE_MAX;
  bool is_stuck = false;
};

struct Device {
  Device() { replica.step({.kind = Event::Kind::start, .now_ms = 1}); }
  void turn() { line.turn(replica.status(1), 0); }

  Wire wire;
  storage::MemoryStore store;
  std::vector<std::uint8_t> memory = std::vector<std::uint8_t>(runtime::Replica::memory_bytes(kPico));
  runtime::Replica replica{store, {.app = "farm", .seed = 7, .limits = &kPico}, memory};
  runtime::Inspector inspector{replica, store, {"farm", "test 1"}};
  std::uint8_t arriving[port::InspectLine::kArrivingBytes];
  std::uint8_t sending[port::InspectLine::sending_bytes(kPico)];
  port::InspectLine line{wire, inspector, arriving, sending};
};

// gridctl's end.
struct Asker {
  explicit Asker(Device& of) : device(of) {}

  void send() {
    while (!link.outgoing().empty()) {
      device.wire.coming += as_text(link.outgoing());
      link.sent(link.outgoing().size());
    }
  }
  void ask(std::string_view topic) {
    grid_InspectAsk ask = grid_InspectAsk_init_zero;
    ask.id = 9;
    std::copy(topic.begin(), topic.end(), ask.topic);
    std::uint8_t bytes[wire::kControlBytesMax];
    const Result<Bytes> frame = wire::encode(ask, bytes);
    assert_ok(frame.status());
    copy(*frame, link.room());
    link.send(frame->size());
    send();
  }
  // What came, as words.
  std::string hear() {
    const std::string came = std::exchange(device.wire.gone, {});
    Bytes bytes = as_bytes(came);
    std::string story;
    for (Arrival arrival = link.receive(bytes); arrival.kind != Arrival::Kind::none; arrival = link.receive(bytes)) {
      if (arrival.kind == Arrival::Kind::opened) story += "opened ";
      if (arrival.kind == Arrival::Kind::frame) story += "answer ";
      if (arrival.kind == Arrival::Kind::closed) story += "closed ";
    }
    return story;
  }
  void open(std::uint16_t session) {
    link.open(session);
    send();
    for (int i = 0; i < 100; ++i) device.turn();
    assert_string_equal(hear().c_str(), "opened ");
  }

  Device& device;
  std::uint8_t arriving[StreamLink::arriving_bytes(2'048)]{};
  std::uint8_t sending[StreamLink::sending_bytes(512)];
  StreamLink link{arriving, sending};
};

void an_ask_is_answered_byte_by_byte(void**) {
  Device device;
  Asker asker(device);
  device.wire.at_a_time = 1;
  asker.open(7);
  asker.ask("status");
  while (!device.wire.coming.empty()) device.turn();
  assert_string_equal(asker.hear().c_str(), "answer ");
}

// BND-1
void nothing_is_taken_from_a_line_that_takes_no_answer(void**) {
  Device device;
  Asker asker(device);
  asker.open(7);
  device.wire.is_stuck = true;
  asker.ask("status");
  device.turn();
  device.wire.coming = std::string(10'000, 'x');
  for (int i = 0; i < 100; ++i) device.turn();
  assert_int_equal(device.wire.coming.size(), 10'000);
  device.wire.is_stuck = false;
  device.turn();
  assert_string_equal(asker.hear().c_str(), "answer ");
}

// BND-1
void a_turn_takes_so_much_of_a_flood_and_no_more(void**) {
  Device device;
  device.wire.coming = std::string(10'000, 'x');
  device.turn();
  assert_int_equal(device.wire.coming.size(), 10'000 - port::InspectLine::kHeardBytes);
}

void who_asks_after_noise_is_answered(void**) {
  Device device;
  device.wire.coming = std::string(5'000, '\xff') + "login: \r\n";
  while (!device.wire.coming.empty()) device.turn();
  Asker asker(device);
  asker.open(7);
  asker.ask("clock");
  device.turn();
  assert_string_equal(asker.hear().c_str(), "answer ");
}

void one_session_follows_the_other_however_it_ended(void**) {
  Device device;
  Asker first(device), second(device), third(device);
  first.open(7);
  first.link.close(StreamLink::kNormal, "bye");
  first.send();
  device.turn();
  assert_string_equal(first.hear().c_str(), "closed ");
  second.open(8);
  copy(Bytes(second.arriving).first(20), second.link.room());  // It is no ask, so the device hangs up.
  second.link.send(20);
  second.send();
  device.turn();
  assert_string_equal(second.hear().c_str(), "closed ");
  third.open(9);
  third.ask("status");
  device.turn();
  assert_string_equal(third.hear().c_str(), "answer ");
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(an_ask_is_answered_byte_by_byte),
      cmocka_unit_test(nothing_is_taken_from_a_line_that_takes_no_answer),
      cmocka_unit_test(a_turn_takes_so_much_of_a_flood_and_no_more),
      cmocka_unit_test(who_asks_after_noise_is_answered),
      cmocka_unit_test(one_session_follows_the_other_however_it_ended),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
