// SPDX-License-Identifier: Apache-2.0
//
// Who a device is, what the gateway remembers of it, and what it believes it of what was lost.

#include "server/epochs.h"
#include "server/policy.h"
#include "tests/unit/server/bench.h"

namespace {

using namespace grid;
using namespace grid::server::test;

void a_node_has_one_link_the_newer(void** state) {
  Bench& bench = bench_of(state);
  const auto welcome = bench.open(1, kA);
  bench.open(2, kA, welcome.fork_token);
  assert_int_equal(bench.farewell(1).status, Status::busy);
  bench.send(2, push({put(1, "a", kWallMs, kA)}));
  bench.flush();
  assert_int_equal(decoded<grid_Ack>(bench.next(2)).durable, 1);
  assert_int_equal(bench.coordinator->status().links, 1);
}

// PROTOCOL P1: an image from the time of its first token is restored after the device went on.
void a_restored_image_is_told_to_take_a_new_node_id(void** state) {
  Bench& bench = bench_of(state);
  const std::uint64_t first = bench.open(1, kA).fork_token;
  std::uint64_t token = first;
  for (crdt::Seq seq = 1; seq <= 3; ++seq) {
    bench.send(1, push({put(seq, "a", kWallMs + seq, kA)}, token));
    bench.flush();
    for (const Frame& frame : bench.all(1)) {
      const auto ack = decoded<grid_Ack>(frame);
      if (ack.fork_token != 0) token = ack.fork_token;
    }
  }
  bench.close(1);

  assert_true(bench.open(2, kA, first).forked);

  bench.send(2, push({put(4, "a", kWallMs + 9, kA)}, first));  // Sent before it heard.
  assert_int_equal(bench.coordinator->status().head, 3);
  bench.send(2, hello(0xc));
  bench.flush();
  const auto again = decoded<grid_Welcome>(bench.next(2));
  assert_false(again.forked);
  bench.send(2, push({put(4, "a", kWallMs + 9, 0xc)}, again.fork_token));
  assert_int_equal(bench.coordinator->status().head, 4);
}

// PROTOCOL P1: the ack with the newer token was lost, so the device shows the older one.
void the_token_before_the_last_is_current_until_the_last_is_shown(void** state) {
  Bench& bench = bench_of(state);
  const std::uint64_t first = bench.open(1, kA).fork_token;
  bench.send(1, push({put(1, "a", kWallMs, kA)}, first));
  bench.flush();
  bench.close(1);
  assert_false(bench.open(2, kA, first).forked);
}

// PROTOCOL P1: the new one a power cut may take back, and of the old one the device may have heard the successor.
void a_welcome_during_a_commit_gives_no_token(void** state) {
  Bench& bench = bench_of(state);
  const std::uint64_t first = bench.open(1, kA).fork_token;
  bench.send(1, push({put(1, "a", kWallMs, kA)}, first));  // Makes a new token, in a batch that is never flushed.
  bench.step({.kind = Event::Kind::link_up, .link = 2});
  bench.send(2, hello(kA, first));
  assert_int_equal(decoded<grid_Welcome>(bench.next(2)).fork_token, 0);

  bench.restart();

  assert_false(bench.open(3, kA, first).forked);
}

void a_record_of_a_peer_from_before_it_knew_what_is_whole_is_read(void** state) {
  Bench& bench = bench_of(state);
  const std::uint64_t token = bench.open(1, kA).fork_token;
  bench.close(1);
  const std::string name = "peer/000000000000000a";
  const Result<Bytes> now = bench.store.fact(name);
  assert_ok(now.status());
  const Frame old(now->begin(), now->begin() + 48);
  assert_ok(bench.store.set_fact(name, old));
  assert_false(bench.open(2, kA, token).forked);
}

// PROTOCOL P1: the first one, too.
void a_token_that_is_not_on_disk_is_given_to_nobody(void** state) {
  Bench& bench = bench_of(state);
  for (LinkId link = 1; link <= 2; ++link) {
    bench.step({.kind = Event::Kind::link_up, .link = link});
    bench.send(link, hello(kA));
    assert_true(bench.next(link).empty());
    if (link == 1) bench.close(link);
  }
  bench.flush();
  const std::uint64_t token = decoded<grid_Welcome>(bench.next(2)).fork_token;
  bench.restart();
  assert_false(bench.open(3, kA, token).forked);
}

// PROTOCOL P7, P19: a stamp that others may have seen is not refused, and reissued lower, because the server that took
// it was set back. Of whoever only says so there must be more evidence.
void an_op_that_was_taken_before_a_loss_is_taken_again(void** state) {
  Bench& bench = bench_of(state);
  std::uint8_t cursor[server::PullCursor::kBytes];
  server::PullCursor{77, 5, 1}.write(cursor);
  crdt::Op op = put(1, "a", kWallMs + 120'000, kA);
  op.was_applied = true;
  bench.open(1, kA);
  assert_status(verdict_on(bench, 1, op), Status::clock_ahead);
  bench.close(1);
  assert_true(bench.open(2, kA, 0, cursor).lost);
  assert_status(verdict_on(bench, 2, op), Status::ok);
  op.cell.name.key = "b";
  op.was_applied = false;
  op.seq = 2;
  op.cell.stamp = crdt::Stamp::of(kWallMs + 240'000, 0, kA);
  assert_status(verdict_on(bench, 2, op), Status::clock_ahead);
}

// PROTOCOL P19: what an op lies just above was vouched for here, and is known no more.
void an_op_that_lies_just_above_what_was_lost_is_taken(void** state) {
  Bench& bench = bench_of(state);
  bench.open(1, kA);
  crdt::Op op = put(1, "a", kWallMs + 3'600'000, kA);
  assert_status(verdict_on(bench, 1, op), Status::clock_ahead);
  op = put(2, "a", kWallMs + 3'600'000, kA);
  op.base = crdt::Stamp::of(kWallMs + 3'500'000, 0, kB);
  assert_status(verdict_on(bench, 1, op), Status::clock_ahead);
  op = put(3, "a", kWallMs + 3'600'000, kA);
  op.base = crdt::Stamp::of(kWallMs + 3'599'999, 0, kB);
  assert_status(verdict_on(bench, 1, op), Status::ok);
}

// PROTOCOL P19: a new op says nothing of the older ones that this node was promised, to an image of it neither.
void what_is_pushed_after_a_loss_does_not_hide_it(void** state) {
  Bench& bench = bench_of(state);
  const crdt::Stamp promised = crdt::Stamp::of(kWallMs, 0, kA);
  const auto said = [&](LinkId link, std::uint64_t token) {
    bench.step({.kind = Event::Kind::link_up, .link = link});
    grid_Hello message = decoded<grid_Hello>(hello(kA, token));
    message.shared_time = promised.time;
    bench.send(link, encoded(message));
    bench.flush();
    return decoded<grid_Welcome>(bench.next(link));
  };
  const grid_Welcome first = said(1, 0);
  assert_true(first.lost);
  bench.send(1, push({put(1, "b", kWallMs + 1, kA)}, first.fork_token));
  bench.flush();
  assert_true(said(2, first.fork_token).lost);
}

// Who only asks what the gateway knows is nobody: any number of them at once, and nothing of them is kept.
void who_only_looks_has_no_node(void** state) {
  Bench& bench = bench_of(state);
  bench.start();
  bench.open(1, wire::kOnlookerNode);
  bench.open(2, wire::kOnlookerNode);
  grid_InspectAsk ask = grid_InspectAsk_init_zero;
  ask.id = 7;
  set(ask.topic, "status");
  for (const LinkId link : {LinkId{1}, LinkId{2}}) {
    bench.send(link, encoded(ask));
    assert_int_equal(kind_of(bench.next(link)), Kind::inspect_reply);
  }
  bench.send(2, push({put(1, "a", kWallMs, wire::kOnlookerNode)}));
  assert_int_equal(bench.farewell(2).status, Status::denied);
  bench.close(1);
  bench.flush();
  assert_status(bench.store.next_fact("peer/", "").status(), Status::not_found);
}

// Refuses what its key calls bad.
class RefusesBad final : public server::Policy {
 public:
  bool governs(std::string_view) const override { return true; }
  server::Ruling judge(std::span<const server::Proposal> batch) override {
    for (const server::Proposal& write : batch) {
      if (write.name.key == "bad") return {Status::invalid, "bad"};
    }
    return {};
  }
};

// What was taken last passes when it comes again; what comes along with it does not.
void nothing_passes_a_policy_in_the_company_of_what_was_taken(void** state) {
  Bench& bench = bench_of(state);
  RefusesBad policy;
  bench.options.policy = &policy;
  bench.start();
  bench.open(1, kA);
  bench.send(1, push({put(1, "good", kWallMs, kA)}));
  crdt::Op again = put(2, "good", kWallMs, kA), bad = put(3, "bad", kWallMs + 1, kA);
  again.unit = {.before = 0, .left = 1};
  bad.unit = {.before = 1, .left = 0};
  bench.send(1, push({again, bad}));
  bench.flush();
  assert_int_equal(bench.coordinator->status().ops_rejected, 2);
  assert_false(bench.store.find({"climate", "bad", {}}).ok());
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      server_test(a_node_has_one_link_the_newer),
      server_test(a_restored_image_is_told_to_take_a_new_node_id),
      server_test(the_token_before_the_last_is_current_until_the_last_is_shown),
      server_test(a_welcome_during_a_commit_gives_no_token),
      server_test(a_token_that_is_not_on_disk_is_given_to_nobody),
      server_test(a_record_of_a_peer_from_before_it_knew_what_is_whole_is_read),
      server_test(an_op_that_was_taken_before_a_loss_is_taken_again),
      server_test(an_op_that_lies_just_above_what_was_lost_is_taken),
      server_test(what_is_pushed_after_a_loss_does_not_hide_it),
      server_test(who_only_looks_has_no_node),
      server_test(nothing_passes_a_policy_in_the_company_of_what_was_taken),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
