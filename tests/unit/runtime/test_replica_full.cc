// SPDX-License-Identifier: Apache-2.0
//
// A device whose store takes little at a time: what spans several batches, a correction of stamps or a change of name,
// is held up by a full one and never torn.

#include <memory>
#include <string>
#include <vector>

#include "crdt/value.h"
#include "runtime/replica.h"
#include "storage/memory/memory_store.h"
#include "tests/check.h"
#include "transport/wire.h"

namespace {

using namespace grid;
using runtime::Action;
using runtime::Call;
using runtime::Event;

constexpr std::uint64_t kWallMs = 1'795'000'000'000;
constexpr int kOps = 90;
constexpr Limits kSmall{.value_bytes_max = 1'000,
                        .frame_bytes_max = 8'192,
                        .window_ops_max = 8,
                        .pending_ops_max = 100,
                        .subscriptions_max = 2,
                        .watches_max = 2,
                        .maps_max = 2,
                        .walk_ranges_max = 300,
                        .walk_digests_max = 300,
                        .actions_max = 64,
                        .clock_lead_ms = 1'000};

// A store whose medium may be full: then nothing is written, whatever is flushed.
class WalledStore final : public storage::Store {
 public:
  explicit WalledStore(const storage::MemoryStore::Options& options) : within_(options) {}

  bool is_full = false;
  void crash() { within_.crash(); }

  Result<crdt::Seq> append(const crdt::Op& op) override {
    return is_full ? Result<crdt::Seq>(Status::full) : within_.append(op);
  }
  Status has_room(std::size_t appends, std::size_t bytes) override {
    return is_full ? Status::full : within_.has_room(appends, bytes);
  }
  Status restamp(crdt::Seq seq, crdt::Stamp stamp, std::uint64_t expires_ms) override {
    return is_full ? Status::full : within_.restamp(seq, stamp, expires_ms);
  }
  Status set_fact(std::string_view name, Bytes bytes) override {
    return is_full ? Status::full : within_.set_fact(name, bytes);
  }
  Status share(crdt::Seq seq) override { return within_.share(seq); }
  Status settle(crdt::Seq seq) override { return within_.settle(seq); }
  crdt::Seq shared() const override { return within_.shared(); }
  crdt::Seq settled() const override { return within_.settled(); }
  Result<Bytes> fact(std::string_view name) override { return within_.fact(name); }
  Result<Fact> next_fact(std::string_view prefix, std::string_view after) override {
    return within_.next_fact(prefix, after);
  }
  Result<crdt::Op> find(const crdt::CellName& name) override { return within_.find(name); }
  Result<crdt::Op> next_cell(const crdt::CellName& after) override { return within_.next_cell(after); }
  Result<crdt::Op> next_op(crdt::Seq after) override { return within_.next_op(after); }
  crdt::Seq head() const override { return within_.head(); }
  std::uint64_t seal() override { return within_.seal(); }
  Status flush() override { return within_.flush(); }
  void flushed() override { within_.flushed(); }
  const char* problem() const override { return within_.problem(); }

 private:
  storage::MemoryStore within_;
};

// A device, and a host that flushes when it is told to.
struct Device {
  Device() : store({4'096, 6'000}), memory(runtime::Replica::memory_bytes(kSmall)) { start(); }

  void start() {
    replica = std::make_unique<runtime::Replica>(
        store, runtime::ReplicaOptions{.app = "farm", .seed = 7, .limits = &kSmall}, memory);
    step({.kind = Event::Kind::start});
  }
  // What was not flushed is gone.
  void lose_power() {
    replica.reset();
    store.crash();
    batch = 0;
    start();
  }

  void step(Event event) {
    event.now_ms = ++now_ms;
    event.wall_ms = wall_ms;
    for (const Action& action : replica->step(event)) {
      if (action.kind == Action::Kind::commit) batch = action.batch;
      if (action.kind == Action::Kind::connect) connects = true;
      if (action.kind == Action::Kind::close) closed = true;
    }
  }
  void flush() {
    while (batch != 0) {
      assert_ok(store.flush());
      store.flushed();
      step({.kind = Event::Kind::durable, .batch = std::exchange(batch, 0)});
    }
  }
  Status put(int number, std::uint64_t ttl_ms = 0) {
    const std::string key = "k" + std::to_string(number);
    constexpr std::uint8_t kOne[] = {0x18, 2};
    Call call{.verb = Call::Verb::put, .scope = {wire::ScopeKind::key, "m", key}, .value = kOne, .ttl_ms = ttl_ms};
    step({.kind = Event::Kind::call, .call = &call});
    return call.status;
  }
  void put_many() {
    for (int i = 0; i < kOps; ++i) {
      flush();
      assert_ok(put(i));
    }
    flush();
  }
  // Until the open batch takes no more. Each write comes `apart_ms` after the one before.
  void fill(std::uint64_t apart_ms = 0) {
    for (int i = 0; i < 1'000; ++i) {
      now_ms += apart_ms;
      wall_ms += apart_ms;
      const Status status = put(i % 5);
      if (status == Status::full) return;
      assert_ok(status);
    }
    fail_msg("the batch never filled up");
  }
  void connect() {
    now_ms += 60'000;
    wall_ms += 60'000;
    step({.kind = Event::Kind::wake});
    assert_true(std::exchange(connects, false));
    step({.kind = Event::Kind::link_up, .link = ++link});
  }
  void welcome(bool forked) {
    grid_Welcome message = grid_Welcome_init_zero;
    message.protocol = 1;
    message.frame_bytes_max = 8'192;
    message.window_ops = 8;
    message.forked = forked;
    std::uint8_t room[wire::kControlBytesMax];
    step({.kind = Event::Kind::frame, .link = link, .bytes = wire::encode(message, room)});
  }
  std::vector<crdt::Op> pending() {
    std::vector<crdt::Op> ops;
    for (crdt::Seq at = store.settled();;) {
      const Result<crdt::Op> op = store.next_op(at);
      if (!op.ok()) return ops;
      at = op->seq;
      if (op->local) ops.push_back(*op);
    }
  }

  WalledStore store;
  std::vector<std::uint8_t> memory;
  std::unique_ptr<runtime::Replica> replica;
  std::uint64_t now_ms = 0;
  std::uint64_t wall_ms = 0;
  std::uint64_t batch = 0;
  runtime::LinkId link = 0;
  bool connects = false;
  bool closed = false;
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

void a_row_that_would_outlive_every_stamp_never_expires(void** state) {
  Device& device = device_of(state);
  device.wall_ms = kWallMs;
  assert_ok(device.put(1, UINT64_MAX));
  assert_ok(device.put(2, 60'000));
  const Result<crdt::Op> forever = device.replica->find("m", "k1", kWallMs);
  assert_ok(forever.status());
  assert_int_equal(forever->cell.expires_ms, 0);
  const Result<crdt::Op> a_while = device.replica->find("m", "k2", kWallMs);
  assert_ok(a_while.status());
  assert_true(a_while->cell.expires_ms >= kWallMs + 60'000);
}

// CLK-1
void a_write_that_found_no_room_leaves_no_stamp_behind(void** state) {
  Device& device = device_of(state);
  device.wall_ms = kWallMs;
  for (int round = 0; round < 20; ++round) {
    // With each write the clock's ceiling is due too.
    device.fill(2 * kSmall.clock_lead_ms);
    assert_true(device.pending().size() == device.replica->status(0).ops_pending);
    for (const crdt::Op& op : device.pending()) assert_true(op.cell.stamp <= device.replica->last_stamp());
    device.flush();
    // Batches of other lengths fill up at other places.
    for (int i = 0; i < round % 8; ++i) assert_ok(device.put(i % 5));
  }
}

// CLK-1
void a_correction_that_meets_a_full_batch_goes_on_behind_it(void** state) {
  Device& device = device_of(state);
  device.put_many();
  device.fill();
  device.wall_ms = kWallMs;
  device.step({.kind = Event::Kind::wake});
  device.flush();
  assert_ok(device.put(kOps));
  device.flush();
  crdt::Stamp last;
  const std::vector<crdt::Op> ops = device.pending();
  assert_int_equal(ops.size(), kOps + 1);
  for (const crdt::Op& op : ops) {
    assert_true(op.cell.stamp > last);
    assert_true(op.cell.stamp.wall_ms() + 60'000 > kWallMs);
    last = op.cell.stamp;
  }
  assert_true(last <= device.replica->last_stamp());
}

// BND-1  Neither before its first stamp was moved nor half way.
void a_correction_that_finds_no_room_waits_for_it_without_a_spin(void** state) {
  Device& device = device_of(state);
  device.put_many();
  device.wall_ms = kWallMs;
  for (const bool has_begun : {false, true}) {
    if (has_begun) {
      device.step({.kind = Event::Kind::wake});
      assert_ok(device.store.flush());
      device.store.flushed();
    }
    device.store.is_full = true;
    device.step({.kind = Event::Kind::wake});
    if (has_begun) device.step({.kind = Event::Kind::durable, .batch = std::exchange(device.batch, 0)});
    for (int commits = 0; device.batch != 0; ++commits) {
      assert_true(commits < 3);
      assert_ok(device.store.flush());
      device.store.flushed();
      device.step({.kind = Event::Kind::durable, .batch = std::exchange(device.batch, 0)});
    }
    assert_true(device.replica->wake_at_ms() > device.now_ms);
    assert_true(device.pending().back().cell.stamp.wall_ms() < kWallMs);
    device.store.is_full = false;
  }
  device.step({.kind = Event::Kind::wake});
  device.flush();
  for (const crdt::Op& op : device.pending()) assert_true(op.cell.stamp.wall_ms() + 60'000 > kWallMs);
  assert_int_equal(device.pending().size(), kOps);
}

// CLK-1
void a_correction_that_loses_power_half_way_reissues_no_stamp(void** state) {
  Device& device = device_of(state);
  device.wall_ms = kWallMs + 60'000;
  device.put_many();
  device.fill();
  device.wall_ms = kWallMs;
  device.step({.kind = Event::Kind::wake});
  bool torn = false;
  while (device.batch != 0 && !torn) {
    assert_ok(device.store.flush());
    device.store.flushed();
    const std::vector<crdt::Op> ops = device.pending();
    torn = ops.front().cell.stamp.wall_ms() <= kWallMs && ops.back().cell.stamp.wall_ms() > kWallMs;
    if (!torn) device.step({.kind = Event::Kind::durable, .batch = std::exchange(device.batch, 0)});
  }
  assert_true(torn);
  device.lose_power();
  const std::vector<crdt::Op> before = device.pending();
  assert_ok(device.put(kOps));
  const std::vector<crdt::Op> ops = device.pending();
  assert_int_equal(ops.size(), before.size() + 1);
  for (const crdt::Op& op : before) assert_true(op.cell.stamp < ops.back().cell.stamp);
}

// LOG-1
void a_change_of_name_that_meets_a_full_batch_is_finished_before_anything_is_sent(void** state) {
  Device& device = device_of(state);
  device.wall_ms = kWallMs;
  device.put_many();
  const crdt::NodeId before = device.replica->status(0).node;
  Call online{.verb = Call::Verb::online};
  device.step({.kind = Event::Kind::call, .call = &online});
  device.connect();
  device.welcome(true);
  assert_true(device.closed);
  int rounds = 0;
  for (; std::exchange(device.closed, false); ++rounds) {
    device.flush();
    device.connect();
    device.welcome(false);
    assert_true(rounds < 20);
  }
  assert_true(rounds > 1);
  device.flush();
  const crdt::NodeId after = device.replica->status(0).node;
  assert_true(after != before);
  const std::vector<crdt::Op> ops = device.pending();
  assert_int_equal(ops.size(), kOps);
  assert_int_equal(device.replica->status(0).ops_pending, kOps);
  for (const crdt::Op& op : ops) assert_true(op.cell.stamp.node == after);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_row_that_would_outlive_every_stamp_never_expires, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_write_that_found_no_room_leaves_no_stamp_behind, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_correction_that_meets_a_full_batch_goes_on_behind_it, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_correction_that_finds_no_room_waits_for_it_without_a_spin, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_correction_that_loses_power_half_way_reissues_no_stamp, set_up, tear_down),
      cmocka_unit_test_setup_teardown(a_change_of_name_that_meets_a_full_batch_is_finished_before_anything_is_sent,
                                      set_up, tear_down),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
