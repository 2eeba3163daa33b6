// SPDX-License-Identifier: Apache-2.0
//
// What an app may take (server/quota.h): what would grow beyond it is refused, and what comes too fast is acknowledged
// later.

#include "runtime/call.h"
#include "server/quota.h"
#include "tests/unit/server/bench.h"

namespace grid::server {
namespace {

using namespace test;

constexpr LinkId kLink = 1;
const std::string kLong(50, 'x');

struct Answer {
  Status status = Status::ok;
  std::string sentence{};
  std::string standing{};
};

// What a push of these comes to: of its last reject.
Answer answer_to(Bench& bench, const std::vector<crdt::Op>& ops, LinkId link = kLink) {
  bench.send(link, push(ops));
  bench.flush();
  Answer answer;
  for (const Frame& frame : bench.all(link)) {
    wire::OpsReader reader;
    if (kind_of(frame) != Kind::reject || reader.open(frame) != Status::ok) continue;
    answer = {reader.head().status, {}, rows(frame)};
    for (crdt::Op op; reader.next(op);) continue;
    answer.sentence = reader.head().reason;
  }
  return answer;
}

void begin(Bench& bench, const QuotaLimits& quota) {
  bench.options.quota = quota;
  bench.start();
  bench.open(kLink, kA);
}

Bytes long_value(std::string& room) {
  room.assign(2 + kLong.size(), '\0');
  crdt::ValueWriter writer({reinterpret_cast<std::uint8_t*>(room.data()), room.size()});
  writer.text(kLong);
  const Result<Bytes> value = writer.finish();
  assert_ok(value.status());
  return *value;
}

crdt::Op with_unit_left(crdt::Op op, std::uint8_t left) {
  op.unit.left = left;
  return op;
}

void a_new_cell_is_refused_where_there_are_as_many_as_there_may_be(void** state) {
  Bench& bench = bench_of(state);
  begin(bench, {.cells = 2});
  assert_status(answer_to(bench, {put(1, "a", kWallMs, kA), put(2, "b", kWallMs + 1, kA)}).status, Status::ok);
  const Answer refused = answer_to(bench, {put(3, "c", kWallMs + 2, kA)});
  assert_status(refused.status, Status::full);
  assert_string_equal(refused.sentence.c_str(), "the app is full: it holds 2 of 2 cells (quota.cells)");
  assert_status(bench.store.find({"climate", "c", {}}).status(), Status::not_found);
  const CoordinatorStatus status = bench.coordinator->status();
  assert_int_equal(status.cells, 2);
  assert_int_equal(status.rejected_by[static_cast<std::size_t>(Status::full)], 1);
}

void what_stands_is_changed_and_removed_all_the_same(void** state) {
  Bench& bench = bench_of(state);
  begin(bench, {.cells = 1});
  assert_status(answer_to(bench, {put(1, "a", kWallMs, kA)}).status, Status::ok);
  assert_status(answer_to(bench, {put(2, "a", kWallMs + 1, kA, kTwo)}).status, Status::ok);
  assert_status(answer_to(bench, {removal(3, "a", kWallMs + 2, kA)}).status, Status::ok);
  assert_int_equal(bench.coordinator->status().tombstones, 1);
  // The deletion is kept for others to hear of, and counts.
  assert_status(answer_to(bench, {put(4, "b", kWallMs + 3, kA)}).status, Status::full);
  assert_status(answer_to(bench, {put(5, "a", kWallMs + 4, kA)}).status, Status::ok);
}

void nothing_grows_beyond_the_bytes(void** state) {
  Bench& bench = bench_of(state);
  std::string room;
  const Bytes large = long_value(room);
  begin(bench, {.bytes = 80});
  assert_status(answer_to(bench, {put(1, "a", kWallMs, kA, large)}).status, Status::ok);
  assert_int_equal(bench.coordinator->status().cell_bytes, 7 + 1 + large.size());
  const Answer refused = answer_to(bench, {put(2, "b", kWallMs + 1, kA, large)});
  assert_status(refused.status, Status::full);
  assert_string_equal(refused.sentence.c_str(), "the app is full: it holds 60 of 80 bytes (quota.bytes)");
  assert_status(answer_to(bench, {put(3, "b", kWallMs + 2, kA)}).status, Status::ok);
  assert_status(answer_to(bench, {put(4, "b", kWallMs + 3, kA, large)}).status, Status::full);
  assert_status(answer_to(bench, {put(5, "a", kWallMs + 4, kA)}).status, Status::ok);
  assert_status(answer_to(bench, {put(6, "b", kWallMs + 5, kA, large)}).status, Status::ok);
}

void a_batch_is_refused_as_one_by_what_all_of_it_adds(void** state) {
  Bench& bench = bench_of(state);
  begin(bench, {.cells = 2});
  assert_status(answer_to(bench, {put(1, "a", kWallMs, kA)}).status, Status::ok);
  const std::vector<crdt::Op> batch = {with_unit_left(put(2, "b", kWallMs + 1, kA), 1), put(3, "c", kWallMs + 2, kA)};
  assert_status(answer_to(bench, batch).status, Status::full);
  assert_int_equal(bench.coordinator->status().cells, 1);
  assert_int_equal(bench.coordinator->status().ops_rejected, 2);
}

void what_was_counted_is_counted_again_after_a_start(void** state) {
  Bench& bench = bench_of(state);
  begin(bench, {.cells = 9});
  assert_status(answer_to(bench, {put(1, "a", kWallMs, kA), put(2, "b", kWallMs + 1, kA, kTwo)}).status, Status::ok);
  assert_status(answer_to(bench, {removal(3, "a", kWallMs + 2, kA)}).status, Status::ok);
  const CoordinatorStatus before = bench.coordinator->status();
  bench.restart();
  assert_int_equal(bench.coordinator->status().cells, before.cells);
  assert_int_equal(bench.coordinator->status().cell_bytes, before.cell_bytes);
  assert_int_equal(before.cells, 2);
}

void a_lower_quota_takes_nothing_away(void** state) {
  Bench& bench = bench_of(state);
  begin(bench, {});
  assert_status(answer_to(bench, {put(1, "a", kWallMs, kA), put(2, "b", kWallMs + 1, kA)}).status, Status::ok);
  bench.coordinator->limit({.cells = 1});
  assert_status(answer_to(bench, {put(3, "c", kWallMs + 2, kA)}).status, Status::full);
  assert_status(answer_to(bench, {put(4, "b", kWallMs + 3, kA, kTwo)}).status, Status::ok);
  bench.coordinator->limit({});
  assert_status(answer_to(bench, {put(5, "c", kWallMs + 4, kA)}).status, Status::ok);
}

// It is here: refused now, its device would take back what others hold.
void what_was_taken_before_is_not_refused_when_it_comes_again(void** state) {
  Bench& bench = bench_of(state);
  begin(bench, {.cells = 1});
  crdt::Op op = put(1, "a", kWallMs, kA);
  assert_status(answer_to(bench, {op}).status, Status::ok);
  bench.coordinator->limit({.cells = 1, .bytes = 1});
  bench.close(kLink);
  bench.open(2, kA);
  op.was_applied = true;
  assert_status(answer_to(bench, {op}, 2).status, Status::ok);
}

// PROTOCOL P7: it was relayed, and lost with the power; others filled its place.
void what_others_may_hold_is_refused_by_a_newer_write(void** state) {
  Bench& bench = bench_of(state);
  begin(bench, {.cells = 1});
  assert_status(answer_to(bench, {put(1, "a", kWallMs, kA)}).status, Status::ok);
  bench.open(2, kB);
  bench.send(2, subscribe(1));
  bench.flush();
  bench.all(2);
  crdt::Op lost = put(2, "b", kWallMs + 1, kA, kTwo);
  lost.was_applied = true;
  assert_status(answer_to(bench, {lost}).status, Status::full);
  const Result<crdt::Op> standing = bench.store.find({"climate", "b", {}});
  assert_ok(standing.status());
  assert_true(standing->cell.is_tombstone() && standing->cell.stamp > lost.cell.stamp);
  bool is_told = false;
  for (const Frame& frame : bench.all(2)) is_told = is_told || kind_of(frame) == Kind::delta;
  assert_true(is_told);
}

// The same of the first op of its node: what was known of it went with the power.
void the_first_op_of_a_node_is_refused_by_a_newer_write_too(void** state) {
  Bench& bench = bench_of(state);
  bench.options.quota = {.cells = 1};
  bench.start();
  const std::uint64_t token = bench.open(kLink, kA).fork_token;
  bench.open(2, kB);
  bench.send(2, subscribe(1));
  bench.flush();
  bench.all(2);
  crdt::Op lost = put(1, "a", kWallMs, kA);
  bench.send(kLink, push({lost}));
  bool is_relayed = false;
  for (const Frame& frame : bench.all(2)) is_relayed = is_relayed || kind_of(frame) == Kind::delta;
  assert_true(is_relayed);
  bench.restart();
  bench.open(3, kB);
  assert_status(answer_to(bench, {put(1, "b", kWallMs + 1, kB)}, 3).status, Status::ok);
  bench.open(4, kA, token);
  lost.was_applied = true;
  assert_status(answer_to(bench, {lost}, 4).status, Status::full);
  const Result<crdt::Op> standing = bench.store.find({"climate", "a", {}});
  assert_ok(standing.status());
  assert_true(standing->cell.is_tombstone() && standing->cell.stamp > lost.cell.stamp);
}

class TakesAll final : public Policy {
 public:
  bool governs(std::string_view) const override { return true; }
  Ruling judge(std::span<const Proposal>) override { return {}; }
};

// A policy says nothing of what comes again: it goes by its stamp, and loses to what its writer put in its place.
void what_a_policy_has_let_pass_before_is_not_refused_when_it_comes_again(void** state) {
  static TakesAll policy;
  Bench& bench = bench_of(state);
  bench.options.policy = &policy;
  std::string room;
  begin(bench, {});
  const std::vector<crdt::Op> ops = {put(1, "a", kWallMs, kA, long_value(room)), put(2, "a", kWallMs + 1, kA)};
  assert_status(answer_to(bench, ops).status, Status::ok);
  bench.coordinator->limit({.bytes = 20});
  bench.close(kLink);
  bench.open(2, kA);
  assert_status(answer_to(bench, ops, 2).status, Status::ok);
}

// ---- the rate

crdt::Seq durable_acked(Bench& bench, LinkId link) {
  crdt::Seq durable = 0;
  for (const Frame& frame : bench.all(link)) {
    if (kind_of(frame) == Kind::ack) durable = decoded<grid_Ack>(frame).durable;
  }
  return durable;
}

std::vector<crdt::Op> many(crdt::Seq first, std::size_t count, crdt::NodeId node = kA) {
  static const std::string kKeys = "abcdefghijklmnopqrstuvwxyz";
  std::vector<crdt::Op> ops;
  for (std::size_t i = 0; i < count; ++i) {
    ops.push_back(put(first + i, std::string_view(kKeys).substr((first + i) % 26, 1), kWallMs + first + i, node));
  }
  return ops;
}

void what_comes_too_fast_is_taken_and_acknowledged_when_its_time_comes(void** state) {
  Bench& bench = bench_of(state);
  begin(bench, {.ops_per_second = 10});
  bench.send(kLink, push(many(1, 10)));
  bench.flush();
  assert_int_equal(durable_acked(bench, kLink), 10);
  bench.send(kLink, push(many(11, 5)));
  bench.flush();
  assert_int_equal(durable_acked(bench, kLink), 10);  // They are applied.
  assert_int_equal(bench.coordinator->status().ops_applied, 15);
  assert_int_equal(bench.coordinator->status().ops_unpaid, 5);
  assert_true(bench.coordinator->wake_at_ms() == bench.now_ms + 100);
  bench.after(99);
  assert_int_equal(durable_acked(bench, kLink), 0);
  bench.after(1);
  assert_int_equal(durable_acked(bench, kLink), 11);
  bench.after(400);
  assert_int_equal(durable_acked(bench, kLink), 15);
  assert_int_equal(bench.coordinator->status().ops_unpaid, 0);
}

void a_device_is_told_a_window_of_a_second(void** state) {
  Bench& bench = bench_of(state);
  bench.options.quota = {.ops_per_second = 10};
  bench.start();
  assert_int_equal(bench.open(kLink, kA).window_ops, 10);
  bench.coordinator->limit({});
  assert_int_equal(bench.open(2, kB).window_ops, bench.options.window_ops);
}

void acknowledgements_come_in_the_order_of_the_writes(void** state) {
  Bench& bench = bench_of(state);
  begin(bench, {.ops_per_second = 10});
  bench.open(2, kB);
  bench.send(kLink, push(many(1, 14)));
  bench.send(2, push(many(1, 2, kB)));
  bench.flush();
  assert_int_equal(durable_acked(bench, kLink), 10);
  bench.after(400);
  assert_int_equal(durable_acked(bench, kLink), 14);
  assert_int_equal(durable_acked(bench, 2), 0);
  bench.after(200);
  assert_int_equal(durable_acked(bench, 2), 2);
}

void a_new_link_is_no_way_around_and_costs_nothing(void** state) {
  Bench& bench = bench_of(state);
  begin(bench, {.ops_per_second = 10});
  bench.send(kLink, push(many(1, 20)));
  bench.flush();
  bench.close(kLink);
  bench.open(2, kA);
  bench.send(2, push(many(1, 20)));
  bench.flush();
  assert_int_equal(durable_acked(bench, 2), 0);
  bench.after(100);
  assert_int_equal(durable_acked(bench, 2), 11);
  bench.after(800);
  assert_int_equal(durable_acked(bench, 2), 0);
  bench.after(100);
  assert_int_equal(durable_acked(bench, 2), 20);
}

void what_comes_again_waits_for_its_own_node_and_for_nobody_who_came_later(void** state) {
  Bench& bench = bench_of(state);
  begin(bench, {.ops_per_second = 10});
  bench.open(2, kB);
  bench.send(kLink, push(many(1, 15)));
  bench.send(2, push(many(1, 10, kB)));
  bench.flush();
  bench.close(kLink);
  bench.after(400);
  bench.open(3, kA);
  bench.send(3, push(many(11, 5)));
  bench.flush();
  assert_true(durable_acked(bench, 3) < 15);
  bench.after(100);
  assert_int_equal(durable_acked(bench, 3), 15);
}

// It writes on, so that its newest op is always at the end of the queue, and no link lives as long as that waits.
void a_device_whose_link_drops_again_and_again_is_acknowledged_all_the_same(void** state) {
  Bench& bench = bench_of(state);
  begin(bench, {.ops_per_second = 10});
  bench.open(2, kB);
  bench.send(2, push(many(1, 20, kB)));
  crdt::Seq acked = 0;
  LinkId link = 3;
  for (crdt::Seq written = 1; written <= 12; ++written, ++link) {
    bench.open(link, kA);
    bench.send(link, push(many(acked + 1, written - acked)));
    bench.send(2, push(many(16 + 5 * written, 5, kB)));
    bench.flush();
    bench.after(500);
    acked = std::max(acked, durable_acked(bench, link));
    bench.close(link);
    bench.all(2);
  }
  assert_true(acked >= 6);
}

void what_was_taken_before_a_start_is_owed_no_more(void** state) {
  Bench& bench = bench_of(state);
  begin(bench, {.ops_per_second = 10});
  bench.send(kLink, push(many(1, 15)));
  bench.flush();
  bench.restart();
  bench.open(2, kB);
  bench.send(2, push(many(1, 30, kB)));
  bench.open(3, kA);
  bench.send(3, push(many(1, 15)));
  bench.flush();
  assert_int_equal(durable_acked(bench, 3), 15);
}

// Its stamps say that they were taken before; that they change something says that they were not.
void stamps_below_one_that_was_taken_are_no_way_around(void** state) {
  Bench& bench = bench_of(state);
  begin(bench, {.ops_per_second = 10});
  bench.send(kLink, push({put(1, "z", kWallMs + 900, kA)}));
  bench.flush();
  bench.close(kLink);
  bench.open(2, kA);
  bench.send(2, push(many(2, 20)));
  bench.flush();
  assert_int_equal(durable_acked(bench, 2), 10);
  assert_int_equal(bench.coordinator->status().ops_unpaid, 11);
}

void a_node_that_there_is_no_room_for_waits_for_its_op_all_the_same(void**) {
  Debts debts;
  for (std::uint64_t op = 1; op <= Debts::kNodesMax + 1; ++op) debts.note(op, 1, op, 0);
  assert_int_equal(debts.op_of(1, 1), 1);
  assert_int_equal(debts.op_of(Debts::kNodesMax + 1, 1), Debts::kNodesMax + 1);
  debts.forget_through(1);
  debts.note(1, 2, Debts::kNodesMax + 2, 1);
  assert_int_equal(debts.op_of(1, 2), Debts::kNodesMax + 2);
}

void what_is_paid_is_waited_for_no_more_while_the_rest_is(void**) {
  Debts debts;
  for (std::uint64_t op = 11; op <= 15; ++op) debts.note(kA, 100 + op, op, 10);
  assert_int_equal(debts.op_of(kA, 111), 11);
  assert_int_equal(debts.op_of(kA, 112), 15);
  debts.forget_through(11);
  debts.note(kA, 116, 16, 11);
  assert_int_equal(debts.op_of(kA, 111), 0);
  assert_int_equal(debts.op_of(kA, 112), 15);
  assert_int_equal(debts.op_of(kA, 116), 16);
  // A stamp that does not rise: nothing is told apart any more.
  debts.note(kA, 116, 17, 11);
  assert_int_equal(debts.op_of(kA, 111), 17);
  debts.forget_through(17);
  assert_int_equal(debts.op_of(kA, 116), 0);
}

void a_second_of_quiet_pays_for_one_second_and_no_more(void** state) {
  Bench& bench = bench_of(state);
  begin(bench, {.ops_per_second = 10});
  bench.after(3'600'000);
  bench.send(kLink, push(many(1, 12)));
  bench.flush();
  assert_int_equal(durable_acked(bench, kLink), 10);
}

void whoever_pushes_on_without_an_acknowledgement_is_stopped_at_the_window(void** state) {
  Bench& bench = bench_of(state);
  bench.options.window_ops = 16;
  begin(bench, {.ops_per_second = 1});
  bench.send(kLink, push(many(1, 17)));
  bench.flush();
  bench.send(kLink, push(many(18, 1)));
  assert_status(static_cast<Status>(bench.farewell(kLink).status), Status::invalid);
}

void without_a_limit_what_waits_is_acknowledged(void** state) {
  Bench& bench = bench_of(state);
  begin(bench, {.ops_per_second = 1});
  bench.send(kLink, push(many(1, 9)));
  bench.flush();
  bench.all(kLink);
  bench.coordinator->limit({});
  bench.after(0);
  assert_int_equal(durable_acked(bench, kLink), 9);
}

// ---- who has no replica

Status write(Bench& bench, std::string_view key, Bytes value) {
  runtime::Call call;
  call.verb = value.empty() ? runtime::Call::Verb::remove : runtime::Call::Verb::put;
  call.scope = {runtime::ScopeKind::key, "climate", key};
  call.value = value;
  bench.step({.kind = Event::Kind::call, .call = &call});
  bench.flush();
  return call.status;
}

void who_has_no_replica_meets_the_same_quota(void** state) {
  Bench& bench = bench_of(state);
  begin(bench, {.cells = 1});
  assert_ok(write(bench, "a", kOne));
  assert_status(write(bench, "b", kOne), Status::full);
  assert_string_equal(bench.coordinator->desk().problem().c_str(),
                      "the app is full: it holds 1 of 1 cells (quota.cells)");
  assert_ok(write(bench, "a", kTwo));
  assert_ok(write(bench, "a", {}));
}

void who_has_no_replica_comes_again_when_a_second_is_full(void** state) {
  Bench& bench = bench_of(state);
  begin(bench, {.ops_per_second = 2});
  for (const char* key : {"a", "b", "c"}) assert_ok(write(bench, key, kOne));
  assert_status(write(bench, "d", kOne), Status::busy);
  bench.after(500);
  assert_ok(write(bench, "d", kOne));
}

void who_has_no_replica_pays_for_what_was_written_and_for_nothing_else(void** state) {
  Bench& bench = bench_of(state);
  begin(bench, {.cells = 1, .ops_per_second = 2});
  assert_ok(write(bench, "a", kOne));
  for (int i = 0; i < 5; ++i) assert_status(write(bench, "b", kOne), Status::full);
  assert_ok(write(bench, "a", kTwo));
  assert_ok(write(bench, "a", kOne));
  assert_status(write(bench, "a", kTwo), Status::busy);
}

}  // namespace
}  // namespace grid::server

int main() {
  using namespace grid::server;
  const CMUnitTest tests[] = {
      server_test(a_new_cell_is_refused_where_there_are_as_many_as_there_may_be),
      server_test(what_stands_is_changed_and_removed_all_the_same),
      server_test(nothing_grows_beyond_the_bytes),
      server_test(a_batch_is_refused_as_one_by_what_all_of_it_adds),
      server_test(what_was_counted_is_counted_again_after_a_start),
      server_test(a_lower_quota_takes_nothing_away),
      server_test(what_was_taken_before_is_not_refused_when_it_comes_again),
      server_test(what_others_may_hold_is_refused_by_a_newer_write),
      server_test(the_first_op_of_a_node_is_refused_by_a_newer_write_too),
      server_test(what_a_policy_has_let_pass_before_is_not_refused_when_it_comes_again),
      server_test(what_comes_too_fast_is_taken_and_acknowledged_when_its_time_comes),
      server_test(a_device_is_told_a_window_of_a_second),
      server_test(acknowledgements_come_in_the_order_of_the_writes),
      server_test(a_new_link_is_no_way_around_and_costs_nothing),
      server_test(what_comes_again_waits_for_its_own_node_and_for_nobody_who_came_later),
      server_test(a_device_whose_link_drops_again_and_again_is_acknowledged_all_the_same),
      server_test(what_was_taken_before_a_start_is_owed_no_more),
      server_test(stamps_below_one_that_was_taken_are_no_way_around),
      cmocka_unit_test(a_node_that_there_is_no_room_for_waits_for_its_op_all_the_same),
      cmocka_unit_test(what_is_paid_is_waited_for_no_more_while_the_rest_is),
      server_test(a_second_of_quiet_pays_for_one_second_and_no_more),
      server_test(whoever_pushes_on_without_an_acknowledgement_is_stopped_at_the_window),
      server_test(without_a_limit_what_waits_is_acknowledged),
      server_test(who_has_no_replica_meets_the_same_quota),
      server_test(who_has_no_replica_comes_again_when_a_second_is_full),
      server_test(who_has_no_replica_pays_for_what_was_written_and_for_nothing_else),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
