// SPDX-License-Identifier: Apache-2.0
//
// What every Store promises of its log, its batches and its limits, said as tests that know no technology.
// store_reads.cc has what it promises of reading, store_model.cc adds chance.

#include <cstring>
#include <thread>

#include "tests/contract/store_fixture.h"

namespace grid::test {
namespace {

void a_superseded_record_is_gone_for_every_reader_at_once(void** state) {
  Store& store = store_of(state);
  put(store, "a", "1", 10);
  put(store, "b", "1", 11);
  assert_ok(store.commit());
  put(store, "a", "2", 12);
  assert_cells(store, "a=2@12 b=1@11");
  assert_ops(store, "2:b=1@11 3:a=2@12");
  assert_ok(store.commit());
  assert_ops(store, "2:b=1@11 3:a=2@12");
  assert_ops(fixture_of(state).reopen(), "2:b=1@11 3:a=2@12");
}

void an_erased_name_leaves_no_trace_but_its_sequence(void** state) {
  Store& store = store_of(state);
  put(store, "a", "1", 10);
  put(store, "b", "1", 11);
  assert_ok(store.commit());
  assert_int_equal(erase(store, "a"), 3);
  erase(store, "never there");
  for (int round = 0; round < 3; ++round) {
    Store& now = store_of(state);
    assert_cells(now, "b=1@11");
    assert_ops(now, "2:b=1@11");
    assert_status(now.find({"map", "a"}).status(), Status::not_found);
    assert_int_equal(now.head(), 4);
    assert_ok(now.commit());
    if (round == 1) fixture_of(state).reopen();
  }
  put(store_of(state), "a", "again", 12);
  assert_cells(store_of(state), "a=again@12 b=1@11");
}

// LOG-1
void a_superseded_op_in_flight_is_seen_until_it_settles(void** state) {
  const char* in_flight = "1:a=1@10* 2:a=2@11* 3:b=1@12*";
  {
    Store& store = store_of(state);
    put_local(store, "a", "1", 10);
    assert_ok(store.share(1));
    put_local(store, "a", "2", 11);
    put_local(store, "b", "1", 12);
    assert_cells(store, "a=2@11* b=1@12*");
    assert_ops(store, in_flight);
    assert_ok(store.commit());
    assert_ops(store, in_flight);
    put(store, "c", "1", 13);
    assert_ok(store.commit());
  }
  Store& store = fixture_of(state).reopen();
  assert_ops(store, "1:a=1@10* 2:a=2@11* 3:b=1@12* 4:c=1@13");
  assert_ok(store.settle(1));
  assert_ops(store, "2:a=2@11* 3:b=1@12* 4:c=1@13");
  assert_ok(store.commit());
  assert_ops(store, "2:a=2@11* 3:b=1@12* 4:c=1@13");
  assert_ops(fixture_of(state).reopen(), "2:a=2@11* 3:b=1@12* 4:c=1@13");
}

void an_op_in_flight_outlives_the_erasure_of_its_name(void** state) {
  Store& store = store_of(state);
  put_local(store, "a", "1", 10);
  assert_ok(store.share(1));
  erase(store, "a");
  assert_cells(store, "");
  assert_ops(store, "1:a=1@10*");
  assert_ok(store.commit());
  Store& again = fixture_of(state).reopen();
  assert_ops(again, "1:a=1@10*");
  assert_ok(again.settle(2));
  assert_ops(again, "");
}

// LOG-1
void a_superseded_op_that_was_never_sent_vanishes_for_good(void** state) {
  Store& store = store_of(state);
  put_local(store, "a", "1", 10);
  assert_ok(store.commit());
  put_local(store, "a", "2", 11);
  assert_ops(store, "2:a=2@11*");
  assert_ok(store.share(2));
  put_local(store, "a", "3", 12);
  assert_ok(store.commit());
  assert_ops(store, "2:a=2@11* 3:a=3@12*");
  assert_ops(fixture_of(state).reopen(), "2:a=2@11* 3:a=3@12*");
}

void a_received_op_is_never_in_flight(void** state) {
  Store& store = store_of(state);
  put(store, "a", "1", 10);
  put_local(store, "b", "1", 11);
  assert_ok(store.share(2));
  put(store, "a", "2", 12);
  assert_ops(store, "2:b=1@11* 3:a=2@12");
}

void the_marks_only_rise_and_survive(void** state) {
  Store& store = store_of(state);
  for (int i = 0; i < 5; ++i) put_local(store, "a", "1", 10);
  assert_ok(store.share(3));
  assert_ok(store.share(2));
  assert_ok(store.settle(2));
  assert_ok(store.settle(1));
  assert_int_equal(store.shared(), 3);
  assert_int_equal(store.settled(), 2);
  assert_ok(store.settle(4));
  assert_int_equal(store.shared(), 4);
  assert_status(store.share(6), Status::invalid);
  assert_status(store.settle(6), Status::invalid);
  assert_int_equal(store.settled(), 4);
  assert_ok(store.commit());
  Store& again = fixture_of(state).reopen();
  assert_int_equal(again.shared(), 4);
  assert_int_equal(again.settled(), 4);
}

void a_restamped_op_keeps_its_place(void** state) {
  Store& store = store_of(state);
  put_local(store, "a", "1", 10);
  put_local(store, "b", "1", 11);
  assert_ok(store.commit());
  put_local(store, "c", "1", 12);
  assert_ok(store.restamp(1, Stamp::of(110, 0, 1), 0));
  assert_ok(store.restamp(3, Stamp::of(112, 0, 1), 900));
  assert_ok(store.restamp(3, Stamp::of(113, 0, 1), 901));
  const char* corrected = "1:a=1@110* 2:b=1@11* 3:c=1@113!901*";
  assert_ops(store, corrected);
  assert_cells(store, "a=1@110* b=1@11* c=1@113!901*");
  assert_ok(store.commit());
  assert_ops(store, corrected);
  assert_ops(fixture_of(state).reopen(), corrected);
}

void only_an_unshared_local_op_that_is_still_there_is_restamped(void** state) {
  Store& store = store_of(state);
  const Stamp stamp = Stamp::of(100, 0, 1);
  put_local(store, "shared", "1", 10);
  assert_ok(store.share(1));
  put(store, "received", "1", 11);
  put_local(store, "superseded", "1", 12);
  put_local(store, "superseded", "2", 13);
  assert_status(store.restamp(0, stamp, 0), Status::not_found);
  assert_status(store.restamp(1, stamp, 0), Status::not_found);
  assert_status(store.restamp(2, stamp, 0), Status::not_found);
  assert_status(store.restamp(3, stamp, 0), Status::not_found);
  assert_status(store.restamp(5, stamp, 0), Status::not_found);
  assert_status(store.restamp(4, Stamp(), 0), Status::invalid);
  assert_ops(store, "1:shared=1@10* 2:received=1@11 4:superseded=2@13*");
}

// STO-1
void what_was_flushed_survives_and_nothing_of_an_open_batch(void** state) {
  Store& store = store_of(state);
  put(store, "a", "1", 10);
  assert_ok(store.set_fact("fact", as_bytes("1")));
  assert_ok(store.commit());
  put(store, "a", "2", 11);
  assert_ok(store.set_fact("fact", as_bytes("2")));
  put_local(store, "b", "1", 12);
  assert_ok(store.share(3));
  Store& again = fixture_of(state).reopen();
  assert_ops(again, "1:a=1@10");
  assert_cells(again, "a=1@10");
  assert_facts(again, "", "fact=1");
  assert_int_equal(again.head(), 1);
  assert_int_equal(again.shared(), 0);
}

// STO-1
void a_flush_covers_what_was_sealed_before_it_and_no_more(void** state) {
  Store& store = store_of(state);
  put(store, "a", "1", 10);
  store.seal();
  put(store, "b", "1", 11);
  store.seal();
  put(store, "a", "2", 12);
  put(store, "c", "1", 13);
  assert_ok(store.flush());
  assert_cells(store, "a=2@12 b=1@11 c=1@13");
  store.flushed();
  assert_cells(store, "a=2@12 b=1@11 c=1@13");
  assert_ops(fixture_of(state).reopen(), "1:a=1@10 2:b=1@11");
}

void writes_go_on_between_seal_flush_and_flushed(void** state) {
  Store& store = store_of(state);
  for (int round = 0; round < 50; ++round) {
    put(store, "before", std::to_string(round), 10);
    store.seal();
    put(store, "between", std::to_string(round), 11);
    assert_ok(store.flush());
    put(store, "after", std::to_string(round), 12);
    if (round % 3 == 0) assert_ok(store.flush());
    store.flushed();
    const std::string now = std::to_string(round);
    assert_cells(store, ("after=" + now + "@12 before=" + now + "@10 between=" + now + "@11").c_str());
  }
  assert_ok(store.commit());
  assert_cells(fixture_of(state).reopen(), "after=49@12 before=49@10 between=49@11");
}

void seals_are_numbered_without_gaps(void** state) {
  Store& store = store_of(state);
  const std::uint64_t first = store.seal();
  put(store, "a", "1", 10);
  assert_int_equal(store.seal(), first + 1);
  assert_int_equal(store.seal(), first + 2);
  assert_ok(store.flush());
  store.flushed();
  assert_int_equal(store.seal(), first + 3);
}

void the_head_never_goes_back(void** state) {
  Store* store = &store_of(state);
  put_local(*store, "a", "1", 10);
  put_local(*store, "a", "2", 11);
  assert_ok(store->commit());
  store = &fixture_of(state).reopen();
  assert_int_equal(store->head(), 2);
  erase(*store, "a");
  assert_ok(store->settle(3));
  assert_ok(store->commit());
  store = &fixture_of(state).reopen();
  assert_int_equal(store->head(), 3);
  assert_ops(*store, "");
  assert_ok(store->commit());
  store = &fixture_of(state).reopen();
  assert_int_equal(put(*store, "b", "1", 12), 4);
}

void what_is_too_large_is_refused_and_leaves_nothing(void** state) {
  Store& store = store_of(state);
  const std::string value(1'001, 'v'), key(kKeyBytesMax + 1, 'k');
  assert_status(store.append(op_of("a", value, 10)).status(), Status::too_large);
  assert_true(std::strlen(store.problem()) > 10);
  assert_status(store.append(op_of(key, "v", 10)).status(), Status::too_large);
  assert_int_equal(store.head(), 0);
  assert_int_equal(append(store, op_of(key.substr(1), value.substr(1), 10)), 1);
}

// BND-1
void a_batch_is_bounded_and_a_flush_makes_room(void** state) {
  Store& store = store_of(state);
  const std::string value(1'000, 'v');
  Seq last = 0;
  for (int i = 0; i < 1'000; ++i) {
    const Result<Seq> seq = store.append(op_of("key" + std::to_string(i), value, 10));
    if (seq.status() == Status::full) break;
    assert_ok(seq.status());
    last = *seq;
  }
  assert_in_range(last, 20, 100);
  assert_true(std::strlen(store.problem()) > 10);
  store.seal();
  assert_status(store.append(op_of("more", value, 10)).status(), Status::full);
  assert_status(store.set_fact("more", as_bytes(value)), Status::full);
  assert_ok(store.commit());
  assert_int_equal(put(store, "more", value, 10), last + 1);
}

// BND-1: what it says ok to is appended whole.
void what_has_room_can_be_appended(void** state) {
  Store& store = store_of(state);
  constexpr std::size_t kEach = 7;
  const std::string value(700, 'v');
  int rounds = 0;
  for (; rounds < 1'000 && store.has_room(kEach, kEach * (value.size() + 12)) == Status::ok; ++rounds) {
    for (std::size_t i = 0; i < kEach; ++i) {
      put_local(store, "key" + std::to_string((static_cast<std::size_t>(rounds) * kEach + i) % 50), value, 10);
    }
    if (rounds % 3 == 0) store.seal();
  }
  assert_in_range(rounds, 2, 100);
  assert_true(std::strlen(store.problem()) > 10);
  assert_ok(store.commit());
  assert_ok(store.has_room(kEach, kEach * (value.size() + 12)));
  assert_status(store.has_room(1, std::size_t{1} << 30), Status::full);
}

// STO-1
void a_flush_may_run_on_another_thread_while_the_store_goes_on(void** state) {
  Store& store = store_of(state);
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < 20; ++i) put_local(store, "key" + std::to_string((round * 7 + i * 13) % 300), "v", 10);
    if (round % 5 == 0) assert_ok(store.share(store.head() - 10));
    store.seal();
    Status flushed = Status::io;
    std::thread flusher([&] { flushed = store.flush(); });
    for (int i = 0; i < 20; ++i) put(store, "other" + std::to_string((round + i) % 50), std::to_string(round), 11);
    if (round % 7 == 0) store.seal();
    const Result<crdt::Op> found = store.find({"map", "other" + std::to_string(round % 50)});
    const std::string value = found.ok() ? std::string(as_text(found->cell.value)) : "";
    const bool has_next = store.next_op(store.settled()).ok() && store.next_cell({"map", "key"}).ok();
    flusher.join();
    assert_ok(flushed);
    assert_string_equal(value.c_str(), std::to_string(round).c_str());
    assert_true(has_next);
    store.flushed();
    if (round % 11 == 0) assert_ok(store.settle(store.shared()));
  }
  assert_ok(store.commit());
  const std::string cells = cells_of(store), ops = ops_of(store);
  assert_true(cells.size() > 1'000);
  Store& again = fixture_of(state).reopen();
  assert_cells(again, cells.c_str());
  assert_ops(again, ops.c_str());
}

}  // namespace

int run_store_contract(const char* name, MakeDisk make_disk) {
  make_disk_of_suite = make_disk;
  const CMUnitTest tests[] = {
      contract_test(a_superseded_record_is_gone_for_every_reader_at_once),
      contract_test(an_erased_name_leaves_no_trace_but_its_sequence),
      contract_test(a_superseded_op_in_flight_is_seen_until_it_settles),
      contract_test(an_op_in_flight_outlives_the_erasure_of_its_name),
      contract_test(a_superseded_op_that_was_never_sent_vanishes_for_good),
      contract_test(a_received_op_is_never_in_flight),
      contract_test(the_marks_only_rise_and_survive),
      contract_test(a_restamped_op_keeps_its_place),
      contract_test(only_an_unshared_local_op_that_is_still_there_is_restamped),
      contract_test(what_was_flushed_survives_and_nothing_of_an_open_batch),
      contract_test(a_flush_covers_what_was_sealed_before_it_and_no_more),
      contract_test(writes_go_on_between_seal_flush_and_flushed),
      contract_test(seals_are_numbered_without_gaps),
      contract_test(the_head_never_goes_back),
      small_contract_test(what_is_too_large_is_refused_and_leaves_nothing),
      small_contract_test(a_batch_is_bounded_and_a_flush_makes_room),
      small_contract_test(what_has_room_can_be_appended),
      contract_test(a_flush_may_run_on_another_thread_while_the_store_goes_on),
  };
  return cmocka_run_group_tests_name(name, tests, nullptr, nullptr);
}

}  // namespace grid::test
