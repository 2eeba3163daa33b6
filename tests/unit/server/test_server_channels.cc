// SPDX-License-Identifier: Apache-2.0
//
// The gateway's topics and rooms: who is told what, what is lost and told, who leaves and when.

#include <algorithm>
#include <set>

#include "server/topic_index.h"
#include "tests/unit/crdt/dice.h"
#include "tests/unit/server/bench.h"
#include "transport/wire_channel.h"

namespace grid::server {
namespace {

using namespace test;
using grid::test::Dice;
using wire::ChannelItem;
using wire::ChannelVerb;
using Verb = ChannelVerb;

constexpr std::uint8_t kAway[] = {0x2a, 4, 'a', 'w', 'a', 'y'};
constexpr crdt::NodeId kC = 0xc;

Frame saying(std::initializer_list<ChannelItem> items) {
  Frame room(200'000);
  wire::ChannelWriter writer(room);
  for (const ChannelItem& item : items) assert_true(writer.add(item));
  room.resize(writer.finish().size());
  return room;
}

// "verb name node value number" of each item, in order, ended by "; ".
std::string told(const Frame& frame) {
  std::string text;
  wire::ChannelReader reader(frame);
  for (ChannelItem item; reader.next(item);) {
    text += (text.empty() ? "" : "; ") + std::string(name_of(item.verb));
    if (!item.name.empty()) text += " " + std::string(item.name);
    if (item.member != 0) text += " " + std::string(1, static_cast<char>('a' + item.member - kA));
    const crdt::Value value(item.value);
    if (value.kind() == crdt::ValueKind::integer) text += " " + std::to_string(value.integer_or(0));
    if (value.kind() == crdt::ValueKind::text) text += " " + std::string(value.text_or(""));
    if (item.number != 0) text += " #" + std::to_string(item.number);
    if (item.status != Status::ok) text += std::string(" ") + grid::name_of(item.status);
  }
  assert_ok(reader.status());
  return text;
}

// What the link is told next, all of it.
std::string heard(Bench& bench, LinkId link) {
  std::string text;
  for (const Frame& frame : bench.all(link)) {
    if (kind_of(frame) == Kind::channel) text += (text.empty() ? "" : "; ") + told(frame);
  }
  return text;
}

void open_three(Bench& bench) {
  bench.open(1, kA);
  bench.open(2, kB);
  bench.open(3, kC);
}

Frame publish(std::string_view topic, Bytes value = kOne) {
  return saying({{.verb = Verb::publish, .name = topic, .value = value}});
}
Frame subscribe_to(std::string_view filter) { return saying({{.verb = Verb::subscribe, .name = filter}}); }
Frame join(std::string_view room, Bytes status = {}, std::uint64_t lease_ms = 0) {
  return saying({{.verb = Verb::join, .name = room, .number = lease_ms, .value = status}});
}

// ---- topics

void a_message_goes_once_to_each_link_that_listens(void** state) {
  Bench& bench = bench_of(state);
  open_three(bench);
  bench.send(1, saying({{.verb = Verb::subscribe, .name = "alarm/+"},
                        {.verb = Verb::subscribe, .name = "alarm/#"},
                        {.verb = Verb::subscribe, .name = "alarm/hall"}}));
  bench.send(2, subscribe_to("door/+"));
  bench.send(3, publish("alarm/hall"));
  assert_string_equal(heard(bench, 1).c_str(), "message alarm/hall c 1");
  assert_string_equal(heard(bench, 2).c_str(), "");
  bench.send(1, publish("alarm/hall", kTwo));  // Who listens hears themselves, too.
  assert_string_equal(heard(bench, 1).c_str(), "message alarm/hall a 2");
  bench.send(1,
             saying({{.verb = Verb::unsubscribe, .name = "alarm/#"}, {.verb = Verb::unsubscribe, .name = "alarm/+"}}));
  bench.send(3, publish("alarm/roof"));
  bench.send(3, publish("alarm/hall"));
  assert_string_equal(heard(bench, 1).c_str(), "message alarm/hall c 1");
}

void nothing_is_kept_for_who_comes_later(void** state) {
  Bench& bench = bench_of(state);
  open_three(bench);
  bench.send(3, publish("alarm/hall"));
  bench.send(1, subscribe_to("#"));
  assert_string_equal(heard(bench, 1).c_str(), "");
  assert_true(bench.commits.empty());
}

// BND-1
void a_slow_link_loses_the_oldest_and_is_told_how_many(void** state) {
  Bench& bench = bench_of(state);
  bench.options.channels.queue_messages_max = 4;
  bench.start();
  open_three(bench);
  bench.send(1, subscribe_to("#"));
  for (std::uint8_t i = 0; i < 10; ++i) {
    const std::uint8_t value[] = {0x18, static_cast<std::uint8_t>(2 * i)};
    bench.send(2, publish("n", value));
  }
  assert_string_equal(heard(bench, 1).c_str(), "lost #6; message n b 6; message n b 7; message n b 8; message n b 9");
  bench.send(2, publish("n"));
  assert_string_equal(heard(bench, 1).c_str(), "message n b 1");
  assert_int_equal(bench.coordinator->status().channels.messages_lost, 6);
}

// BND-1
void all_links_together_keep_no_more_than_the_limit(void** state) {
  Bench& bench = bench_of(state);
  bench.options.channels.messages_bytes_max = 10'000;
  bench.start();
  open_three(bench);
  bench.send(1, subscribe_to("#"));
  const std::string text = "\x2a\xe8\x07" + std::string(1'000, 'x');
  for (int i = 0; i < 50; ++i) bench.send(2, publish("n", as_bytes(text)));
  const std::string all = heard(bench, 1);
  assert_true(all.starts_with("lost #4"));
  const auto count = static_cast<int>(std::count(all.begin(), all.end(), ';'));
  assert_true(count >= 5 && count <= 10);
}

void a_message_that_fits_no_frame_of_a_link_is_told_as_lost(void** state) {
  Bench& bench = bench_of(state);
  bench.open(1, kA, 0, {}, 512);
  bench.open(2, kB);
  bench.send(1, subscribe_to("#"));
  const std::string text = "\x2a\xe8\x07" + std::string(1'000, 'x');
  bench.send(2, publish("n", as_bytes(text)));
  bench.send(2, publish("n"));
  assert_string_equal(heard(bench, 1).c_str(), "lost #1; message n b 1");
}

void an_index_of_filters_finds_what_asking_each_would(void**) {
  Dice dice;
  constexpr const char* kLevels[] = {"a", "b", "c", "+", "#"};
  const auto draw = [&](bool is_filter) {
    std::string name;
    for (std::size_t left = 1 + dice.below(4); left > 0 && !name.ends_with("#"); --left) {
      name += (name.empty() ? "" : "/") + std::string(kLevels[dice.below(is_filter ? 5 : 3)]);
    }
    return name;
  };
  TopicIndex index;
  std::set<std::pair<std::string, LinkId>> filters;
  for (int round = 0; round < 20'000; ++round) {
    if (dice.one_in(2)) {
      const auto one = std::pair(draw(true), static_cast<LinkId>(1 + dice.below(8)));
      filters.insert(one);
      index.add(one.first, one.second);
    } else if (!filters.empty()) {
      const auto one = std::next(filters.begin(), static_cast<std::ptrdiff_t>(dice.below(filters.size())));
      index.remove(one->first, one->second);
      filters.erase(one);
    }
    const std::string topic = draw(false);
    std::set<LinkId> expected;
    for (const auto& [filter, link] : filters) {
      if (wire::filter_matches(filter, topic)) expected.insert(link);
    }
    std::vector<LinkId> found;
    index.find(topic, found);
    if (found != std::vector<LinkId>(expected.begin(), expected.end())) fail_msg("%s", topic.c_str());
  }
  for (const auto& [filter, link] : filters) index.remove(filter, link);
  assert_true(index.empty());
}

// ---- rooms

void who_comes_in_is_told_who_is_there_and_the_others_are_told_of_it(void** state) {
  Bench& bench = bench_of(state);
  open_three(bench);
  bench.send(1, join("ops", kOne));
  assert_string_equal(heard(bench, 1).c_str(), "begins ops; member ops a 1; stands ops");
  bench.send(2, join("ops", kTwo));
  assert_string_equal(heard(bench, 2).c_str(), "begins ops; member ops a 1; member ops b 2; stands ops");
  assert_string_equal(heard(bench, 1).c_str(), "joined ops b 2");
  bench.send(2, saying({{.verb = Verb::set_status, .name = "ops", .value = kAway},
                        {.verb = Verb::set_room_status, .name = "ops", .value = kOne},
                        {.verb = Verb::tell, .name = "ops", .value = kTwo}}));
  const char* const events = "status ops b away; room_status ops b 1; told ops b 2";
  assert_string_equal(heard(bench, 1).c_str(), events);
  assert_string_equal(heard(bench, 2).c_str(), events);
  bench.send(3, saying({{.verb = Verb::attend, .name = "ops"}}));
  assert_string_equal(heard(bench, 3).c_str(), "begins ops 1; member ops a 1; member ops b away; stands ops");
  bench.send(2, saying({{.verb = Verb::leave, .name = "ops"}}));
  assert_string_equal(heard(bench, 1).c_str(), "left ops b");
  assert_string_equal(heard(bench, 3).c_str(), "left ops b");
  assert_string_equal(heard(bench, 2).c_str(), "");
}

void stamps_rise_through_a_room_whatever_the_clock_does(void** state) {
  Bench& bench = bench_of(state);
  open_three(bench);
  bench.send(1, join("ops"));
  heard(bench, 1);
  std::vector<crdt::Stamp> stamps;
  for (int i = 0; i < 20; ++i) {
    bench.wall_ms = i % 3 == 0 ? kWallMs - 1'000'000 : kWallMs + static_cast<std::uint64_t>(i);
    bench.send(2, saying({{.verb = Verb::tell, .name = "ops", .value = kOne}}));
    const Frame frame = bench.next(1);
    wire::ChannelReader reader(frame);
    ChannelItem item;
    assert_true(reader.next(item) && item.stamp.node == kB);
    assert_true(stamps.empty() || item.stamp > stamps.back());
    stamps.push_back(item.stamp);
  }
}

void a_link_that_ends_leaves_and_a_lease_that_lapses_too(void** state) {
  Bench& bench = bench_of(state);
  open_three(bench);
  bench.send(1, join("ops"));
  bench.send(2, join("ops"));
  bench.send(3, join("ops", kOne, 2'000));
  heard(bench, 1);
  bench.close(2);
  assert_string_equal(heard(bench, 1).c_str(), "left ops b #2");
  bench.after(1'500);
  bench.send(3, saying({{.verb = Verb::beat, .number = 7}}));
  bench.after(1'999);
  assert_true(heard(bench, 3).starts_with("beaten #7"));
  assert_string_equal(heard(bench, 1).c_str(), "");
  assert_true(bench.coordinator->wake_at_ms() <= bench.now_ms + 1);
  bench.after(1);
  assert_string_equal(heard(bench, 1).c_str(), "left ops c #1");
  // Alive after all: it hears that it is out, and may come back.
  assert_string_equal(heard(bench, 3).c_str(), "left ops c #1");
  bench.send(3, join("ops", kOne, 2'000));
  assert_string_equal(heard(bench, 1).c_str(), "joined ops c 1");
}

void a_room_that_nobody_is_in_is_gone(void** state) {
  Bench& bench = bench_of(state);
  open_three(bench);
  bench.send(1, join("ops"));
  bench.send(1, saying({{.verb = Verb::set_room_status, .name = "ops", .value = kOne}}));
  bench.send(2, saying({{.verb = Verb::attend, .name = "ops"}}));
  heard(bench, 2);
  bench.close(1);
  // Who only attends keeps nothing alive.
  assert_string_equal(heard(bench, 2).c_str(), "left ops a #2; room_status ops a");
  bench.send(3, saying({{.verb = Verb::tell, .name = "ops", .value = kOne},
                        {.verb = Verb::set_room_status, .name = "ops", .value = kOne},
                        {.verb = Verb::set_status, .name = "ops", .value = kOne}}));
  assert_string_equal(heard(bench, 3).c_str(),
                      "refused ops #9 not_found; refused ops #8 not_found; refused ops #7 not_found");
  assert_int_equal(bench.coordinator->status().channels.rooms, 1);
  bench.close(2);
  assert_int_equal(bench.coordinator->status().channels.rooms, 0);
}

void a_device_that_comes_back_over_a_new_link_has_never_left(void** state) {
  Bench& bench = bench_of(state);
  open_three(bench);
  bench.send(1, join("ops"));
  bench.send(2, join("ops", kOne));
  heard(bench, 1);
  const std::uint64_t token = bench.open(4, kB).fork_token;
  static_cast<void>(token);
  bench.send(4, join("ops", kOne));
  bench.close(2);
  assert_string_equal(heard(bench, 1).c_str(), "");
  assert_string_equal(heard(bench, 4).c_str(), "begins ops; member ops a; member ops b 1; stands ops");
}

// BND-1
void who_is_far_behind_is_told_in_full_and_how_much_went_by(void** state) {
  Bench& bench = bench_of(state);
  open_three(bench);
  bench.send(1, join("ops"));
  bench.send(2, join("ops"));
  heard(bench, 1);
  for (std::size_t i = 0; i < Room::kEventsMax + 10; ++i) {
    bench.send(2, saying({{.verb = Verb::set_status, .name = "ops", .value = kAway}}));
  }
  assert_string_equal(heard(bench, 1).c_str(), "begins ops #10; member ops a; member ops b away; stands ops");
}

// However the frames are cut, who is told a room in pieces while it changes ends up with what the room has.
void a_room_told_in_pieces_while_it_changes_is_what_it_is(void** state) {
  Bench& bench = bench_of(state);
  Dice dice;
  constexpr LinkId kLinks = 12;
  for (LinkId link = 1; link <= kLinks; ++link) bench.open(link, link, 0, {}, 512);
  std::map<crdt::NodeId, std::string> seen, truth;
  const auto take = [&](const Frame& frame) {
    wire::ChannelReader reader(frame);
    for (ChannelItem item; reader.next(item);) {
      if (item.verb == Verb::room_begins) seen.clear();
      if (item.verb == Verb::left) assert_int_equal(seen.erase(item.member), 1);
      const bool tells = item.verb == Verb::member || item.verb == Verb::joined || item.verb == Verb::status_set;
      if (tells) seen[item.member] = as_text(item.value);
    }
    assert_ok(reader.status());
  };
  for (int round = 0; round < 400; ++round) {
    bench.send(1, saying({{.verb = Verb::attend, .name = "ops"}}));
    seen.clear();
    for (int i = 0; i < 30; ++i) {
      const auto link = static_cast<LinkId>(2 + dice.below(kLinks - 1));
      const std::string status = "\x2a\x60" + dice.bytes(1).assign(96, static_cast<char>('a' + dice.below(26)));
      if (dice.one_in(3) && truth.erase(link) != 0) {
        bench.send(link, saying({{.verb = Verb::leave, .name = "ops"}}));
      } else {
        truth[link] = status;
        bench.send(link, join("ops", as_bytes(status)));
      }
      if (dice.one_in(2)) take(bench.next(1));
    }
    for (const Frame& frame : bench.all(1)) take(frame);
    assert_true(seen == truth);
    for (LinkId link = 2; link <= kLinks; ++link) bench.all(link);
  }
}

// ---- limits, and who may

void what_is_over_a_limit_is_refused_by_name(void** state) {
  Bench& bench = bench_of(state);
  bench.options.channels.filters_max = 1;
  bench.options.channels.rooms_max = 1;
  bench.options.channels.members_max = 1;
  bench.options.channels.all_rooms_max = 2;
  bench.start();
  open_three(bench);
  bench.send(1, saying({{.verb = Verb::subscribe, .name = "a"}, {.verb = Verb::subscribe, .name = "b"}}));
  assert_string_equal(heard(bench, 1).c_str(), "refused b #2 full");
  bench.send(1, saying({{.verb = Verb::join, .name = "x"}, {.verb = Verb::join, .name = "y"}}));
  assert_true(heard(bench, 1).starts_with("refused y #4 full"));
  bench.send(2, join("x"));
  assert_string_equal(heard(bench, 2).c_str(), "refused x #4 full");
  bench.send(2, join("y"));
  bench.send(3, join("z"));
  assert_string_equal(heard(bench, 3).c_str(), "refused z #4 full");
}

Status refuses_c(void*, const ChannelAsk& ask) { return ask.node == kC ? Status::denied : Status::ok; }

// SEC-1
void the_policy_is_asked_before_anything_is_done(void** state) {
  Bench& bench = bench_of(state);
  bench.options.channels.policy = refuses_c;
  bench.start();
  open_three(bench);
  bench.send(1, saying({{.verb = Verb::subscribe, .name = "#"}, {.verb = Verb::join, .name = "ops"}}));
  heard(bench, 1);
  bench.send(3, saying({{.verb = Verb::publish, .name = "a", .value = kOne},
                        {.verb = Verb::subscribe, .name = "a"},
                        {.verb = Verb::join, .name = "ops"},
                        {.verb = Verb::attend, .name = "ops"},
                        {.verb = Verb::set_room_status, .name = "ops", .value = kOne},
                        {.verb = Verb::tell, .name = "ops", .value = kOne},
                        {.verb = Verb::beat, .number = 1}}));
  assert_string_equal(heard(bench, 3).c_str(),
                      "refused a #1 denied; refused a #2 denied; refused ops #4 denied; refused ops #5 denied; refused "
                      "ops #8 denied; refused ops #9 denied; beaten #1");
  assert_string_equal(heard(bench, 1).c_str(), "");
}

void who_does_not_read_refusals_loses_the_link(void** state) {
  Bench& bench = bench_of(state);
  open_three(bench);
  for (int i = 0; i < 65; ++i) bench.send(1, saying({{.verb = Verb::tell, .name = "ops", .value = kOne}}));
  assert_int_equal(bench.farewell(1).status, Status::full);
}

void what_only_a_gateway_says_ends_the_link_of_a_device(void** state) {
  Bench& bench = bench_of(state);
  bench.open(1, kA);
  bench.send(1, saying({{.verb = Verb::message, .name = "a", .member = 1, .value = kOne}}));
  assert_int_equal(bench.farewell(1).status, Status::corrupt);
  bench.step({.kind = Event::Kind::link_up, .link = 2});
  bench.send(2, publish("a"));
  assert_int_equal(bench.farewell(2).status, Status::denied);
}

void welcome_says_that_channels_are_known(void** state) {
  assert_int_equal(bench_of(state).open(1, kA).features & wire::kFeatureChannels, wire::kFeatureChannels);
}

}  // namespace
}  // namespace grid::server

int main() {
  using namespace grid::server;
  const CMUnitTest tests[] = {
      server_test(a_message_goes_once_to_each_link_that_listens),
      server_test(nothing_is_kept_for_who_comes_later),
      server_test(a_slow_link_loses_the_oldest_and_is_told_how_many),
      server_test(all_links_together_keep_no_more_than_the_limit),
      server_test(a_message_that_fits_no_frame_of_a_link_is_told_as_lost),
      cmocka_unit_test(an_index_of_filters_finds_what_asking_each_would),
      server_test(who_comes_in_is_told_who_is_there_and_the_others_are_told_of_it),
      server_test(stamps_rise_through_a_room_whatever_the_clock_does),
      server_test(a_link_that_ends_leaves_and_a_lease_that_lapses_too),
      server_test(a_room_that_nobody_is_in_is_gone),
      server_test(a_device_that_comes_back_over_a_new_link_has_never_left),
      server_test(who_is_far_behind_is_told_in_full_and_how_much_went_by),
      server_test(a_room_told_in_pieces_while_it_changes_is_what_it_is),
      server_test(what_is_over_a_limit_is_refused_by_name),
      server_test(the_policy_is_asked_before_anything_is_done),
      server_test(who_does_not_read_refusals_loses_the_link),
      server_test(what_only_a_gateway_says_ends_the_link_of_a_device),
      server_test(welcome_says_that_channels_are_known),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
