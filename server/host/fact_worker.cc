// SPDX-License-Identifier: Apache-2.0

#include "server/host/fact_worker.h"

#include <algorithm>
#include <utility>

#include "server/host/quiet_thread.h"

namespace grid::server {

using crdt::Value;
using runtime::FactQuestion;

namespace {

// From one look at a watch to the next; one that takes long takes a fifth of the thread.
constexpr std::chrono::milliseconds kWatchEach{50};
constexpr int kWatchPause = 4;

runtime::FactOptions options_of(const config::FactSettings& settings) {
  return {.all_bytes_max = settings.index_memory.bytes,
          .query_bytes_max = settings.question_memory.bytes,
          .steps_max = settings.question_steps};
}

std::string mebibytes(const config::Size& size) { return std::to_string(size.bytes >> 20) + " MiB"; }

}  // namespace

FactWorker::FactWorker(const config::FactSettings& settings, const Bell& bell)
    : settings_(settings), bell_(bell), engine_(options_of(settings)) {
  thread_ = quiet_thread([this] { run(); });
}

FactWorker::~FactWorker() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  wanted_.notify_one();
  thread_.join();
}

void FactWorker::post(Order&& order) {
  {
    const std::lock_guard lock(mutex_);
    orders_.push_back(std::move(order));
  }
  wanted_.notify_one();
}

FactWorker::News FactWorker::take_news() {
  const std::lock_guard lock(mutex_);
  News news{std::exchange(news_.words, {}), news_.batches, news_.index_bytes};
  return news;
}

void FactWorker::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto is_wanted = [this] { return is_stopping_ || !orders_.empty(); };
    const Clock::time_point due = next_due();
    if (due == Clock::time_point::max()) {
      wanted_.wait(lock, is_wanted);
    } else {
      wanted_.wait_until(lock, due, is_wanted);
    }
    if (is_stopping_) return;
    std::optional<Order> order;
    if (!orders_.empty()) {
      order.emplace(std::move(orders_.front()));
      orders_.pop_front();
    }
    lock.unlock();
    if (order.has_value()) std::visit([this](auto& one) { carry_out(one); }, *order);
    advance_watch();
    lock.lock();
  }
}

void FactWorker::say(FactWord&& word) {
  {
    const std::lock_guard lock(mutex_);
    news_.words.push_back(std::move(word));
  }
  bell_.ring();
}

void FactWorker::carry_out(FactBatch& batch) {
  using Kind = FactBatch::Kind;
  runtime::FactIndex& index = engine_.index_of(batch.map);
  Status status = Status::ok;
  if (batch.kind == Kind::begin) {
    failed_.erase(batch.map);
    index.begin_load();
  } else if (!failed_.contains(batch.map)) {
    for (std::size_t i = 0; batch.kind == Kind::cells && status == Status::ok && i < batch.cells.size(); ++i) {
      status = index.load(batch.cells[i].key, batch.cells[i].sub, batch.cells[i].value);
    }
    if (batch.kind == Kind::loaded) status = index.finish_load();
    if (batch.kind == Kind::change) status = engine_.change(batch.map, batch.cells);
    for (auto& [id, watch] : watches_) watch.is_stirred |= watch.live->map() == batch.map;
  }
  if (status != Status::ok) fail(batch.map);
  {
    const std::lock_guard lock(mutex_);
    ++news_.batches;
    news_.index_bytes = engine_.index_bytes();
  }
  bell_.ring();
}

void FactWorker::fail(const std::string& map) {
  engine_.index_of(map).let_go();
  const std::string problem =
      "limit: the indexes of facts take more than " + mebibytes(settings_.index_memory) + " with that of map " + map;
  failed_[map] = problem;
  for (auto at = watches_.begin(); at != watches_.end();) {
    const bool is_its = at->second.live->map() == map;
    if (is_its) say({.question = at->first, .status = Status::full, .problem = problem});
    at = is_its ? watches_.erase(at) : std::next(at);
  }
  say({.status = Status::full, .problem = problem, .map = map});
}

void FactWorker::carry_out(LetGo& order) {
  failed_.erase(order.map);
  engine_.let_go(order.map);
  const std::lock_guard lock(mutex_);
  news_.index_bytes = engine_.index_bytes();
}

void FactWorker::carry_out(Ask& order) {
  const auto failed = failed_.find(order.ask.map);
  if (failed != failed_.end()) return say({.question = order.id, .status = Status::full, .problem = failed->second});
  std::vector<Value> inputs;
  if (!order.ask.inputs.empty()) {
    for (Value::Walk walk(Value{order.ask.inputs}); walk.next();) inputs.push_back(walk.value());
  }
  std::string problem;
  auto question = FactQuestion::read(order.ask.text, inputs, problem);
  if (question == nullptr) return say({.question = order.id, .status = Status::invalid, .problem = problem});
  if (!order.ask.is_watch) return answer(order.id, order.ask.map, *question);
  auto live =
      std::make_unique<runtime::LiveFacts>(engine_, order.ask.map, std::move(question), settings_.watch_memory.bytes);
  watches_.emplace(order.id, Watch{.live = std::move(live)});
}

void FactWorker::answer(FactQuestionId id, const std::string& map, const FactQuestion& question) {
  struct Answer {
    FactRows rows{};
    std::size_t bytes_max;
    bool is_whole = true;
  } answer{.bytes_max = settings_.question_memory.bytes};
  const auto take = [](void* at, std::span<const Value> row) {
    Answer& to = *static_cast<Answer*>(at);
    if (to.is_whole) to.rows.add(true, row);
    to.is_whole = to.rows.size() <= to.bytes_max;
  };
  Status status = engine_.answer(map, question, {take, &answer});
  std::string problem = status == Status::ok ? std::string() : engine_.problem();
  // What the question takes is its asker's fault.
  if (status == Status::full) status = Status::too_large;
  if (status == Status::ok && !answer.is_whole) {
    status = Status::too_large;
    problem = "limit: the answer is larger than " + mebibytes(settings_.question_memory);
  }
  if (status != Status::ok) answer.rows = {};
  say({.question = id, .status = status, .problem = std::move(problem), .rows = std::move(answer.rows)});
}

void FactWorker::carry_out(More& order) {
  const auto watch = watches_.find(order.id);
  if (watch != watches_.end()) watch->second.is_wanted = true;
}

FactWorker::Clock::time_point FactWorker::next_due() const {
  Clock::time_point due = Clock::time_point::max();
  for (const auto& [id, watch] : watches_) {
    if (watch.is_waiting()) due = std::min(due, watch.due);
  }
  return due;
}

// The one that waits for longest, so that orders have their turn between two of them.
void FactWorker::advance_watch() {
  auto next = watches_.end();
  for (auto at = watches_.begin(); at != watches_.end(); ++at) {
    const bool is_sooner = next == watches_.end() || at->second.due < next->second.due;
    if (at->second.is_waiting() && is_sooner) next = at;
  }
  if (next == watches_.end() || next->second.due > Clock::now()) return;
  if (!advance(next->first, next->second)) watches_.erase(next);
}

// False: it is over.
bool FactWorker::advance(FactQuestionId id, Watch& watch) {
  const Clock::time_point begun = Clock::now();
  FactWord word{.question = id};
  watch.is_stirred = false;
  word.status = watch.live->advance({[](void* at, bool has_entered, std::span<const Value> row) {
                                       static_cast<FactRows*>(at)->add(has_entered, row);
                                     },
                                     &word.rows});
  const Clock::time_point now = Clock::now();
  watch.due = now + std::max<Clock::duration>(kWatchEach, kWatchPause * (now - begun));
  if (word.status == Status::busy) return true;  // Its map is loaded anew.
  const bool is_over = word.status != Status::ok;
  if (word.rows.empty() && !is_over && !watch.is_first) return true;
  watch.is_first = false;
  watch.is_wanted = false;
  if (word.status == Status::full) word.status = Status::too_large;
  if (is_over) word.problem = watch.live->problem();
  if (watch.live->has_outgrown()) {
    word.problem = "limit: the rows of the answer take more than " + std::to_string(settings_.watch_memory.bytes) +
                   " bytes, which is what a watch may";
  }
  say(std::move(word));
  return !is_over;
}

}  // namespace grid::server
