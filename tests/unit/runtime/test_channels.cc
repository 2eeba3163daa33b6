// SPDX-License-Identifier: Apache-2.0
//
// A device's topics and rooms: what it asks for again, what it refuses, what its listeners are told.

#include <string>
#include <vector>

#include "runtime/channels.h"
#include "runtime/machine.h"
#include "runtime/replica_status.h"
#include "tests/check.h"
#include "tests/unit/crdt/dice.h"

namespace grid::runtime {
namespace {

using test::Dice;
using wire::ChannelItem;
using wire::ChannelVerb;
using CallVerb = ChannelCall::Verb;
using Verb = ChannelVerb;

constexpr std::uint8_t kOne[] = {0x18, 2};
constexpr std::uint8_t kTwo[] = {0x18, 4};
constexpr crdt::NodeId kOwn = 0xa;
constexpr ChannelLimits kSmall{.listenings_max = 3, .queue_bytes = 128, .presence_bytes_max = 16};

struct Device {
  Device() : channels(kSmall, memory) {}

  Status call(ChannelCall::Verb verb, std::string_view name, Bytes value = {}, Listener listener = {}) {
    ChannelCall call{.verb = verb, .name = name, .value = value, .listener = listener};
    const Status status = channels.perform(call, problem);
    id = call.id;
    return status;
  }
  Status listen(ChannelCall::Verb verb, std::string_view name, Bytes value = {}) {
    return call(verb, name, value, [this](const Heard& one) { hear(one); });
  }
  Status end(std::uint32_t which) {
    ChannelCall call{.verb = CallVerb::end, .id = which};
    return channels.perform(call, problem);
  }
  void hear(const Heard& one) {
    heard += (heard.empty() ? "" : "; ") + std::string(name_of(one.kind)) + " " + std::string(one.name);
    if (one.is_own) heard += " own";
    if (one.value.exists()) heard += " " + std::to_string(one.value.integer_or(-1));
    if (one.count != 0 && one.kind != Heard::Kind::left) heard += " #" + std::to_string(one.count);
    if (one.kind == Heard::Kind::left && one.why == Leaving::lapsed) heard += " lapsed";
    if (one.status != Status::ok) heard += std::string(" ") + grid::name_of(one.status);
    if (one.kind == ends_at) static_cast<void>(end(id));
  }
  void up(std::uint32_t features = wire::kFeatureChannels) { channels.welcomed({kOwn, features}, now_ms, problem); }
  // Everything that it says now, in words.
  std::string says(std::size_t room_bytes = 512) {
    std::string text;
    while (channels.wants_write(now_ms)) {
      std::vector<std::uint8_t> room(room_bytes);
      wire::ChannelReader reader(channels.write(room, now_ms));
      for (ChannelItem item; reader.next(item);) {
        text += (text.empty() ? "" : "; ") + std::string(wire::name_of(item.verb));
        if (!item.name.empty()) text += " " + std::string(item.name);
        if (!item.value.empty()) text += " " + std::to_string(crdt::Value(item.value).integer_or(-1));
        if (item.verb == Verb::beat) text += " #" + std::to_string(item.number);
      }
      assert_ok(reader.status());
    }
    return text;
  }
  Status hears(std::initializer_list<ChannelItem> items) {
    std::uint8_t room[1'024];
    wire::ChannelWriter writer(room);
    for (const ChannelItem& item : items) assert_true(writer.add(item));
    const Status status = channels.receive(writer.finish(), problem);
    if (status == Status::ok && channels.take_news()) channels.deliver(writer.finish());
    return status;
  }
  std::string told() { return std::exchange(heard, {}); }

  std::uint8_t memory[Channels::memory_bytes(kSmall)];
  Channels channels;
  Problem problem;
  std::string heard;
  Heard::Kind ends_at = Heard::Kind::room_begins;  // The listener ends itself when it is told of that.
  std::uint32_t id = 0;
  std::uint64_t now_ms = 1'000;
};

int set_up(void** state) {
  *state = new Device;
  return 0;
}
int tear_down(void** state) {
  delete static_cast<Device*>(*state);
  return 0;
}
Device& device_of(void** state) { return *static_cast<Device*>(*state); }

void what_is_listened_to_is_asked_for_again_and_the_gap_is_told(void** state) {
  Device& device = device_of(state);
  assert_ok(device.listen(CallVerb::subscribe, "a/+"));
  assert_ok(device.listen(CallVerb::join, "ops", kOne));
  device.ends_at = Heard::Kind::told;
  assert_string_equal(device.says().c_str(), "");
  device.up();
  assert_string_equal(device.says().c_str(), "subscribe a/+; join ops 1");
  assert_ok(device.call(CallVerb::set_status, "ops", kTwo));
  assert_string_equal(device.says().c_str(), "status ops 2");
  device.channels.link_down();
  assert_true(device.channels.take_news());
  device.channels.deliver({});
  assert_string_equal(device.told().c_str(), "gap a/+; gap ops");
  assert_string_equal(device.says().c_str(), "");
  device.up();
  assert_string_equal(device.says().c_str(), "subscribe a/+; join ops 2");
}

void each_listener_hears_what_its_filter_has(void** state) {
  Device& device = device_of(state);
  device.up();
  assert_ok(device.listen(CallVerb::subscribe, "a/+"));
  assert_ok(device.listen(CallVerb::subscribe, "a/b"));
  device.says();
  assert_ok(device.hears({{.verb = Verb::lost, .number = 3},
                          {.verb = Verb::message, .name = "a/b", .member = 1, .value = kOne},
                          {.verb = Verb::message, .name = "a/c", .member = kOwn, .value = kTwo}}));
  assert_string_equal(device.told().c_str(), "lost  #3; lost  #3; message a/b 1; message a/b 1; message a/c own 2");
}

void two_that_listen_to_the_same_are_one_for_the_server(void** state) {
  Device& device = device_of(state);
  device.up();
  assert_ok(device.listen(CallVerb::subscribe, "a"));
  const std::uint32_t first = device.id;
  assert_ok(device.listen(CallVerb::subscribe, "a"));
  device.says();
  assert_ok(device.end(first));
  assert_string_equal(device.says().c_str(), "");
  assert_ok(device.end(device.id));
  assert_string_equal(device.says().c_str(), "unsubscribe a");
  assert_status(device.end(device.id), Status::not_found);
}

void a_listener_may_end_itself(void** state) {
  Device& device = device_of(state);
  device.up();
  assert_ok(device.listen(CallVerb::subscribe, "a"));
  device.says();
  device.ends_at = Heard::Kind::message;
  assert_ok(device.hears({{.verb = Verb::message, .name = "a", .member = 1, .value = kOne},
                          {.verb = Verb::message, .name = "a", .member = 1, .value = kTwo}}));
  assert_string_equal(device.told().c_str(), "message a 1");
  assert_string_equal(device.says().c_str(), "unsubscribe a");
}

// BND-1
void what_has_no_room_is_refused(void** state) {
  Device& device = device_of(state);
  for (int i = 0; i < 3; ++i) assert_ok(device.listen(CallVerb::subscribe, "a"));
  assert_status(device.listen(CallVerb::subscribe, "b"), Status::full);
  int count = 0;
  while (device.call(CallVerb::publish, "a", kOne) == Status::ok) ++count;
  assert_int_equal(count, 11);
  assert_status(device.call(CallVerb::publish, "a", kOne), Status::full);
  device.up();
  device.says();
  assert_ok(device.call(CallVerb::publish, "a", kOne));
  device.says();
  const std::string large = "\x2a\x80\x01" + std::string(128, 'x');
  assert_status(device.call(CallVerb::publish, "a", as_bytes(large)), Status::too_large);
  assert_status(device.listen(CallVerb::join, "ops", as_bytes(large)), Status::too_large);
}

void what_breaks_a_rule_is_refused_with_a_sentence(void** state) {
  Device& device = device_of(state);
  const std::string name(wire::kTopicBytesMax + 1, 'a');
  const std::uint8_t bad[] = {0x10, 7};
  assert_status(device.call(CallVerb::publish, "a/+", kOne), Status::invalid);
  assert_non_null(std::strstr(device.problem.line(), "without + and #"));
  assert_status(device.call(CallVerb::publish, name, kOne), Status::too_large);
  assert_non_null(std::strstr(device.problem.line(), "128 bytes"));
  assert_status(device.call(CallVerb::publish, "a"), Status::invalid);
  assert_status(device.call(CallVerb::tell, "a", bad), Status::invalid);
  assert_status(device.listen(CallVerb::subscribe, "a/#/b"), Status::invalid);
  assert_status(device.listen(CallVerb::join, "#"), Status::invalid);
  assert_status(device.call(CallVerb::set_status, "ops", kOne), Status::not_found);
  assert_ok(device.listen(CallVerb::attend, "ops"));
  assert_status(device.listen(CallVerb::join, "ops"), Status::busy);
  assert_status(device.call(CallVerb::set_status, "ops", kOne), Status::not_found);
}

void messages_go_out_in_order_in_as_many_frames_as_it_takes(void** state) {
  Device& device = device_of(state);
  device.up();
  std::string expected;
  for (std::uint8_t i = 0; i < 10; ++i) {
    const std::uint8_t value[] = {0x18, static_cast<std::uint8_t>(2 * i)};
    assert_ok(device.call(CallVerb::publish, "a", value));
    expected += (i == 0 ? "publish a " : "; publish a ") + std::to_string(i);
  }
  assert_string_equal(device.says(32).c_str(), expected.c_str());
}

void a_lease_is_renewed_in_time_and_no_sooner(void** state) {
  Device& device = device_of(state);
  device.up();
  assert_true(device.channels.wake_at_ms() == kNever);
  assert_ok(device.listen(CallVerb::join, "ops"));
  assert_string_equal(device.says().c_str(), "join ops");
  assert_int_equal(device.channels.wake_at_ms(), device.now_ms + 5'000);
  device.now_ms += 4'999;
  assert_string_equal(device.says().c_str(), "");
  device.now_ms += 1;
  assert_string_equal(device.says().c_str(), "beat #0");
  // Whatever it says is a sign of life.
  device.now_ms += 4'000;
  assert_ok(device.call(CallVerb::publish, "a", kOne));
  device.says();
  assert_int_equal(device.channels.wake_at_ms(), device.now_ms + 5'000);
}

void who_hears_that_their_lease_has_lapsed_comes_in_again(void** state) {
  Device& device = device_of(state);
  device.up();
  assert_ok(device.listen(CallVerb::join, "ops", kOne));
  device.ends_at = Heard::Kind::told;
  device.says();
  const crdt::Stamp stamp = crdt::Stamp::of(5, 0, kOwn);
  assert_ok(device.hears({{.verb = Verb::room_begins, .name = "ops"}}));
  device.told();
  assert_ok(device.hears({{.verb = Verb::left, .name = "ops", .member = 7, .stamp = stamp, .number = 1}}));
  assert_string_equal(device.says().c_str(), "");
  assert_ok(device.hears({{.verb = Verb::left, .name = "ops", .member = kOwn, .stamp = stamp, .number = 1}}));
  assert_string_equal(device.told().c_str(), "left ops lapsed; left ops own lapsed");
  assert_string_equal(device.says().c_str(), "join ops 1");
}

void what_was_said_to_an_earlier_stay_in_a_room_is_not_told_to_the_next(void** state) {
  Device& device = device_of(state);
  device.up();
  device.ends_at = Heard::Kind::gap;
  assert_ok(device.listen(CallVerb::join, "ops", kOne));
  device.says();
  assert_ok(device.end(device.id));
  assert_ok(device.listen(CallVerb::join, "ops", kOne));
  assert_string_equal(device.says().c_str(), "join ops 1");
  const crdt::Stamp stamp = crdt::Stamp::of(5, 0, 7);
  const ChannelItem left{.verb = Verb::left, .name = "ops", .member = 7, .stamp = stamp};
  assert_ok(device.hears({left}));
  assert_string_equal(device.told().c_str(), "");
  assert_ok(device.hears({{.verb = Verb::room_begins, .name = "ops"}, left}));
  assert_string_equal(device.told().c_str(), "begins ops; left ops");
}

void a_flush_is_over_when_the_server_has_answered(void** state) {
  Device& device = device_of(state);
  assert_ok(device.call(CallVerb::publish, "a", kOne));
  assert_ok(device.call(CallVerb::flush, ""));
  const std::uint32_t number = device.id;
  device.up();
  assert_string_equal(device.says().c_str(), "publish a 1; beat #1");
  ReplicaStatus status;
  device.channels.tell(status);
  assert_true(status.channels_flushed < number);
  assert_ok(device.hears({{.verb = Verb::refused, .name = "a", .number = 1, .status = Status::denied},
                          {.verb = Verb::beaten, .number = number}}));
  device.channels.tell(status);
  assert_true(status.channels_flushed == number && status.channels_refused == 1);
  assert_status(status.channels_refusal, Status::denied);
  assert_string_equal(device.problem.line(), "the server refused publish a: denied");
}

void an_older_server_is_asked_nothing_and_listeners_are_told(void** state) {
  Device& device = device_of(state);
  assert_ok(device.listen(CallVerb::subscribe, "a"));
  assert_ok(device.call(CallVerb::publish, "a", kOne));
  assert_ok(device.call(CallVerb::flush, ""));
  device.up(0);
  assert_true(device.channels.take_news());
  device.channels.deliver({});
  assert_string_equal(device.told().c_str(), "refused a newer");
  assert_string_equal(device.says().c_str(), "");
  ReplicaStatus status;
  device.channels.tell(status);
  assert_true(status.channels_flushed == device.id && status.channels_refused == 1);
  // A newer one is asked.
  device.channels.link_down();
  device.up();
  assert_string_equal(device.says().c_str(), "subscribe a");
}

void whatever_a_server_says_ends_with_a_status(void** state) {
  Device& device = device_of(state);
  Dice dice;
  device.up();
  assert_ok(device.listen(CallVerb::subscribe, "a/#"));
  assert_ok(device.listen(CallVerb::join, "a"));
  device.ends_at = Heard::Kind::gap;
  device.says();
  constexpr std::string_view kNames[] = {"", "a", "a/b", "b", "a/+"};
  std::size_t taken = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::uint8_t room[512];
    wire::ChannelWriter writer(room);
    ChannelItem item{.verb = static_cast<Verb>(1 + dice.below(50)), .name = kNames[dice.below(5)]};
    item.member = dice.one_in(4) ? 0 : dice.one_in(2) ? kOwn : dice.any();
    if (!dice.one_in(4)) item.stamp = crdt::Stamp::of(1 + dice.below(9), 0, 1);
    if (!dice.one_in(4)) item.value = kOne;
    item.number = dice.below(13);
    item.status = static_cast<Status>(dice.below(11));
    assert_true(writer.add(item));
    if (dice.one_in(3)) room[1 + dice.below(20)] = static_cast<std::uint8_t>(dice.below(256));
    const Bytes frame = writer.finish();
    if (device.channels.receive(frame, device.problem) != Status::ok) continue;
    ++taken;
    if (device.channels.take_news()) device.channels.deliver(frame);
    device.told();
    device.says();
  }
  assert_true(taken > 1'000);
}

}  // namespace
}  // namespace grid::runtime

int main() {
  using namespace grid::runtime;
#define channels_test(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)
  const CMUnitTest tests[] = {
      channels_test(what_is_listened_to_is_asked_for_again_and_the_gap_is_told),
      channels_test(each_listener_hears_what_its_filter_has),
      channels_test(two_that_listen_to_the_same_are_one_for_the_server),
      channels_test(a_listener_may_end_itself),
      channels_test(what_has_no_room_is_refused),
      channels_test(what_breaks_a_rule_is_refused_with_a_sentence),
      channels_test(messages_go_out_in_order_in_as_many_frames_as_it_takes),
      channels_test(a_lease_is_renewed_in_time_and_no_sooner),
      channels_test(who_hears_that_their_lease_has_lapsed_comes_in_again),
      channels_test(what_was_said_to_an_earlier_stay_in_a_room_is_not_told_to_the_next),
      channels_test(a_flush_is_over_when_the_server_has_answered),
      channels_test(an_older_server_is_asked_nothing_and_listeners_are_told),
      channels_test(whatever_a_server_says_ends_with_a_status),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
