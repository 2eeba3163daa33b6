// SPDX-License-Identifier: Apache-2.0
//
// The gateway's search without an index: what people type, what of a value is text, who is answered, when, and when
// again.

#include <algorithm>

#include "server/search_text.h"
#include "tests/unit/crdt/dice.h"
#include "tests/unit/server/bench.h"
#include "transport/wire_search.h"

namespace grid::server {
namespace {

using namespace test;
using grid::test::Dice;

// ---- what is typed

std::string compiled(std::string_view text) {
  std::string match, problem;
  const Status status = compile_search(text, match, problem);
  return status == Status::ok ? match : problem;
}

void assert_compiled(std::string_view text, const char* expected) {
  assert_string_equal(compiled(text).c_str(), expected);
}

void what_is_typed_is_words_in_quotes_and_nothing_else(void**) {
  assert_compiled("oslo", "\"oslo\"");
  assert_compiled("  cold \t room ", "\"cold\" \"room\"");
  assert_compiled("\"cold room\" x", "\"cold room\" \"x\"");
  assert_compiled("heat* \"cold ro\"*", "\"heat\" * \"cold ro\" *");
  assert_compiled("oslo -party -\"cold room\" -x*", "(\"oslo\") NOT (\"party\" OR \"cold room\" OR \"x\" *)");
  assert_compiled("a OR b) NEAR(c {title}:d ^e", "\"a\" \"OR\" \"b)\" \"NEAR(c\" \"{title}:d\" \"^e\"");
  assert_compiled("e-mail a*b - it's", "\"e-mail\" \"a*b\" \"-\" \"it's\"");
  assert_compiled("a\"b\"c", "\"a\" \"b\" \"c\"");
  assert_compiled("a --x", "(\"a\") NOT (\"-x\")");
}

void what_is_wrong_is_told_with_its_column(void**) {
  assert_compiled("", "column 1: there is no word to look for");
  assert_compiled("-a -b", "column 1: there is only what is not to be there; name a word to look for, too");
  assert_compiled("\xc3\xa6\xc3\xb8 \"x", "column 4: this quote is never closed");
  assert_compiled("a -\"x", "column 4: this quote is never closed");
  assert_compiled("a *", "column 3: a * stands behind the letters with which a word begins, and here are none");
  assert_compiled("a \"\"*", "column 3: a * stands behind the letters with which a word begins, and here are none");
  std::string many;
  for (std::size_t i = 0; i < kSearchTermsMax; ++i) many += "a ";
  std::string match, problem;
  assert_ok(compile_search(many, match, problem));
  assert_status(compile_search(many + "a", match, problem), Status::too_large);
}

// Every quote but those of a string's ends stands twice, and nothing stands between strings that is not ours.
void nothing_that_is_typed_gets_out_of_its_quotes(void**) {
  Dice dice;
  constexpr std::string_view kMarks = "\"\"\"-*( )aOR+:^{}',";
  for (int round = 0; round < 20'000; ++round) {
    std::string text, match, problem, outside;
    for (std::uint64_t left = dice.below(24); left > 0; --left) text += kMarks[dice.below(kMarks.size())];
    if (compile_search(text, match, problem) != Status::ok) {
      assert_false(problem.empty());
      continue;
    }
    bool is_inside = false;
    for (const char byte : match) {
      if (byte == '"') is_inside = !is_inside;
      if (!is_inside && byte != '"') outside += byte;
    }
    assert_false(is_inside);
    for (const char* word : {" NOT ", " OR ", " *", " ", "(", ")"}) {
      for (std::size_t at = 0; (at = outside.find(word)) != std::string::npos;) outside.erase(at, std::strlen(word));
    }
    assert_string_equal(outside.c_str(), "");
  }
}

// ---- what is text

void texts_and_lists_of_texts_are_searched_and_nothing_else(void**) {
  std::uint8_t room[512];
  crdt::ValueWriter writer(room);
  writer.begin_record();
  writer.field("title"), writer.text("Oslo\noffice \xee\x80\x80");
  writer.field("count"), writer.integer(7);
  writer.field("tags"), writer.begin_list(), writer.text("cold"), writer.integer(1), writer.text("room"),
      writer.end_list();
  writer.field("at"), writer.begin_record(), writer.field("city"), writer.text("Bergen"), writer.end_record();
  writer.end_record();
  const Bytes value = *writer.finish();
  assert_string_equal(search_text_of(value, "title").c_str(), "Oslo office  ");
  assert_string_equal(search_text_of(value, "count").c_str(), "");
  assert_string_equal(search_text_of(value, "tags").c_str(), "cold \xee\x80\x80 room");
  assert_string_equal(search_text_of(value, "at.city").c_str(), "Bergen");
  assert_string_equal(search_text_of(value, "at").c_str(), "");
  assert_string_equal(search_text_of(value, "none.here").c_str(), "");
  constexpr std::uint8_t kText[] = {0x2a, 2, 'h', 'i'};
  assert_string_equal(search_text_of(kText, "$value").c_str(), "hi");
}

// ---- who is answered

void with_search(Bench& bench) {
  bench.options.search.maps = {"notes", "doors"};
  bench.start();
  bench.open(1, kA);
  bench.open(2, kB);
}

Frame asking(const wire::SearchAsk& ask) {
  Frame room(wire::kSearchAskBytesMax);
  room.resize(wire::encode(ask, room).size());
  return room;
}
Frame ask(std::uint32_t id, std::string_view text, bool watch = false, std::string_view map = "notes") {
  return asking({.id = id, .map = map, .text = text, .watch = watch});
}

// What the host is to look for now; empty: nothing.
std::string wanted(Bench& bench) {
  if (!bench.wants_search) return "";
  bench.wants_search = false;
  const SearchWork& work = bench.coordinator->search_work();
  return std::to_string(work.id) + " " + work.map + " " + work.match;
}

void answer(Bench& bench, std::string_view key, double rank = -1, std::uint64_t expires_ms = 0) {
  std::uint8_t room[1'024];
  wire::SearchReplyWriter writer({.id = bench.coordinator->search_work().id, .through = 5, .head = 5}, room);
  if (!key.empty()) assert_true(writer.add({key, crdt::Stamp::of(kWallMs, 0, kA), rank, expires_ms, {}}));
  bench.step({.kind = Event::Kind::searched, .bytes = writer.finish(false)});
}

// What the link is told: "id key key", or "id reason".
std::string told(Bench& bench, LinkId link) {
  std::string text;
  for (const Frame& frame : bench.all(link)) {
    if (kind_of(frame) != Kind::search_reply) continue;
    wire::SearchReplyReader reader;
    assert_ok(reader.open(frame));
    text += (text.empty() ? "" : "; ") + std::to_string(reader.head().id);
    if (reader.head().status != Status::ok) text += " " + std::string(reader.head().reason);
    for (wire::SearchHit hit; reader.next(hit);) text += " " + std::string(hit.key);
    assert_ok(reader.status());
  }
  return text;
}

void assert_wanted(Bench& bench, const char* expected) { assert_string_equal(wanted(bench).c_str(), expected); }
void assert_told(Bench& bench, LinkId link, const char* expected) {
  assert_string_equal(told(bench, link).c_str(), expected);
}

void an_ask_is_answered_once(void** state) {
  Bench& bench = bench_of(state);
  with_search(bench);
  bench.send(1, ask(7, "oslo"));
  assert_wanted(bench, "7 notes \"oslo\"");
  assert_told(bench, 1, "");
  answer(bench, "n/1");
  assert_told(bench, 1, "7 n/1");
  bench.step({.kind = Event::Kind::indexed, .batch = 3});
  bench.after(10'000);
  assert_wanted(bench, "");
}

void one_search_runs_at_a_time_and_links_take_turns(void** state) {
  Bench& bench = bench_of(state);
  with_search(bench);
  bench.send(1, ask(1, "a"));
  bench.send(1, ask(2, "b"));
  bench.send(1, ask(3, "c"));
  bench.send(2, ask(1, "d"));
  std::string order;
  for (std::string next = wanted(bench); !next.empty(); next = wanted(bench)) {
    order += next.substr(next.size() - 2, 1);
    answer(bench, "n/1");
  }
  assert_string_equal(order.c_str(), "adbc");
}

void what_can_not_be_asked_is_refused_with_a_sentence(void** state) {
  Bench& bench = bench_of(state);
  with_search(bench);
  bench.send(1, ask(1, "oslo", true, "climate"));
  bench.send(1, ask(2, "\"oslo", true));
  assert_wanted(bench, "");
  assert_told(bench, 1,
              "1 map climate has no search here: gridd --search climate:FIELD gives it one; 2 column 1: this quote is "
              "never closed");
  bench.step({.kind = Event::Kind::indexed, .batch = 3});
  bench.after(10'000);
  assert_wanted(bench, "");
}

void a_gateway_without_a_search_says_so(void** state) {
  Bench& bench = bench_of(state);
  bench.start();
  const grid_Welcome welcome = bench.open(1, kA);
  assert_int_equal(welcome.features & wire::kFeatureSearch, 0);
  bench.send(1, ask(1, "oslo"));
  assert_told(bench, 1, "1 this gateway has no search: gridd --search MAP:FIELD gives it one");
}

void a_watch_is_told_again_when_its_answer_is_another(void** state) {
  Bench& bench = bench_of(state);
  with_search(bench);
  bench.send(1, ask(1, "oslo", true));
  wanted(bench);
  answer(bench, "n/1");
  assert_told(bench, 1, "1 n/1");
  bench.step({.kind = Event::Kind::indexed, .batch = 2});  // Of the other map.
  bench.after(1'000);
  assert_wanted(bench, "");
  bench.step({.kind = Event::Kind::indexed, .batch = 1});
  assert_wanted(bench, "1 notes \"oslo\"");
  answer(bench, "n/1", -0.5);  // Its rank alone has moved.
  assert_told(bench, 1, "");
  bench.after(1'000);
  bench.step({.kind = Event::Kind::indexed, .batch = 1});
  assert_wanted(bench, "1 notes \"oslo\"");
  answer(bench, "n/2");
  assert_told(bench, 1, "1 n/2");
}

// BND-1
void a_watch_runs_four_times_a_second_and_not_before_its_answer_is_read(void** state) {
  Bench& bench = bench_of(state);
  with_search(bench);
  bench.send(1, ask(1, "oslo", true));
  wanted(bench);
  answer(bench, "n/1");
  for (int i = 0; i < 50; ++i) {
    bench.step({.kind = Event::Kind::indexed, .batch = 1});
    bench.after(100);
  }
  assert_wanted(bench, "");  // Nobody has read.
  assert_told(bench, 1, "1 n/1");
  bench.after(0);
  assert_wanted(bench, "1 notes \"oslo\"");
  answer(bench, "n/2");
  assert_told(bench, 1, "1 n/2");
  bench.step({.kind = Event::Kind::indexed, .batch = 1});
  bench.after(249);
  assert_wanted(bench, "");
  assert_int_equal(bench.coordinator->wake_at_ms(), bench.now_ms + 1);
  bench.after(1);
  assert_wanted(bench, "1 notes \"oslo\"");
}

void a_hit_that_expires_is_looked_for_again(void** state) {
  Bench& bench = bench_of(state);
  with_search(bench);
  bench.send(1, ask(1, "oslo", true));
  wanted(bench);
  answer(bench, "n/1", -1, bench.wall_ms + 5'000);
  assert_told(bench, 1, "1 n/1");
  bench.after(0);
  assert_int_equal(bench.coordinator->wake_at_ms(), bench.now_ms + 5'000);
  bench.after(4'999);
  assert_wanted(bench, "");
  bench.after(1);
  assert_wanted(bench, "1 notes \"oslo\"");
  assert_int_equal(bench.coordinator->search_work().known_ms, bench.wall_ms);
  answer(bench, "");
  assert_told(bench, 1, "1");
}

void what_is_over_is_not_answered(void** state) {
  Bench& bench = bench_of(state);
  with_search(bench);
  bench.send(1, ask(1, "oslo", true));
  wanted(bench);
  bench.send(1, asking({.id = 1}));
  answer(bench, "n/1");
  assert_told(bench, 1, "");
  bench.send(1, ask(2, "oslo"));
  wanted(bench);
  bench.send(1, ask(2, "bergen"));  // In its place.
  answer(bench, "n/1");
  assert_told(bench, 1, "");
  assert_wanted(bench, "2 notes \"bergen\"");
  bench.step({.kind = Event::Kind::link_down, .link = 1});
  answer(bench, "n/2");
  bench.send(2, ask(1, "oslo"));
  assert_wanted(bench, "1 notes \"oslo\"");
}

// BND-1
void asks_have_a_limit(void** state) {
  Bench& bench = bench_of(state);
  bench.options.search.asks_max = 3;
  bench.options.search.all_asks_max = 4;
  with_search(bench);
  for (std::uint32_t id = 1; id <= 3; ++id) bench.send(1, ask(id, "oslo", true));
  bench.send(2, ask(1, "oslo", true));
  bench.send(2, ask(2, "oslo", true));
  assert_told(bench, 2, "2 this gateway is asked for as many searches as it may");
  bench.send(1, ask(4, "oslo", true));
  const std::vector<Frame> frames = bench.all(1);
  assert_true(!frames.empty() && kind_of(frames.back()) == Kind::bye);
}

// Whatever it says, the gateway goes on, and what it looks for is a legal ask.
void an_ask_of_any_bytes_ends_in_an_answer_or_a_bye(void** state) {
  Bench& bench = bench_of(state);
  with_search(bench);
  Dice dice;
  const Frame whole = asking({1, "notes", "oslo -\"cold room\"* heat*", 20, -1.5, "n/1", true});
  for (LinkId link = 10; link < 3'000; ++link) {
    Frame frame = whole;
    for (std::uint64_t left = 1 + dice.below(3); left > 0; --left) {
      frame[1 + dice.below(frame.size() - 1)] = static_cast<std::uint8_t>(dice.below(256));
    }
    bench.open(link, 0x1000 + link);
    bench.send(link, frame);
    if (!wanted(bench).empty()) answer(bench, "n/1");
    for (const Frame& reply : bench.all(link)) {
      assert_true(kind_of(reply) == Kind::search_reply || kind_of(reply) == Kind::bye);
    }
    bench.step({.kind = Event::Kind::link_down, .link = link});
  }
  bench.send(1, ask(7, "oslo"));
  assert_wanted(bench, "7 notes \"oslo\"");
}

void an_answer_is_as_small_as_the_device_asks_for(void** state) {
  Bench& bench = bench_of(state);
  bench.options.search.maps = {"notes"};
  bench.start();
  bench.open(1, kA, 0, {}, 512);
  bench.send(1, ask(1, "oslo"));
  assert_int_equal(bench.coordinator->search_work().reply_bytes_max, 512);
  bench.open(2, kB);
  assert_int_equal(bench.coordinator->search_work().limit, 20);
}

}  // namespace
}  // namespace grid::server

int main() {
  using namespace grid::server;
  const CMUnitTest tests[] = {
      cmocka_unit_test(what_is_typed_is_words_in_quotes_and_nothing_else),
      cmocka_unit_test(what_is_wrong_is_told_with_its_column),
      cmocka_unit_test(nothing_that_is_typed_gets_out_of_its_quotes),
      cmocka_unit_test(texts_and_lists_of_texts_are_searched_and_nothing_else),
      server_test(an_ask_is_answered_once),
      server_test(one_search_runs_at_a_time_and_links_take_turns),
      server_test(what_can_not_be_asked_is_refused_with_a_sentence),
      server_test(a_gateway_without_a_search_says_so),
      server_test(a_watch_is_told_again_when_its_answer_is_another),
      server_test(a_watch_runs_four_times_a_second_and_not_before_its_answer_is_read),
      server_test(a_hit_that_expires_is_looked_for_again),
      server_test(what_is_over_is_not_answered),
      server_test(asks_have_a_limit),
      server_test(an_ask_of_any_bytes_ends_in_an_answer_or_a_bye),
      server_test(an_answer_is_as_small_as_the_device_asks_for),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
