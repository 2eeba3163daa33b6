// SPDX-License-Identifier: Apache-2.0
//
// What a device says when it is looked into: whole, in pages, bounded, and never more than it was asked.

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "runtime/inspector.h"
#include "storage/memory/memory_store.h"
#include "tests/check.h"
#include "transport/wire.h"

namespace {

using namespace grid;
using runtime::Call;
using runtime::Event;
using runtime::Inspector;

constexpr std::uint64_t kWallMs = 1'795'000'000'000;

struct Flash final : runtime::Vitals {
  void tell(crdt::ValueWriter& status) override {
    status.field("flash_erases_max");
    status.integer(17);
  }
};

// A device of a chip's limits, and a room as large as its frames.
struct Device {
  Device() : memory(runtime::Replica::memory_bytes(kChip)) {
    replica = std::make_unique<runtime::Replica>(
        store, runtime::ReplicaOptions{.app = "farm", .seed = 7, .limits = &kChip}, memory);
    step({.kind = Event::Kind::start});
    inspector = std::make_unique<Inspector>(*replica, store, Inspector::About{"farm", "test 1"}, &flash);
  }

  void step(Event event) {
    event.now_ms = ++now_ms;
    event.wall_ms = wall_ms;
    for (const runtime::Action& action : replica->step(event)) {
      if (action.kind == runtime::Action::Kind::commit) batch = action.batch;
    }
    if (batch == 0) return;
    assert_ok(store.flush());
    store.flushed();
    const std::uint64_t durable = std::exchange(batch, 0);
    step({.kind = Event::Kind::durable, .batch = durable});
  }
  void put(std::string_view map, const std::string& key, std::size_t text_bytes = 5, std::uint64_t ttl_ms = 0) {
    std::vector<std::uint8_t> bytes(text_bytes + 16);
    crdt::ValueWriter writer(bytes);
    writer.text(std::string(text_bytes, 'x'));
    Call call{.verb = Call::Verb::put,
              .scope = {wire::ScopeKind::key, map, key},
              .value = *writer.finish(),
              .ttl_ms = ttl_ms};
    step({.kind = Event::Kind::call, .call = &call});
    assert_ok(call.status);
  }
  void remove(std::string_view map, const std::string& key) {
    Call call{.verb = Call::Verb::remove, .scope = {wire::ScopeKind::key, map, key}};
    step({.kind = Event::Kind::call, .call = &call});
    assert_ok(call.status);
  }

  storage::MemoryStore store;
  std::vector<std::uint8_t> memory;
  std::unique_ptr<runtime::Replica> replica;
  Flash flash;
  std::unique_ptr<Inspector> inspector;
  std::vector<std::uint8_t> room = std::vector<std::uint8_t>(kChip.frame_bytes_max);
  std::uint64_t now_ms = 0;
  std::uint64_t wall_ms = kWallMs;
  std::uint64_t batch = 0;
};

template <std::size_t kSize>
void set(char (&field)[kSize], std::string_view text) {
  assert_true(text.size() < kSize);
  std::memset(field, 0, kSize);
  if (!text.empty()) std::memcpy(field, text.data(), text.size());
}

grid_InspectAsk ask_for(std::string_view topic, std::string_view map = {}, std::string_view argument = {}) {
  grid_InspectAsk ask = grid_InspectAsk_init_zero;
  ask.id = 9;
  set(ask.topic, topic);
  set(ask.map, map);
  set(ask.argument, argument);
  return ask;
}

struct Row {
  crdt::Seq seq;
  std::string key;
  bool has_value;
};
struct Answer {
  Status status = Status::ok;
  bool last = false;
  std::vector<Row> rows;
  std::vector<std::uint8_t> value;  // Of the first op.
};

Answer answer_to(Device& device, const grid_InspectAsk& ask) {
  std::uint8_t bytes[wire::kControlBytesMax];
  const Result<Bytes> frame = device.inspector->answer(wire::encode(ask, bytes), device.replica->status(device.now_ms),
                                                       device.wall_ms, device.room);
  assert_ok(frame.status());
  assert_true(frame->size() <= device.room.size());
  wire::OpsReader reader;
  assert_ok(reader.open(*frame));
  assert_int_equal(reader.head().id, ask.id);
  Answer answer{reader.head().status, reader.head().last, {}, {}};
  for (crdt::Op op; reader.next(op);) {
    assert_ok(reader.status());
    if (answer.rows.empty()) answer.value.assign(op.cell.value.begin(), op.cell.value.end());
    answer.rows.push_back({op.seq, std::string(op.cell.name.key), !op.cell.value.empty()});
  }
  return answer;
}

// All pages of a listing of a map, as gridctl asks for them.
std::vector<Row> listed(Device& device, grid_InspectAsk ask, std::size_t* pages = nullptr) {
  std::vector<Row> rows;
  for (;;) {
    const Answer page = answer_to(device, ask);
    if (pages != nullptr) ++*pages;
    rows.insert(rows.end(), page.rows.begin(), page.rows.end());
    if (page.last) return rows;
    assert_false(page.rows.empty());
    set(ask.argument, page.rows.back().key);
    ask.after = true;
    ask.seq = page.rows.back().seq;
  }
}

int set_up(void** state) {
  *state = new Device;
  return 0;
}
int tear_down(void** state) {
  delete static_cast<Device*>(*state);
  return 0;
}
Device& device_of(void** state) { return *static_cast<Device*>(*state); }

void status_tells_of_the_replica_and_of_the_machine_under_it(void** state) {
  Device& device = device_of(state);
  device.put("m", "a");
  device.put("m", "b");

  const Answer answer = answer_to(device, ask_for("status"));

  assert_ok(answer.status);
  assert_true(answer.last);
  const crdt::Value status(answer.value);
  assert_true(status["app"].text_or({}) == "farm");
  assert_true(status["software"].text_or({}) == "test 1");
  assert_true(status["state"].text_or({}) == "disconnected");
  assert_true(status["clock"].text_or({}) == "drifted");
  assert_int_equal(status["protocol"].integer_or(0), wire::kProtocolMax);
  assert_int_equal(status["ops_pending"].integer_or(0), 2);
  assert_int_equal(status["head"].integer_or(0), 2);
  assert_int_equal(status["flash_erases_max"].integer_or(0), 17);
  assert_true(static_cast<std::uint64_t>(status["node"].integer_or(0)) == device.replica->status(0).node);
}

void a_topic_that_is_not_known_is_not_found(void** state) {
  assert_status(answer_to(device_of(state), ask_for("weather")).status, Status::not_found);
}

void what_is_no_ask_is_refused(void** state) {
  Device& device = device_of(state);
  const std::uint8_t hello[] = {1, 8, 1};
  const std::uint8_t torn[] = {20, 0x12, 9, 's'};
  for (const Bytes frame : {Bytes(hello), Bytes(torn), Bytes()}) {
    assert_status(device.inspector->answer(frame, {}, kWallMs, device.room).status(), Status::corrupt);
  }
}

void a_map_comes_page_by_page_and_whole(void** state) {
  Device& device = device_of(state);
  std::vector<std::string> keys;
  for (int i = 1'000; i < 1'700; ++i) {
    keys.push_back("k" + std::to_string(i));
    device.put("m", keys.back());
  }
  device.put("l", "before");
  device.put("n", "behind");

  std::size_t pages = 0;
  const std::vector<Row> rows = listed(device, ask_for("ls", "m"), &pages);

  assert_true(pages > keys.size() / Inspector::kCellsMax);
  assert_int_equal(rows.size(), keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i) assert_true(rows[i].key == keys[i]);
}

void a_listing_begins_with_the_name_it_is_asked_for(void** state) {
  Device& device = device_of(state);
  for (const char* key : {"a", "b", "b/1", "c"}) device.put("m", key);
  assert_true(listed(device, ask_for("ls", "m", "b")).front().key == "b");
  assert_true(listed(device, ask_for("ls", "m", "b/")).front().key == "b/1");
  assert_int_equal(listed(device, ask_for("ls", "m", "d")).size(), 0);
  assert_int_equal(listed(device, ask_for("ls", "nothing")).size(), 0);
}

void what_is_removed_or_expired_comes_without_its_value(void** state) {
  Device& device = device_of(state);
  device.put("m", "gone");
  device.remove("m", "gone");
  device.put("m", "short", 5, 1'000);
  device.put("m", "stays");
  device.wall_ms += 2'000;

  const std::vector<Row> rows = listed(device, ask_for("ls", "m"));

  assert_int_equal(rows.size(), 3);
  assert_false(rows[0].has_value);
  assert_false(rows[1].has_value);
  assert_true(rows[2].has_value);
}

void one_row_is_got_and_no_other(void** state) {
  Device& device = device_of(state);
  device.put("m", "a");
  device.put("m", "b");
  const Answer answer = answer_to(device, ask_for("get", "m", "a"));
  assert_int_equal(answer.rows.size(), 1);
  assert_true(answer.rows[0].key == "a" && answer.rows[0].has_value);
}

void a_row_that_no_frame_holds_is_named_and_passed(void** state) {
  Device& device = device_of(state);
  device.put("m", "a");
  device.put("m", "large", 1'000);
  device.put("m", "z");
  device.room.resize(Inspector::kRoomBytesMin);

  grid_InspectAsk ask = ask_for("ls", "m");
  assert_int_equal(answer_to(device, ask).rows.size(), 1);
  set(ask.argument, "a");
  ask.after = true;
  const Answer large = answer_to(device, ask);
  assert_status(large.status, Status::too_large);
  assert_false(large.last);
  assert_true(large.rows.size() == 1 && large.rows[0].key == "large" && !large.rows[0].has_value);
  set(ask.argument, "large");
  assert_true(answer_to(device, ask).rows[0].key == "z");
}

void a_map_without_a_legal_name_is_invalid(void** state) {
  assert_status(answer_to(device_of(state), ask_for("ls", "no map")).status, Status::invalid);
  assert_status(answer_to(device_of(state), ask_for("get")).status, Status::invalid);
}

void the_log_shows_what_is_pending_and_where_the_rest_ends(void** state) {
  Device& device = device_of(state);
  for (int i = 0; i < 300; ++i) device.put("m", "k" + std::to_string(i));

  const std::vector<Row> all = listed(device, ask_for("oplog"));
  std::set<std::string> keys;
  for (const Row& row : all) {
    if (!row.key.empty()) keys.insert(row.key);
  }
  assert_int_equal(keys.size(), 300);

  assert_ok(device.store.settle(299));
  const std::vector<Row> left = listed(device, ask_for("oplog"));
  assert_int_equal(left.size(), 1);
  assert_int_equal(left[0].seq, 300);
}

void the_log_in_large_frames_names_no_op_twice(void** state) {
  Device& device = device_of(state);
  device.room.resize(65'536);
  for (int i = 0; i < 250; ++i) device.put("m", "k" + std::to_string(i));
  const std::vector<Row> all = listed(device, ask_for("oplog"));
  assert_int_equal(all.size(), 250);
  for (std::size_t i = 1; i < all.size(); ++i) assert_true(all[i].seq > all[i - 1].seq);
}

// BND-1
void a_log_of_what_others_wrote_is_walked_in_bounded_steps(void** state) {
  Device& device = device_of(state);
  for (int i = 0; i < 300; ++i) {
    const std::string key = "r" + std::to_string(i);
    constexpr std::uint8_t kOne[] = {0x18, 2};
    const crdt::Cell cell{{"m", key}, crdt::Stamp::of(kWallMs, 0, 5), 0, kOne};
    assert_ok(device.store.append({.cell = cell}).status());
  }
  device.put("m", "own");

  std::size_t pages = 0;
  const std::vector<Row> rows = listed(device, ask_for("oplog"), &pages);

  assert_int_equal(pages, 301 / Inspector::kCellsMax + 1);
  assert_true(rows.back().key == "own");
  assert_int_equal(rows.size(), pages);  // A place for each page that had nothing else, and the one op.
}

// The sums of all pages.
crdt::Digest sum_of_pages(Device& device) {
  crdt::Digest digest;
  grid_InspectAsk ask = ask_for("digest");
  for (bool last = false; !last;) {
    std::uint8_t bytes[wire::kControlBytesMax];
    const Result<Bytes> frame = device.inspector->answer(wire::encode(ask, bytes), {}, device.wall_ms, device.room);
    wire::OpsReader reader;
    assert_ok(reader.open(*frame));
    crdt::Op op;
    assert_true(reader.next(op));
    assert_ok(reader.status());
    const crdt::Value sums(op.cell.value);
    digest.add({static_cast<std::uint64_t>(sums["sum"].integer_or(0)),
                static_cast<std::uint64_t>(sums["cells"].integer_or(0))});
    set(ask.map, op.cell.name.map);
    set(ask.argument, op.cell.name.key);
    ask.after = true;
    last = reader.head().last;
  }
  return digest;
}

void digests_of_the_pages_add_up_to_that_of_the_replica(void** state) {
  Device& device = device_of(state);
  for (int i = 0; i < 300; ++i) device.put("m" + std::to_string(i % 3), "k" + std::to_string(i));
  device.remove("m0", "k0");
  assert_ok(device.store.settle(device.store.head() - 5));

  const crdt::Digest digest = sum_of_pages(device);

  assert_true(digest == device.replica->digest({}, device.wall_ms));
  assert_true(digest.count > 200);
}

void long_names_leave_the_sums_alone(void** state) {
  Device& device = device_of(state);
  for (std::size_t i = 0; i < 2 * Inspector::kCellsMax; ++i) {
    device.put("m", std::string(220, 'k') + std::to_string(1'000 + i));
  }
  assert_ok(device.store.settle(device.store.head()));
  assert_true(sum_of_pages(device) == device.replica->digest({}, device.wall_ms));
}

}  // namespace

#define device_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main() {
  const CMUnitTest tests[] = {
      device_test(status_tells_of_the_replica_and_of_the_machine_under_it),
      device_test(a_topic_that_is_not_known_is_not_found),
      device_test(what_is_no_ask_is_refused),
      device_test(a_map_comes_page_by_page_and_whole),
      device_test(a_listing_begins_with_the_name_it_is_asked_for),
      device_test(what_is_removed_or_expired_comes_without_its_value),
      device_test(one_row_is_got_and_no_other),
      device_test(a_row_that_no_frame_holds_is_named_and_passed),
      device_test(a_map_without_a_legal_name_is_invalid),
      device_test(the_log_shows_what_is_pending_and_where_the_rest_ends),
      device_test(a_log_of_what_others_wrote_is_walked_in_bounded_steps),
      device_test(the_log_in_large_frames_names_no_op_twice),
      device_test(digests_of_the_pages_add_up_to_that_of_the_replica),
      device_test(long_names_leave_the_sums_alone),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
