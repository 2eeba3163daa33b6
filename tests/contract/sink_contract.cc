// SPDX-License-Identifier: Apache-2.0
//
// What every Sink promises, said as tests that know no technology.

#include "tests/contract/sink_contract.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "crdt/facts.h"
#include "tests/check.h"
#include "tests/unit/crdt/dice.h"

namespace grid::test {
namespace {

using crdt::Seq;
using crdt::Stamp;
using storage::Sink;
using storage::SinkMark;
using storage::SinkRow;

constexpr std::uint64_t kEpoch = 0xe000'0000'0000'0001;

MakeSinkDisk make_disk_of_suite = nullptr;

struct Fixture {
  std::unique_ptr<SinkDisk> disk = make_disk_of_suite();
  Sink* sink = &disk->open();

  Sink& reopen() { return *(sink = &disk->open()); }
};

int make_fixture(void** state) {
  *state = new Fixture;
  return 0;
}

int drop_fixture(void** state) {
  delete static_cast<Fixture*>(*state);
  return 0;
}

Fixture& fixture_of(void** state) { return *static_cast<Fixture*>(*state); }

SinkRow row_of(std::string_view key, std::string_view value, std::uint64_t ms, Seq arrival) {
  return {{{"map", key}, Stamp::of(ms, 0, 1), 0, as_bytes(value)}, arrival, value};
}

Status drain(Sink& sink, const std::vector<SinkRow>& rows, Seq through) { return sink.drain(rows, {kEpoch, through}); }

// Every row as `arrival:key=value@stamp`, in the order of load().
std::string rows_of(Sink& sink) {
  std::string text;
  const auto take = [](const SinkRow& row, void* context) {
    std::string& to = *static_cast<std::string*>(context);
    to += (to.empty() ? "" : " ") + std::to_string(row.arrival) + ":" + std::string(row.cell.name.key) + "=" +
          std::string(as_text(row.cell.value)) + "@" + std::to_string(row.cell.stamp.wall_ms());
    return Status::ok;
  };
  assert_ok(sink.load(take, &text));
  return text;
}

#define assert_rows(sink, text) assert_string_equal(rows_of(sink).c_str(), text)

void a_new_sink_is_empty(void** state) {
  Sink& sink = *fixture_of(state).sink;
  assert_int_equal(sink.drained()->through, 0);
  assert_rows(sink, "");
  assert_non_null(sink.problem());
}

void a_row_comes_back_as_it_went_in(void** state) {
  const std::string sub("\0sub\xff", 5), value(200'000, '\0');
  SinkRow in;
  in.cell = {
      {"map.1", "k\xc3\xa9y", sub}, Stamp::of(5, 6, 0xffff'ffff'ffff'ffff), 0xffff'ffff'ffff'ff00, as_bytes(value)};
  in.arrival = 77;
  in.json = "{\"a\":1}";
  assert_ok(drain(*fixture_of(state).sink, {in}, 77));
  struct Seen {
    const SinkRow* in;
    int count = 0;
    bool equal = false;
  } seen{&in};
  const auto take = [](const SinkRow& out, void* context) {
    Seen& to = *static_cast<Seen*>(context);
    to.count += 1;
    to.equal = out.cell.name == to.in->cell.name && out.cell.stamp == to.in->cell.stamp &&
               out.cell.expires_ms == to.in->cell.expires_ms && equal(out.cell.value, to.in->cell.value) &&
               out.arrival == to.in->arrival && out.json == to.in->json;
    return Status::ok;
  };
  assert_ok(fixture_of(state).reopen().load(take, &seen));
  assert_int_equal(seen.count, 1);
  assert_true(seen.equal);
}

// SNK-1
void a_row_goes_in_only_if_it_wins(void** state) {
  Sink& sink = *fixture_of(state).sink;
  assert_ok(drain(sink, {row_of("a", "b", 10, 1)}, 1));
  assert_ok(drain(sink, {row_of("a", "older", 9, 2)}, 2));
  assert_rows(sink, "1:a=b@10");
  assert_ok(drain(sink, {row_of("a", "a", 10, 3)}, 3));
  assert_rows(sink, "1:a=b@10");
  assert_ok(drain(sink, {row_of("a", "ba", 10, 4)}, 4));
  assert_rows(sink, "4:a=ba@10");
  assert_ok(drain(sink, {row_of("a", "", 11, 5)}, 5));
  assert_rows(sink, "5:a=@11");
}

struct Winner {
  std::string value;
  std::uint64_t expires_ms = 0;
  Stamp stamp;
};

// SNK-1
void any_order_and_repetition_of_drains_gives_the_same_table(void** state) {
  Sink& sink = *fixture_of(state).sink;
  Dice dice;
  std::map<std::string, Winner> winners;
  const std::uint64_t expiries[] = {0, 1, 0x7fff'ffff'ffff'ffff, 0x8000'0000'0000'0000, 0xffff'ffff'ffff'ffff};
  for (int round = 0; round < 1'500; ++round) {
    // New keys now and then, so that there is always a race that is not over.
    const std::string key = std::to_string(round / 40) + " " + std::to_string(dice.below(4));
    const std::string value = dice.bytes(dice.below(3));
    const crdt::Cell cell{{"map", key},
                          Stamp::of(1 + dice.below(6), 0, 1 + dice.below(2)),
                          expiries[dice.below(std::size(expiries))],
                          as_bytes(value)};
    assert_ok(drain(sink, {{cell, Seq(round), value}}, 1));
    Winner& winner = winners[key];
    if (crdt::wins(cell, {{"map", key}, winner.stamp, winner.expires_ms, as_bytes(winner.value)})) {
      winner = {value, cell.expires_ms, cell.stamp};
    }
    const auto take = [](const SinkRow& row, void* context) {
      const auto& all = *static_cast<std::map<std::string, Winner>*>(context);
      const Winner& expected = all.at(std::string(row.cell.name.key));
      const bool same = row.cell.stamp == expected.stamp && row.cell.expires_ms == expected.expires_ms &&
                        as_text(row.cell.value) == expected.value;
      return same ? Status::ok : Status::corrupt;
    };
    assert_ok(sink.load(take, &winners));
  }
}

// SNK-2
void a_drain_notes_how_far_it_went(void** state) {
  Sink* sink = fixture_of(state).sink;
  assert_ok(drain(*sink, {row_of("a", "1", 10, 5)}, 7));
  assert_true(*sink->drained() == (storage::SinkMark{kEpoch, 7}));
  assert_ok(drain(*sink, {}, 9));
  sink = &fixture_of(state).reopen();
  assert_true(*sink->drained() == (storage::SinkMark{kEpoch, 9}));
  assert_rows(*sink, "5:a=1@10");
}

// PROTOCOL P27: what is collected goes behind its rows, and a row that is drained again does not bring it back.
void what_is_collected_goes_and_does_not_come_back(void** state) {
  Sink* sink = fixture_of(state).sink;
  SinkRow expiring = row_of("c", "1", 10, 3);
  expiring.cell.expires_ms = 50;
  assert_ok(drain(*sink, {row_of("a", "", 20, 1), row_of("b", "1", 10, 2), expiring, row_of("d", "", 10, 5)}, 5));
  const SinkMark mark{kEpoch, 6, 4, 50, Stamp::of(20, 0, 1)};
  assert_ok(sink->drain({}, mark));
  assert_rows(*sink, "2:b=1@10 5:d=@10");
  sink = &fixture_of(state).reopen();
  assert_true(*sink->drained() == mark);
  const SinkRow again[] = {row_of("a", "1", 10, 1), row_of("b", "2", 11, 4), row_of("e", "1", 10, 7)};
  assert_ok(sink->drain(again, {kEpoch, 7, 4, 50, mark.greatest}));
  assert_rows(*sink, "4:b=2@11 5:d=@10 7:e=1@10");
}

SinkRow fact_of(const std::string& key, const std::string& sub, const std::string& value, std::uint64_t stamp,
                Seq arrival) {
  static std::deque<std::string> texts;
  for (const std::string& text : {key, sub, value}) texts.push_back(text);
  const std::size_t at = texts.size() - 3;
  return {
      {{"map", texts[at], texts[at + 1]}, Stamp::of(stamp, 0, 1), 0, as_bytes(texts[at + 2])}, arrival, texts[at + 2]};
}

// TRI-1, SNK-1: whatever comes when, and however often.
void a_deleted_entity_has_no_facts_whatever_the_order(void** state) {
  Sink& sink = *fixture_of(state).sink;
  const std::string marker(crdt::kMarker), name("\x03\x01n\x00", 4), tag("\x03\x01t\x01x", 5), other("\x04n", 2);
  const std::vector<SinkRow> all = {fact_of("e", name, "1", 30, 1),  fact_of("e", tag, "2", 10, 2),
                                    fact_of("e", marker, "", 20, 3), fact_of("e", name, "3", 40, 4),
                                    fact_of("e", other, "4", 10, 5), fact_of("e", "", "5", 10, 6),
                                    fact_of("f", name, "6", 10, 7)};
  const auto assert_left = [&] {
    std::set<std::string> left;
    const auto take = [](const SinkRow& row, void* context) {
      static_cast<std::set<std::string>*>(context)->insert(std::to_string(row.arrival));
      return Status::ok;
    };
    assert_ok(sink.load(take, &left));
    assert_true(left == (std::set<std::string>{"3", "5", "6", "7"}));
  };
  for (const SinkRow& row : all) assert_ok(sink.drain({&row, 1}, {kEpoch, row.arrival}));
  assert_left();
  for (std::size_t i = all.size(); i-- > 0;) assert_ok(sink.drain({&all[i], 1}, {kEpoch, 7}));
  assert_left();
  const std::vector<SinkRow> once = {all[0], all[1], all[2], all[4], all[5], all[6]};
  assert_ok(sink.drain(once, {kEpoch, 8}));
  assert_left();
}

void rows_load_in_the_order_of_arrival(void** state) {
  Sink& sink = *fixture_of(state).sink;
  assert_ok(drain(sink, {row_of("a", "1", 10, 30), row_of("b", "1", 10, 20), row_of("c", "1", 10, 10)}, 30));
  assert_rows(sink, "10:c=1@10 20:b=1@10 30:a=1@10");
}

void loading_ends_where_the_taker_says(void** state) {
  Sink& sink = *fixture_of(state).sink;
  assert_ok(drain(sink, {row_of("a", "1", 10, 1), row_of("b", "1", 10, 2)}, 2));
  int count = 0;
  const auto take = [](const SinkRow&, void* context) {
    ++*static_cast<int*>(context);
    return Status::full;
  };
  assert_status(sink.load(take, &count), Status::full);
  assert_int_equal(count, 1);
  assert_rows(sink, "1:a=1@10 2:b=1@10");
}

}  // namespace

int run_sink_contract(const char* name, MakeSinkDisk make_disk) {
  make_disk_of_suite = make_disk;
#define contract_test(test) cmocka_unit_test_setup_teardown(test, make_fixture, drop_fixture)
  const CMUnitTest tests[] = {
      contract_test(a_new_sink_is_empty),
      contract_test(a_row_comes_back_as_it_went_in),
      contract_test(a_row_goes_in_only_if_it_wins),
      contract_test(any_order_and_repetition_of_drains_gives_the_same_table),
      contract_test(a_drain_notes_how_far_it_went),
      contract_test(what_is_collected_goes_and_does_not_come_back),
      contract_test(a_deleted_entity_has_no_facts_whatever_the_order),
      contract_test(rows_load_in_the_order_of_arrival),
      contract_test(loading_ends_where_the_taker_says),
  };
  return cmocka_run_group_tests_name(name, tests, nullptr, nullptr);
}

}  // namespace grid::test
