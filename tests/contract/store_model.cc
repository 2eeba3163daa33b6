// SPDX-License-Identifier: Apache-2.0
//
// A store against its model, over many random steps.

#include "tests/contract/store_model.h"

#include <deque>
#include <thread>

#include "tests/check.h"
#include "tests/contract/disk.h"
#include "tests/unit/crdt/dice.h"

namespace grid::test {
namespace {

using crdt::Seq;
using crdt::Stamp;
using storage::Store;

// What runs the store and the model side by side.
struct Walk {
  Walk(MakeDisk make, const Disk::Sizes& batch_sizes, int steps_wanted)
      : make_disk(make), sizes(batch_sizes), steps(steps_wanted) {
    begin_anew();
  }

  void begin_anew();
  void step();
  // The status of a write; when there is no room, that of the second attempt, behind a flush.
  template <typename Write>
  Status with_room(Write write);
  void append();
  void mark();
  void restamp();
  void set_fact();
  void seal();
  void flush();
  void reopen();
  void probe();
  void compare();

  Dice dice;
  MakeDisk make_disk;
  Disk::Sizes sizes;
  int steps;
  std::uint64_t large_one_in = 40;  // Of the values.
  std::unique_ptr<Disk> disk;
  Store* store = nullptr;
  Model now, durable;
  std::deque<Model> sealed;  // Since the last flush.
  int times_full = 0;
};

void Walk::begin_anew() {
  disk = make_disk(sizes);
  store = &disk->open();
  now = durable = {};
  sealed.clear();
}

template <typename Write>
Status Walk::with_room(Write write) {
  const Status status = write();
  if (status != Status::full) return status;
  ++times_full;
  compare();
  seal();
  assert_ok(store->flush());
  durable = now;
  sealed.clear();
  store->flushed();
  return write();
}

void Walk::step() {
  switch (dice.below(20)) {
    case 0:
      return mark();
    case 1:
      return restamp();
    case 2:
      return set_fact();
    case 3:
      return seal();
    case 4:
      return flush();
    case 5:
      return store->flushed();
    case 6:
      return dice.one_in(6) ? reopen() : probe();
    case 7:
      return probe();
    default:
      return append();
  }
}

void Walk::append() {
  Entry entry;
  entry.key = std::string(1, static_cast<char>('a' + dice.below(4))) + std::string(dice.below(3), 'x');
  if (dice.one_in(3)) entry.sub = std::string(1, static_cast<char>(dice.below(3) + 'p'));
  if (!dice.one_in(12)) entry.stamp = Stamp::of(1 + dice.below(1'000), 0, 1);
  if (!dice.one_in(6)) entry.value = std::string(dice.below(dice.one_in(large_one_in) ? 9'000 : 40), 'v') + "v";
  if (entry.stamp.is_none()) entry.value.clear();
  if (dice.one_in(5)) entry.expires_ms = dice.below(1'000);
  entry.local = dice.one_in(2);
  Seq seq = 0;
  assert_ok(with_room([&] {
    const Result<Seq> appended = store->append(entry.op(0));
    if (appended.ok()) seq = *appended;
    return appended.status();
  }));
  now.append(std::move(entry));
  assert_int_equal(seq, now.entries.size());
}

void Walk::seal() {
  store->seal();
  sealed.push_back(now);
}

void Walk::mark() {
  assert_status(store->share(now.entries.size() + 1), Status::invalid);
  assert_status(store->settle(now.entries.size() + 1), Status::invalid);
  const Seq seq = dice.below(now.entries.size() + 1);
  const Seq recent = std::max(seq, now.entries.size() < 5 ? 0 : now.entries.size() - dice.below(5));
  if (dice.one_in(3)) {
    assert_ok(store->settle(recent < 8 ? 0 : recent - 8));
    now.settle(recent < 8 ? 0 : recent - 8);
  } else {
    assert_ok(store->share(recent));
    now.share(recent);
  }
}

void Walk::restamp() {
  const Seq first = now.shared > 1 ? now.shared - 1 : 0;
  const Seq seq = first + dice.below(now.entries.size() + 2 - first);
  const Stamp stamp = Stamp::of(2'000 + dice.below(100), 0, 1);
  const Status status = with_room([&] { return store->restamp(seq, stamp, 77); });
  if (seq == 0 || seq > now.entries.size() || seq <= now.shared || !now.entries[seq - 1].local ||
      now.entries[seq - 1].gone) {
    assert_status(status, Status::not_found);
    return;
  }
  assert_ok(status);
  now.restamp(seq, stamp, 77);
}

void Walk::set_fact() {
  const std::string name = "fact" + std::to_string(dice.below(12));
  const std::string bytes(dice.below(4), 'f');
  assert_ok(with_room([&] { return store->set_fact(name, as_bytes(bytes)); }));
  now.set_fact(name, bytes);
}

// A flush that finds no room has changed nothing, and the next one covers all the same.
void Walk::flush() {
  if (dice.one_in(5) && disk->fill_up()) {
    assert_status(store->flush(), Status::full);
    if (dice.one_in(2)) return reopen();
  }
  Status status = Status::io;
  if (dice.one_in(2)) {
    std::thread([&] { status = store->flush(); }).join();
  } else {
    status = store->flush();
  }
  assert_ok(status);
  if (!sealed.empty()) durable = sealed.back();
  sealed.clear();
  if (!dice.one_in(3)) store->flushed();
}

void Walk::reopen() {
  const std::size_t kept = disk->cut(dice.below(sealed.size() + 1));
  if (kept > 0) durable = sealed[kept - 1];
  store = &disk->open();
  now = durable;
  sealed.clear();
  compare();
}

void Walk::probe() {
  if (now.entries.empty()) return;
  const Seq after = dice.below(now.entries.size() + 1);
  Seq next = after + 1;
  while (next <= now.entries.size() && now.entries[next - 1].gone) ++next;
  const Result<crdt::Op> op = store->next_op(after);
  if (next > now.entries.size()) {
    assert_status(op.status(), Status::not_found);
  } else {
    assert_ok(op.status());
    assert_int_equal(op->seq, next);
    assert_string_equal(text_of(*op).c_str(), text_of(now.entries[next - 1].op(next)).c_str());
  }
  const Entry& drawn = now.entries[dice.below(now.entries.size())];
  const Result<crdt::Op> found = store->find({"map", drawn.key, drawn.sub});
  for (std::size_t i = 0; i < now.entries.size(); ++i) {
    const Entry& entry = now.entries[i];
    if (!entry.standing || entry.key != drawn.key || entry.sub != drawn.sub) continue;
    assert_ok(found.status());
    assert_int_equal(found->seq, i + 1);
    return;
  }
  assert_status(found.status(), Status::not_found);
}

void Walk::compare() {
  assert_int_equal(store->head(), now.entries.size());
  assert_int_equal(store->shared(), now.shared);
  assert_int_equal(store->settled(), now.settled);
  assert_ops(*store, now.ops().c_str());
  assert_cells(*store, now.cells().c_str());
  assert_facts(*store, "fact", now.facts_text().c_str());
}

MakeDisk make_disk_of_walk = nullptr;
int steps_of_walk = 0;

int make_walk(void** state) {
  *state = new Walk(make_disk_of_walk, {}, steps_of_walk);
  return 0;
}

int make_narrow_walk(void** state) {
  auto* walk = new Walk(make_disk_of_walk, {.batch_bytes_max = 20'000, .value_bytes_max = 9'100}, steps_of_walk / 2);
  walk->large_one_in = 3;
  *state = walk;
  return 0;
}

int drop_walk(void** state) {
  delete static_cast<Walk*>(*state);
  return 0;
}

void walk_on(Walk& walk) {
  for (int i = 0; i < walk.steps; ++i) {
    walk.step();
    if (i % 50 == 0) walk.compare();
    // A list that is looked through from end to end must stay short.
    if (walk.now.entries.size() > 1'500) walk.begin_anew();
  }
  walk.compare();
}

// STO-1, LOG-1
void a_store_does_what_a_plain_list_does(void** state) { walk_on(*static_cast<Walk*>(*state)); }

// STO-1, BND-1
void a_store_that_is_full_again_and_again_does_what_a_plain_list_does(void** state) {
  Walk& walk = *static_cast<Walk*>(*state);
  walk_on(walk);
  assert_true(walk.times_full > 10);
}

}  // namespace

int run_store_model(const char* name, MakeDisk make_disk, int steps) {
  make_disk_of_walk = make_disk;
  steps_of_walk = steps;
  const CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(a_store_does_what_a_plain_list_does, make_walk, drop_walk),
      cmocka_unit_test_setup_teardown(a_store_that_is_full_again_and_again_does_what_a_plain_list_does,
                                      make_narrow_walk, drop_walk),
  };
  return cmocka_run_group_tests_name(name, tests, nullptr, nullptr);
}

}  // namespace grid::test
