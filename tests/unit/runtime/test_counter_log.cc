// SPDX-License-Identifier: Apache-2.0
//
// What a log does with a counter's ops when the server refuses one of them (PROTOCOL P25).

#include <vector>

#include "crdt/pn_counter.h"
#include "runtime/oplog.h"
#include "storage/memory/memory_store.h"
#include "tests/check.h"

namespace {

using namespace grid;
using crdt::CounterPart;
using crdt::Seq;

struct Log {
  Log()
      : memory(runtime::OpLog::memory_bytes(kChip)),
        arena(memory),
        log(store, kChip, arena, problem, &runtime::OpLog::kRules) {
    assert_ok(log.open(7));
    time.observe(1, 1'795'000'000'000);
  }

  // As the edit of a counter does it.
  Seq count(std::int64_t by) {
    const auto standing = store.find(name());
    CounterPart part = standing.ok() ? CounterPart::read(crdt::Value(standing->cell.value)) : CounterPart{};
    if (!standing.ok() || !log.is_unshared(*standing)) part.fresh = {};
    part.all.up += by;
    part.fresh.up += by;
    std::uint8_t value[CounterPart::kValueBytesMax];
    const Result<Seq> seq = log.write({name(), part.write(value)}, time);
    assert_ok(seq.status());
    return *seq;
  }
  // Hands all that is there to a link.
  void send() {
    assert_ok(log.share_ahead(100));
    assert_ok(log.seal().status());
    assert_ok(store.flush());
    store.flushed();
    log.durable();
    for (auto op = log.next_to_send(); op.ok(); op = log.next_to_send()) log.sent(*op);
  }
  // The server has this much of the part; 0: nothing.
  void refuse(Seq seq, std::int64_t up) {
    std::uint8_t value[CounterPart::kValueBytesMax];
    crdt::Op op{.cell = {name(), {up == 0 ? 0u : 1u, 7}, 0, CounterPart{{up, 0}, {up, 0}}.write(value)}};
    if (up == 0) op = {};
    assert_ok(log.reject(seq, op));
  }
  std::int64_t counted() {
    const auto standing = store.find(name());
    return standing.ok() ? CounterPart::read(crdt::Value(standing->cell.value)).all.up : 0;
  }
  crdt::CellName name() { return {"c", "k", CounterPart::name(7, sub)}; }

  std::uint8_t sub[CounterPart::kNameBytes];
  storage::MemoryStore store;
  std::vector<std::uint8_t> memory;
  Arena arena;
  runtime::Problem problem;
  runtime::Timekeeper time;
  runtime::OpLog log;
};

void what_a_refused_op_brought_goes_from_the_sum(void**) {
  Log log;
  log.count(5);
  log.send();
  assert_ok(log.log.acknowledge(log.store.head(), log.store.head()));
  const Seq refused = log.count(3);
  log.send();
  log.refuse(refused, 5);
  assert_int_equal(log.counted(), 5);
  log.count(1);
  assert_int_equal(log.counted(), 6);
}

void a_later_op_is_rebased_when_an_earlier_one_is_refused(void**) {
  Log log;
  const Seq refused = log.count(3);
  log.send();
  log.count(4);
  log.count(1);
  log.refuse(refused, 0);
  assert_int_equal(log.counted(), 5);
  log.refuse(refused, 0);
  assert_int_equal(log.counted(), 5);
}

void a_later_op_that_is_in_flight_is_followed_by_one_without_what_was_refused(void**) {
  Log log;
  const Seq refused = log.count(3);
  log.send();
  log.count(4);
  log.send();
  log.refuse(refused, 0);
  assert_int_equal(log.counted(), 4);
  assert_int_equal(log.log.pending_count(), 3);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(what_a_refused_op_brought_goes_from_the_sum),
      cmocka_unit_test(a_later_op_is_rebased_when_an_earlier_one_is_refused),
      cmocka_unit_test(a_later_op_that_is_in_flight_is_followed_by_one_without_what_was_refused),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
