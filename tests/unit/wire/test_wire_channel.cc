// SPDX-License-Identifier: Apache-2.0
//
// Channel frames, names of topics, and what filters have.

#include <string>

#include "tests/check.h"
#include "tests/unit/crdt/dice.h"
#include "tests/unit/wire/samples.h"
#include "transport/wire_channel.h"

namespace grid::wire {
namespace {

using namespace test;

Status read_status(const Frame& frame) {
  ChannelReader reader(frame);
  for (ChannelItem item; reader.next(item);) {
  }
  return reader.status();
}

void what_is_written_is_read(void**) {
  const Frame frame = channel_heard();
  ChannelReader reader(frame);
  ChannelItem item;
  assert_true(reader.next(item));
  assert_true(item.verb == ChannelVerb::refused && item.name == "ops" && item.status == Status::denied);
  assert_true(reader.next(item) && item.number == 12);
  assert_true(reader.next(item) && item.member == kNode && equal(item.value, kNumber));
  assert_true(reader.next(item) && item.stamp == kStamp && equal(item.value, kText));
  assert_true(reader.next(item) && item.number == 1);
  assert_false(reader.next(item));
  assert_ok(reader.status());
}

// A later release may say more: what this one does not know is as if it were not there.
void verbs_and_fields_that_are_not_known_are_skipped(void**) {
  Frame frame = channel_frame({{.verb = ChannelVerb::beat, .number = 3}});
  const Frame unknown = {0x7a, 0x05, 0x08, 0x63, 0xa0, 0x06, 0x01};  // Verb 99, field 100.
  frame.insert(frame.begin() + 1, unknown.begin(), unknown.end());
  const Frame other = {0x20, 0x07};  // Field 4 of the frame.
  frame.insert(frame.end(), other.begin(), other.end());
  ChannelReader reader(frame);
  ChannelItem item;
  assert_true(reader.next(item) && item.verb == ChannelVerb::beat && item.number == 3);
  assert_false(reader.next(item));
  assert_ok(reader.status());
}

void what_does_not_fit_leaves_the_frame_as_it_was(void**) {
  std::uint8_t room[24];
  ChannelWriter writer(room);
  assert_true(writer.empty() && writer.finish().empty());
  assert_true(writer.add({.verb = ChannelVerb::beat, .number = 1}));
  const std::size_t left = writer.room_left();
  assert_false(writer.add({.verb = ChannelVerb::publish, .name = "alarm/kitchen/smoke", .value = kNumber}));
  assert_int_equal(writer.room_left(), left);
  const Bytes frame = writer.finish();
  assert_ok(read_status({frame.begin(), frame.end()}));
}

void an_item_that_breaks_a_rule_is_refused(void**) {
  const std::string name(kTopicBytesMax + 1, 'a');
  const std::string value = "\x2a\x80\x08" + std::string(1'024, 'a');  // A text of 1,024 bytes.
  const std::uint8_t not_canonical[] = {0x10, 2};
  struct {
    ChannelItem item;
    Status status;
  } const kCases[] = {
      {{.verb = ChannelVerb::publish, .name = "a", .value = kNumber}, Status::ok},
      {{.verb = ChannelVerb::publish, .name = "a"}, Status::corrupt},
      {{.verb = ChannelVerb::publish, .name = "a/+", .value = kNumber}, Status::corrupt},
      {{.verb = ChannelVerb::publish, .name = "", .value = kNumber}, Status::corrupt},
      {{.verb = ChannelVerb::publish, .name = "a", .value = not_canonical}, Status::corrupt},
      {{.verb = ChannelVerb::publish, .name = name, .value = kNumber}, Status::too_large},
      {{.verb = ChannelVerb::publish, .name = "a", .value = as_bytes(value)}, Status::ok},
      {{.verb = ChannelVerb::join, .name = "a", .value = as_bytes(value)}, Status::too_large},
      {{.verb = ChannelVerb::subscribe, .name = "a/#"}, Status::ok},
      {{.verb = ChannelVerb::subscribe, .name = "a/#/b"}, Status::corrupt},
      {{.verb = ChannelVerb::beat, .name = "a"}, Status::corrupt},
      {{.verb = ChannelVerb::message, .name = "a", .value = kNumber}, Status::corrupt},
      {{.verb = ChannelVerb::told, .name = "a", .member = 1, .value = kNumber}, Status::corrupt},
      {{.verb = ChannelVerb::left, .name = "a", .member = 1, .stamp = kStamp, .number = 3}, Status::corrupt},
      {{.verb = ChannelVerb::refused, .name = "a"}, Status::corrupt},
  };
  for (const auto& one : kCases) {
    Frame room(2'048);
    ChannelWriter writer(room);
    assert_true(writer.add(one.item));
    const Bytes frame = writer.finish();
    assert_status(read_status({frame.begin(), frame.end()}), one.status);
  }
}

void names_have_their_rules(void**) {
  const std::string deep = "1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16";
  assert_ok(check_topic(deep));
  assert_status(check_topic(deep + "/17"), Status::too_large);
  assert_ok(check_topic(std::string(kTopicBytesMax, 'a')));
  assert_status(check_topic(std::string(kTopicBytesMax + 1, 'a')), Status::too_large);
  for (const char* bad : {"", "/", "a/", "/a", "a//b", "a+", "+", "#", "a/#", "a\n", "\xff"}) {
    assert_status(check_topic(bad), Status::invalid);
  }
  for (const char* good : {"+", "#", "a/+/b", "+/+", "a/#", "+/#", "ä/b c"}) assert_ok(check_filter(good));
  for (const char* bad : {"", "a/", "a//b", "a+", "a/b#", "#/a", "a/#/b", "++"}) {
    assert_status(check_filter(bad), Status::invalid);
  }
}

void filters_have_what_they_say(void**) {
  assert_true(filter_matches("a/b", "a/b") && !filter_matches("a/b", "a") && !filter_matches("a", "a/b"));
  assert_true(filter_matches("a/+", "a/b") && !filter_matches("a/+", "a") && !filter_matches("a/+", "a/b/c"));
  assert_true(filter_matches("a/#", "a") && filter_matches("a/#", "a/b/c") && !filter_matches("a/#", "ab"));
  assert_true(filter_matches("#", "a") && filter_matches("+/b/#", "a/b") && !filter_matches("+/b/#", "a/c"));
  assert_false(filter_matches("a/b", "a/bc") || filter_matches("a/bc", "a/b"));
}

// ---- against a matcher that could not be simpler

std::vector<std::string> levels_of(const std::string& name) {
  std::vector<std::string> levels(1);
  for (const char c : name) {
    if (c == '/') levels.emplace_back();
    if (c != '/') levels.back() += c;
  }
  return levels;
}

bool naive(const std::vector<std::string>& filter, const std::vector<std::string>& topic, std::size_t at = 0) {
  if (at == filter.size()) return at == topic.size();
  if (filter[at] == "#") return true;
  return at < topic.size() && (filter[at] == "+" || filter[at] == topic[at]) && naive(filter, topic, at + 1);
}

std::string draw(Dice& dice, bool is_filter) {
  constexpr const char* kLevels[] = {"a", "b", "aa", "+", "#"};
  std::string name;
  for (std::size_t left = 1 + dice.below(4); left > 0; --left) {
    const std::string level = kLevels[dice.below(is_filter ? 5 : 3)];
    name += (name.empty() ? "" : "/") + level;
    if (level == "#") break;
  }
  return name;
}

void filters_agree_with_a_naive_matcher(void**) {
  Dice dice;
  std::size_t matches = 0;
  for (int round = 0; round < 100'000; ++round) {
    const std::string filter = draw(dice, true);
    const std::string topic = draw(dice, false);
    assert_ok(check_filter(filter));
    assert_ok(check_topic(topic));
    const bool expected = naive(levels_of(filter), levels_of(topic));
    if (filter_matches(filter, topic) != expected) fail_msg("%s and %s", filter.c_str(), topic.c_str());
    matches += expected;
  }
  assert_true(matches > 1'000);
}

}  // namespace
}  // namespace grid::wire

int main() {
  using namespace grid::wire;
  const CMUnitTest tests[] = {
      cmocka_unit_test(what_is_written_is_read),
      cmocka_unit_test(verbs_and_fields_that_are_not_known_are_skipped),
      cmocka_unit_test(what_does_not_fit_leaves_the_frame_as_it_was),
      cmocka_unit_test(an_item_that_breaks_a_rule_is_refused),
      cmocka_unit_test(names_have_their_rules),
      cmocka_unit_test(filters_have_what_they_say),
      cmocka_unit_test(filters_agree_with_a_naive_matcher),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
