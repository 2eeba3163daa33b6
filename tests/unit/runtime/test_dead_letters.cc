// SPDX-License-Identifier: Apache-2.0
//
// The list of ops that did not get through: in order, bounded, whole or not at all, and kept by the commit that takes
// an op back.

#include <string>
#include <vector>

#include "runtime/dead_letters.h"
#include "storage/memory/memory_store.h"
#include "tests/check.h"

namespace grid::runtime {

using crdt::Op;
using crdt::Seq;
using crdt::Stamp;
using storage::MemoryStore;

namespace {

constexpr std::uint32_t kValueBytes = 5'000;

struct Box {
  explicit Box(MemoryStore& store, const DeadLetterOptions& options = {}, std::uint32_t value_bytes = kValueBytes)
      : memory(DeadLetters::memory_bytes(value_bytes)), letters(memory, options) {
    letters.open(store);
  }
  std::vector<Seq> ids() {
    std::vector<Seq> found;
    Seq after = 0;
    for (Result<Letter> letter = letters.next(after); letter.ok(); letter = letters.next(after)) {
      found.push_back(after = letter->id);
    }
    return found;
  }

  std::vector<std::uint8_t> memory;
  DeadLetters letters;
};

Letter letter_of(Seq id, std::string_view value, std::string_view sentence = {}) {
  return {.id = id,
          .cell = {{"m", "k", {}}, Stamp::of(5'000 + id, 3, 7), 99, as_bytes(value)},
          .outcome = Outcome::rejected,
          .reason = Status::conflict,
          .sentence = sentence};
}

void commit(MemoryStore& store) {
  store.seal();
  assert_ok(store.flush());
  store.flushed();
}

// A local op, pending.
Seq put(MemoryStore& store, std::string_view key, std::string_view value) {
  const Op op{.cell = {{"m", key, {}}, Stamp::of(1'000 + store.head(), 0, 1), 0, as_bytes(value)}, .local = true};
  const Result<Seq> seq = store.append(op);
  assert_ok(seq.status());
  return *seq;
}

Op op_at(MemoryStore& store, Seq seq) {
  const Result<Op> op = store.next_op(seq - 1);
  assert_true(op.ok() && op->seq == seq);
  return *op;
}

bool has_facts(MemoryStore& store, std::string_view prefix) { return store.next_fact(prefix, {}).ok(); }

}  // namespace

// P6
static void letters_are_told_in_order_of_their_ops_across_restarts(void**) {
  MemoryStore store;
  {
    Box box(store);
    for (const Seq id : {7u, 3u, 0x1000u, 20u}) box.letters.keep(letter_of(id, "value", "why"));
    commit(store);
  }
  Box box(store);
  assert_true(box.ids() == (std::vector<Seq>{3, 7, 20, 0x1000}));
  assert_int_equal(box.letters.count(), 4);
  assert_int_equal(box.letters.unkept_count(), 0);
  const Result<Letter> letter = box.letters.next(7);
  assert_ok(letter.status());
  assert_true(letter->id == 20 && letter->cell.name == (crdt::CellName{"m", "k", {}}));
  assert_true(letter->cell.stamp == Stamp::of(5'020, 3, 7) && letter->cell.expires_ms == 99);
  assert_true(as_text(letter->cell.value) == "value" && letter->sentence == "why" && letter->with == 0);
  assert_true(letter->outcome == Outcome::rejected && letter->reason == Status::conflict);
}

static void an_op_that_is_refused_again_has_one_letter(void**) {
  MemoryStore store;
  Box box(store);
  box.letters.keep(letter_of(3, "first"));
  box.letters.keep(letter_of(3, "again"));
  assert_int_equal(box.letters.count(), 1);
  assert_true(as_text(box.letters.next(0)->cell.value) == "first");
}

// The first failure says more than its followers.
static void a_full_list_keeps_what_it_has_and_counts_the_rest_across_restarts(void**) {
  MemoryStore store;
  const DeadLetterOptions three{.letters_max = 3};
  {
    Box box(store, three);
    for (Seq id = 1; id <= 5; ++id) box.letters.keep(letter_of(id, "v"));
    commit(store);
  }
  Box box(store, three);
  assert_true(box.ids() == (std::vector<Seq>{1, 2, 3}));
  assert_int_equal(box.letters.unkept_count(), 2);
  // What is discarded makes room.
  assert_ok(box.letters.discard(2));
  box.letters.keep(letter_of(9, "v"));
  assert_true(box.ids() == (std::vector<Seq>{1, 3, 9}));
  // A smaller list than there was takes nothing more.
  Box smaller(store, {.letters_max = 1, .bytes_max = 1});
  smaller.letters.keep(letter_of(10, "v"));
  assert_int_equal(smaller.letters.count(), 3);
  assert_int_equal(smaller.letters.unkept_count(), 3);
}

static void the_list_is_bounded_in_bytes(void**) {
  MemoryStore store;
  Box box(store, {.bytes_max = 1'000});
  box.letters.keep(letter_of(1, std::string(800, 'a')));
  box.letters.keep(letter_of(2, std::string(800, 'b')));
  box.letters.keep(letter_of(3, "c"));
  assert_true(box.ids() == (std::vector<Seq>{1, 3}));
  assert_int_equal(box.letters.unkept_count(), 1);
}

// Of any size up to what its memory holds, with parts as small as a store's facts may be.
static void a_letter_comes_back_whole_or_is_not_kept(void**) {
  MemoryStore store;
  for (const std::uint32_t part_bytes : {1u, 43u, 64u, 1'024u, 4'000u}) {
    const DeadLetterOptions options{.part_bytes = part_bytes};
    Seq id = 0;
    for (const std::size_t bytes : {0u, 1u, 100u, kValueBytes}) {
      Box box(store, options);
      const std::string value(bytes, 'v');
      box.letters.keep(letter_of(++id, value, std::string(200, 's')));
      const Result<Letter> letter = box.letters.next(id - 1);
      assert_ok(letter.status());
      assert_true(as_text(letter->cell.value) == value);
      assert_int_equal(letter->sentence.size(), DeadLetters::kSentenceBytesMax);
      assert_ok(box.letters.discard(id));
      assert_false(has_facts(store, "dead/"));
    }
  }
  Box box(store, {}, 10);
  box.letters.keep(letter_of(1, std::string(1'000, 'v')));
  assert_int_equal(box.letters.count(), 0);
  assert_int_equal(box.letters.unkept_count(), 1);
}

// The list stands in the store: what it holds no power cut takes, and none leaves half of a letter.
static void a_power_cut_keeps_what_was_committed_and_nothing_else(void**) {
  MemoryStore store;
  Box box(store, {.part_bytes = 16});
  box.letters.keep(letter_of(1, "kept"));
  commit(store);
  box.letters.keep(letter_of(2, "cut"));
  assert_ok(box.letters.discard(1));
  assert_true(box.ids() == std::vector<Seq>{2});
  store.crash();
  Box after(store, {.part_bytes = 16});
  assert_true(after.ids() == std::vector<Seq>{1});
  assert_int_equal(after.letters.count(), 1);
}

static void what_is_discarded_is_gone_for_good(void**) {
  MemoryStore store;
  Box box(store);
  box.letters.keep(letter_of(1, std::string(kValueBytes, 'v')));
  assert_ok(box.letters.discard(1));
  assert_status(box.letters.discard(1), Status::not_found);
  assert_status(box.letters.next(0).status(), Status::not_found);
  commit(store);
  Box after(store);
  assert_int_equal(after.letters.count(), 0);
  assert_false(has_facts(store, "dead/"));
}

// A batch without room: no half of a letter, no end of what goes on, and the count tells.
static void a_letter_that_the_store_has_no_room_for_is_counted(void**) {
  MemoryStore store({.batch_bytes_max = 2'000});
  Box box(store, {.part_bytes = 200});
  box.letters.keep(letter_of(1, std::string(4'000, 'v')));
  assert_int_equal(box.letters.count(), 0);
  assert_int_equal(box.letters.unkept_count(), 1);
  commit(store);
  box.letters.keep(letter_of(2, "small"));
  assert_true(box.ids() == std::vector<Seq>{2});
  commit(store);
  Box after(store, {.part_bytes = 200});
  assert_true(after.ids() == std::vector<Seq>{2});
}

// Discarding needs room as well: what is left then hides no other letter, and goes at the next try.
static void what_a_full_store_leaves_of_a_letter_hides_no_other(void**) {
  MemoryStore store({.batch_bytes_max = 10'000});
  Box box(store, {.part_bytes = 100});
  box.letters.keep(letter_of(1, std::string(1'000, 'v')));
  box.letters.keep(letter_of(2, "behind"));
  assert_int_equal(box.letters.count(), 2);
  commit(store);
  const std::string_view filler = "a name as long as a letter's";
  std::size_t room = 0;
  while (store.set_fact(filler, Bytes(as_bytes("1"))) == Status::ok) ++room;
  commit(store);
  // For three of its parts.
  for (std::size_t i = 3; i < room; ++i) assert_ok(store.set_fact(filler, Bytes(as_bytes("1"))));
  assert_status(box.letters.discard(1), Status::full);
  assert_true(box.ids() == std::vector<Seq>{2});
  commit(store);
  assert_ok(box.letters.discard(1));
  assert_int_equal(box.letters.count(), 1);
  assert_true(box.ids() == std::vector<Seq>{2});
}

// P6
static void what_an_op_took_the_place_of_is_lost_with_it(void**) {
  MemoryStore store;
  Box box(store);
  const Seq earlier = put(store, "k", "earlier");
  box.letters.note_superseded(op_at(store, earlier), store.head() + 1);
  const Seq later = put(store, "k", "later");
  commit(store);
  Box after(store);
  assert_int_equal(after.letters.lose_with(later), earlier);
  const Result<Letter> lost = after.letters.next(0);
  assert_true(lost.ok() && lost->id == earlier && lost->with == later && lost->outcome == Outcome::lost_with);
  assert_true(as_text(lost->cell.value) == "earlier");
  assert_int_equal(after.letters.lose_with(later), 0);
  assert_false(has_facts(store, "was/"));
}

static void only_the_last_one_before_is_lost_with_an_op(void**) {
  MemoryStore store;
  Box box(store);
  Seq last = put(store, "k", "0");
  for (int i = 1; i < 4; ++i) {
    box.letters.note_superseded(op_at(store, last), store.head() + 1);
    last = put(store, "k", std::to_string(i));
  }
  assert_int_equal(box.letters.lose_with(last), last - 1);
  assert_true(box.ids() == std::vector<Seq>{last - 1});
  assert_false(has_facts(store, "was/"));
}

// The op that was to take its place found no room, and another took its number.
static void a_note_of_an_op_that_was_not_written_loses_nothing(void**) {
  MemoryStore store;
  Box box(store);
  const Seq earlier = put(store, "k", "earlier");
  box.letters.note_superseded(op_at(store, earlier), store.head() + 1);
  const Seq other = put(store, "other", "1");
  assert_int_equal(box.letters.lose_with(other), 0);
  assert_int_equal(box.letters.count(), 0);
}

static void with_nothing_pending_no_note_is_kept(void**) {
  MemoryStore store;
  Box box(store);
  for (int i = 0; i < 3; ++i) {
    const Seq earlier = put(store, std::to_string(i), "earlier");
    box.letters.note_superseded(op_at(store, earlier), store.head() + 1);
    put(store, std::to_string(i), "later");
  }
  box.letters.keep(letter_of(99, "stays"));
  box.letters.settle();
  assert_false(has_facts(store, "was/"));
  assert_int_equal(box.letters.count(), 1);
}

// Of a store that somebody has damaged, or a later release has written.
static void a_fact_that_is_no_letter_is_passed_over(void**) {
  MemoryStore store;
  const std::vector<std::uint8_t> all_ones(200, 0xff);
  assert_ok(store.set_fact("dead/0000000000000001/0000", all_ones));
  assert_ok(store.set_fact("dead/0000000000000002/0000", Bytes(all_ones).first(1)));
  assert_ok(store.set_fact("dead/0000000000000003/0001", Bytes(all_ones).first(9)));
  Box box(store);
  box.letters.keep(letter_of(4, "v"));
  assert_true(box.ids() == std::vector<Seq>{4});
}

}  // namespace grid::runtime

int main() {
  using namespace grid::runtime;
  const CMUnitTest tests[] = {
      cmocka_unit_test(letters_are_told_in_order_of_their_ops_across_restarts),
      cmocka_unit_test(an_op_that_is_refused_again_has_one_letter),
      cmocka_unit_test(a_full_list_keeps_what_it_has_and_counts_the_rest_across_restarts),
      cmocka_unit_test(the_list_is_bounded_in_bytes),
      cmocka_unit_test(a_letter_comes_back_whole_or_is_not_kept),
      cmocka_unit_test(a_power_cut_keeps_what_was_committed_and_nothing_else),
      cmocka_unit_test(what_is_discarded_is_gone_for_good),
      cmocka_unit_test(a_letter_that_the_store_has_no_room_for_is_counted),
      cmocka_unit_test(what_a_full_store_leaves_of_a_letter_hides_no_other),
      cmocka_unit_test(what_an_op_took_the_place_of_is_lost_with_it),
      cmocka_unit_test(only_the_last_one_before_is_lost_with_an_op),
      cmocka_unit_test(a_note_of_an_op_that_was_not_written_loses_nothing),
      cmocka_unit_test(with_nothing_pending_no_note_is_kept),
      cmocka_unit_test(a_fact_that_is_no_letter_is_passed_over),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
