// SPDX-License-Identifier: Apache-2.0
//
// Control messages: each field arrives as it was sent, and a field that breaks its rule is refused.

#include "tests/check.h"
#include "tests/unit/wire/samples.h"

namespace grid::wire {
namespace {

using namespace test;

// Encodes, decodes, and compares as text what a reader would see.
template <typename Message>
Message carried(const Message& message) {
  Message arrived;
  assert_ok(decode(encoded(message), arrived));
  return arrived;
}

void hello_arrives_as_sent(void**) {
  const grid_Hello arrived = carried(hello());
  assert_int_equal(arrived.protocol_min, 1);
  assert_int_equal(arrived.protocol_max, 2);
  assert_string_equal(arrived.app, "farm");
  assert_true(arrived.node == kNode && arrived.fork_token == kToken && arrived.wall_ms == kWallMs);
  assert_int_equal(arrived.quality, 3);
  assert_int_equal(arrived.frame_bytes_max, 65'536);
  assert_int_equal(arrived.value_bytes_max, 4'096);
  assert_string_equal(arrived.software, "grid 0.1.0");
}

void welcome_arrives_as_sent(void**) {
  const grid_Welcome arrived = carried(welcome());
  assert_int_equal(arrived.protocol, 1);
  assert_true(arrived.epoch == 0xfeed'f00d'0000'0001 && arrived.fork_token == kToken && arrived.wall_ms == kWallMs);
  assert_int_equal(arrived.frame_bytes_max, 2'097'152);
  assert_int_equal(arrived.value_bytes_max, 1'048'576);
  assert_int_equal(arrived.window_ops, 4'096);
  assert_int_equal(arrived.drift_ms_max, 60'000);
  assert_true(arrived.forked);
  assert_string_equal(arrived.software, "gridd 0.1.0");
}

template <typename Cursor>
void expect_cursor(const Cursor& cursor) {
  assert_int_equal(cursor.size, sizeof(kCursor));
  assert_memory_equal(cursor.bytes, kCursor, sizeof(kCursor));
}

void subscribe_arrives_as_sent(void**) {
  const grid_Subscribe arrived = carried(subscribe());
  assert_int_equal(arrived.id, 7);
  assert_int_equal(arrived.kind, 2);
  assert_string_equal(arrived.map, "climate");
  assert_string_equal(arrived.text, "bench/");
  expect_cursor(arrived.cursor);
  assert_true(arrived.holds);
}

void answers_to_a_subscription_arrive_as_sent(void**) {
  const grid_Subscribed answer = carried(subscribed());
  assert_int_equal(answer.id, 7);
  assert_int_equal(answer.mode, 1);
  assert_true(answer.heal);
  assert_int_equal(answer.status, 0);
  const grid_Subscribed refused = carried(grid_Subscribed{8, 2, false, 7, 0, 0});
  assert_int_equal(refused.mode, 2);
  assert_int_equal(refused.status, 7);
  const grid_Current standing = carried(current());
  assert_int_equal(standing.id, 7);
  expect_cursor(standing.cursor);
  assert_true(standing.sum == 0x1122'3344'5566'7788 && standing.count == 1'000);
}

void small_messages_arrive_as_sent(void**) {
  assert_int_equal(carried(grid_Unsubscribe{UINT32_MAX}).id, UINT32_MAX);
  const grid_Ack ack = carried(grid_Ack{UINT64_MAX, 300, kToken});
  assert_true(ack.applied == UINT64_MAX && ack.durable == 300 && ack.fork_token == kToken);
  const grid_PullAck seen = carried(pull_ack());
  assert_int_equal(seen.id, 7);
  expect_cursor(seen.cursor);
  const grid_Verify verify = carried(grid_Verify{7, true});
  assert_true(verify.id == 7 && verify.compare);
  const grid_Bye left = carried(bye());
  assert_int_equal(left.status, Status::newer);
  assert_string_equal(left.reason, "this server speaks protocol 1 only");
  assert_int_equal(left.retry_after_ms, 30'000);
  const grid_InspectAsk asked = carried(inspect_ask());
  assert_int_equal(asked.id, 9);
  assert_string_equal(asked.topic, "status");
  assert_string_equal(asked.argument, "climate");
}

void fields_at_their_limit_fit_and_one_byte_more_is_too_large(void**) {
  grid_Subscribe message = subscribe(ScopeKind::key, std::string(64, 'm'), std::string(256, 'k'));
  message.cursor.size = 32;
  Frame frame = encoded(message);
  assert_ok(decode(frame, message));
  assert_int_equal(std::strlen(message.text), 256);

  // `text` is field 4: its bytes behind tag and two bytes of length.
  const std::string long_text(257, 'k');
  Frame longer = encoded(subscribe(ScopeKind::key, "m", ""));
  longer.insert(longer.end(), {0x22, 0x81, 0x02});
  longer.insert(longer.end(), long_text.begin(), long_text.end());
  assert_status(decode(longer, message), Status::too_large);

  Frame long_cursor = encoded(subscribe(ScopeKind::map, "m", ""));
  long_cursor.insert(long_cursor.end(), {0x2a, 33});
  long_cursor.insert(long_cursor.end(), 33, 0);
  assert_status(decode(long_cursor, message), Status::too_large);
}

void an_ask_that_names_a_place_arrives_whole_and_fits_at_its_limit(void**) {
  grid_InspectAsk ask = inspect_ask();
  set(ask.topic, std::string(32, 't'));
  set(ask.argument, std::string(256, 'k'));
  set(ask.map, std::string(64, 'm'));
  ask.id = UINT32_MAX;
  ask.sub.size = 128;
  std::memset(ask.sub.bytes, 's', 128);
  ask.after = true;
  ask.seq = UINT64_MAX;
  const grid_InspectAsk asked = carried(ask);
  assert_true(asked.id == UINT32_MAX && asked.seq == UINT64_MAX && asked.after && asked.sub.size == 128);
  assert_memory_equal(asked.sub.bytes, ask.sub.bytes, 128);
  assert_string_equal(asked.map, ask.map);
  assert_string_equal(asked.argument, ask.argument);
  assert_true(encoded(ask).size() <= wire::kControlBytesMax);
}

template <typename Message, typename Change>
void refuse(Message message, Change change) {
  change(message);
  Message arrived;
  assert_status(decode(encoded(message), arrived), Status::corrupt);
}

void hello_that_breaks_a_rule_is_refused(void**) {
  refuse(hello(), [](grid_Hello& h) { h.protocol_min = 0; });
  refuse(hello(), [](grid_Hello& h) { h.protocol_min = 3; });
  refuse(hello(), [](grid_Hello& h) { set(h.app, ""); });
  refuse(hello(), [](grid_Hello& h) { set(h.app, "a b"); });
  refuse(hello(), [](grid_Hello& h) { h.node = 0; });
  refuse(hello(), [](grid_Hello& h) { h.quality = 4; });
  refuse(hello(), [](grid_Hello& h) { h.frame_bytes_max = kControlBytesMax - 1; });
  refuse(hello(), [](grid_Hello& h) { set(h.software, "\xff"); });
}

void answers_that_break_a_rule_are_refused(void**) {
  refuse(welcome(), [](grid_Welcome& w) { w.protocol = 0; });
  refuse(welcome(), [](grid_Welcome& w) { w.frame_bytes_max = kControlBytesMax - 1; });
  refuse(welcome(), [](grid_Welcome& w) { w.window_ops = 0; });
  refuse(subscribed(), [](grid_Subscribed& s) { s.mode = 3; });
  refuse(subscribed(), [](grid_Subscribed& s) { s.status = 13; });
  refuse(subscribed(), [](grid_Subscribed& s) { s.status = 7; });  // but not refused
  refuse(subscribed(), [](grid_Subscribed& s) { s.mode = 2; });    // but without a reason
  refuse(bye(), [](grid_Bye& b) { b.status = 13; });
  refuse(bye(), [](grid_Bye& b) { set(b.reason, "\xc3"); });
}

void scope_that_breaks_a_rule_is_refused(void**) {
  const auto nothing = [](grid_Subscribe&) {};
  refuse(subscribe(ScopeKind::everything, "climate", ""), nothing);
  refuse(subscribe(ScopeKind::everything, "", "bench/"), nothing);
  refuse(subscribe(ScopeKind::map, "", ""), nothing);
  refuse(subscribe(ScopeKind::map, "cli/mate", ""), nothing);
  refuse(subscribe(ScopeKind::map, "climate", "bench/"), nothing);
  refuse(subscribe(ScopeKind::prefix, "", "bench/"), nothing);
  refuse(subscribe(ScopeKind::key, "climate", ""), nothing);
  refuse(subscribe(ScopeKind::key, "climate", "a\nb"), nothing);
  refuse(subscribe(ScopeKind::where, "climate", ""), nothing);
  refuse(subscribe(ScopeKind::where, "", "age > 18"), nothing);
  refuse(subscribe(ScopeKind::where, "climate", "age = '\xff'"), nothing);
  refuse(subscribe(ScopeKind::facts, "climate", ""), nothing);
  refuse(subscribe(ScopeKind::facts, "", "name"), nothing);
  refuse(subscribe(ScopeKind::facts, "climate", "\xff"), nothing);
  refuse(subscribe(ScopeKind::entity, "climate", ""), nothing);
  refuse(subscribe(ScopeKind::entity, "", "ann"), nothing);
  refuse(subscribe(), [](grid_Subscribe& s) { s.kind = 7; });
}

void scope_that_keeps_the_rules_is_taken(void**) {
  carried(subscribe(ScopeKind::everything, "", ""));
  carried(subscribe(ScopeKind::map, "climate", ""));
  carried(subscribe(ScopeKind::prefix, "climate", ""));
  carried(subscribe(ScopeKind::where, "climate", "age > 18"));
  carried(subscribe(ScopeKind::facts, "climate", "age\nname"));
  carried(subscribe(ScopeKind::entity, "climate", "ann"));
  carried(subscribe(ScopeKind::prefix, "climate", "bench/"));
  carried(subscribe(ScopeKind::key, "climate", "bench/3"));
}

void frame_of_another_kind_is_corrupt(void**) {
  grid_Verify verify;
  assert_status(decode(encoded(grid_Unsubscribe{7}), verify), Status::corrupt);
  assert_status(decode({}, verify), Status::corrupt);
}

void kind_is_the_first_byte(void**) {
  const std::uint8_t bytes[] = {0, 1, 27, 28, 255};
  assert_status(kind_of({}).status(), Status::corrupt);
  assert_status(kind_of(Bytes(bytes).subspan(0, 1)).status(), Status::corrupt);
  assert_true(*kind_of(Bytes(bytes).subspan(1, 1)) == Kind::hello);
  assert_true(*kind_of(Bytes(bytes).subspan(2, 1)) == Kind::entities_reply);
  assert_status(kind_of(Bytes(bytes).subspan(3, 1)).status(), Status::corrupt);
  assert_status(kind_of(Bytes(bytes).subspan(4, 1)).status(), Status::corrupt);
}

// A release that is newer may say more than this one understands.
void unknown_fields_are_skipped(void**) {
  const Frame plain = encoded(grid_Verify{7, true});
  const Frame extras[] = {{0xa0, 0x01, 0x05},                    // field 20, varint
                          {0xa1, 0x01, 1, 2, 3, 4, 5, 6, 7, 8},  // fixed64
                          {0xa2, 0x01, 0x02, 'h', 'i'},          // bytes
                          {0xa5, 0x01, 1, 2, 3, 4}};             // fixed32
  for (const Frame& extra : extras) {
    Frame frame = plain;
    frame.insert(frame.begin() + 1, extra.begin(), extra.end());
    grid_Verify arrived;
    assert_ok(decode(frame, arrived));
    assert_true(arrived.id == 7 && arrived.compare);
  }
}

void malformed_fields_are_corrupt(void**) {
  const Frame bodies[] = {
      {0x08},                                                              // no value
      {0x08, 0x80},                                                        // varint without end
      {0x08, 0x87, 0x00},                                                  // not minimal
      {0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02},  // beyond 64 bits
      {0x08, 0xff, 0xff, 0xff, 0xff, 0x1f},                                // id beyond 32 bits
      {0x0a, 0x01, 0x07},                                                  // id as bytes
      {0x10, 0x02},                                                        // a truth of 2
      {0x00, 0x00},                                                        // field 0
      {0xa2, 0x01, 0x05, 'h', 'i'},                                        // bytes past the end
      {0xa3, 0x01, 0xa4, 0x01},                                            // a group
      {0xa1, 0x01, 1, 2, 3},                                               // fixed64 cut off
      {0x80, 0x80, 0x80, 0x80, 0x10, 0x00},                                // field number beyond 29 bits
  };
  for (Frame body : bodies) {
    body.insert(body.begin(), static_cast<std::uint8_t>(Kind::verify));
    grid_Verify arrived;
    assert_status(decode(body, arrived), Status::corrupt);
  }
}

void text_with_a_nul_inside_is_corrupt(void**) {
  Frame frame = encoded(bye());
  std::uint8_t* const word = std::search(frame.data(), frame.data() + frame.size(), "speaks", "speaks" + 6);
  *word = 0;
  grid_Bye arrived;
  assert_status(decode(frame, arrived), Status::corrupt);
}

}  // namespace
}  // namespace grid::wire

int main() {
  using namespace grid::wire;
  const CMUnitTest tests[] = {
      cmocka_unit_test(hello_arrives_as_sent),
      cmocka_unit_test(welcome_arrives_as_sent),
      cmocka_unit_test(subscribe_arrives_as_sent),
      cmocka_unit_test(answers_to_a_subscription_arrive_as_sent),
      cmocka_unit_test(small_messages_arrive_as_sent),
      cmocka_unit_test(fields_at_their_limit_fit_and_one_byte_more_is_too_large),
      cmocka_unit_test(an_ask_that_names_a_place_arrives_whole_and_fits_at_its_limit),
      cmocka_unit_test(hello_that_breaks_a_rule_is_refused),
      cmocka_unit_test(answers_that_break_a_rule_are_refused),
      cmocka_unit_test(scope_that_breaks_a_rule_is_refused),
      cmocka_unit_test(scope_that_keeps_the_rules_is_taken),
      cmocka_unit_test(frame_of_another_kind_is_corrupt),
      cmocka_unit_test(kind_is_the_first_byte),
      cmocka_unit_test(unknown_fields_are_skipped),
      cmocka_unit_test(malformed_fields_are_corrupt),
      cmocka_unit_test(text_with_a_nul_inside_is_corrupt),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
