// SPDX-License-Identifier: Apache-2.0
//
// FactWorker: whose turn it is on its thread. The test is the loop that it belongs to.

#include <algorithm>

#include "server/host/fact_worker.h"
#include "tests/unit/query/fact_bench.h"

namespace {

using namespace grid;
using namespace grid::server;

constexpr std::uint64_t kPatienceMs = 60'000;
constexpr FactQuestionId kWatches = 8;     // 1 to this.
constexpr FactQuestionId kLong = 100;      // A question that others wait behind,
constexpr FactQuestionId kQuestions = 64;  // which are so many, from kLong + 1 on.
constexpr FactQuestionId kLast = kLong + kQuestions;
constexpr const char* kProduct = "[:find (count ?a) . :where [?a :to ?b] [?c :to ?d] [(not= ?a ?c)]]";
constexpr const char* kOne = "[:find ?v :where [1 :n ?v]]";

struct Loop {
  Loop() { uv_loop_init(&loop); }
  ~Loop() {
    while (uv_run(&loop, UV_RUN_DEFAULT) != 0) {
    }
    uv_loop_close(&loop);
  }
  uv_loop_t loop{};
};

struct Fixture {
  Loop loop;
  Bell bell{&loop.loop, [](void*) {}, nullptr};
  FactWorker worker{config::FactSettings{}, bell};
  std::vector<FactQuestionId> said;  // Whom each word was said to, in their order.

  void hear() {
    for (const FactWord& word : worker.take_news().words) {
      assert_ok(word.status);
      said.push_back(word.question);
    }
  }
  void hear_until(FactQuestionId count) {
    transport::UvHandle<uv_timer_t> deadline;
    uv_timer_init(&loop.loop, deadline.get());
    uv_timer_start(
        deadline.get(), [](uv_timer_t*) { fail_msg("waited for too long"); }, kPatienceMs, 0);
    for (hear(); said.size() < count; hear()) uv_run(&loop.loop, UV_RUN_ONCE);
  }
  void ask(FactQuestionId id, const char* text, bool is_watch = false) {
    worker.ask(id, {.map = "m", .text = text, .is_watch = is_watch});
  }
  void feed(FactBatch::Kind kind, std::vector<runtime::FactCell> cells = {}) {
    worker.feed({.kind = kind, .map = "m", .cells = std::move(cells)});
  }
};

runtime::FactCell fact(std::uint64_t entity, const char* predicate, std::uint64_t object) {
  const std::string bytes = test::canonical(std::to_string(object));
  std::uint8_t room[crdt::FactName::kBytesMax];
  const Result<std::string_view> sub = crdt::FactName::write(predicate, false, as_bytes(bytes), room);
  return {std::to_string(entity), std::string(*sub), {bytes.begin(), bytes.end()}, true};
}

bool is_watch(FactQuestionId id) { return id <= kWatches; }

// So neither keeps the other waiting for longer than one of them takes.
void a_watch_has_its_turn_between_two_questions_and_a_question_between_two_watches(void**) {
  Fixture at;
  at.feed(FactBatch::Kind::begin);
  std::vector<runtime::FactCell> cells;
  for (std::uint64_t i = 0; i < 600; ++i) cells.push_back(fact(i, "to", i * 7));
  at.feed(FactBatch::Kind::cells, std::move(cells));
  at.feed(FactBatch::Kind::loaded);
  for (FactQuestionId id = 1; id <= kWatches; ++id) at.ask(id, kOne, true);
  at.hear_until(kWatches);
  // A round says something when all its questions were waiting by the end of the long one, and watches came due while
  // they were.
  for (std::uint64_t round = 1, ended_ms = uv_hrtime() / 1'000'000 + kPatienceMs;; ++round) {
    assert_true(uv_hrtime() / 1'000'000 < ended_ms);
    at.said.clear();
    for (FactQuestionId id = 1; id <= kWatches; ++id) at.worker.more(id);
    at.feed(FactBatch::Kind::change, {fact(1, "n", round)});
    for (FactQuestionId id = kLong; id <= kLast; ++id) at.ask(id, id == kLong ? kProduct : kOne);
    at.hear();
    const bool all_waited = std::find(at.said.begin(), at.said.end(), kLong) == at.said.end();
    at.hear_until(kWatches + 1 + kQuestions);
    const auto begin = std::find(at.said.begin(), at.said.end(), kLong);
    const auto end = std::find(begin, at.said.end(), kLast);
    if (!all_waited || std::count_if(begin, end, is_watch) < 2) continue;
    const auto both_are = [](FactQuestionId a, FactQuestionId b) { return is_watch(a) && is_watch(b); };
    assert_true(std::adjacent_find(begin, end, both_are) == end);
    return;
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(a_watch_has_its_turn_between_two_questions_and_a_question_between_two_watches),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
