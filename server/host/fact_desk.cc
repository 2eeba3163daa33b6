// SPDX-License-Identifier: Apache-2.0

#include "server/host/fact_desk.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "ports/port.h"

namespace grid::server {

namespace {

constexpr std::uint64_t kRoundMs = 15'000;
// Until the time is looked at again: the clock may have been set meanwhile.
constexpr std::uint64_t kPatienceMs = 60'000;

}  // namespace

FactDesk::FactDesk(uv_loop_t* loop, storage::Store& store, const config::FactSettings& settings)
    : loop_(loop),
      store_(store),
      settings_(settings),
      feed_(store),
      bell_(
          loop, [](void* self) { static_cast<FactDesk*>(self)->hear(); }, this) {
  feeding_.get()->data = this;
  uv_idle_init(loop, feeding_.get());
  round_.get()->data = this;
  uv_timer_init(loop, round_.get());
  uv_unref(round_.any());
  expiring_.get()->data = this;
  uv_timer_init(loop, expiring_.get());
  uv_unref(expiring_.any());
}

FactWorker& FactDesk::worker() {
  if (worker_ == nullptr) worker_ = std::make_unique<FactWorker>(settings_, bell_);
  return *worker_;
}

void FactDesk::preload() {
  for (const std::string& map : settings_.preload) begin(map);
}

void FactDesk::begin(const std::string& map) {
  worker();
  asked_ms_[map] = uv_now(loop_);
  feed_.begin(map);
  const std::uint64_t each_ms = std::min(kRoundMs, settings_.idle.ms);
  const auto go_round = [](uv_timer_t* timer) { static_cast<FactDesk*>(timer->data)->look_round(); };
  if (uv_is_active(round_.any()) == 0) uv_timer_start(round_.get(), go_round, each_ms, each_ms);
  look_on();
}

void FactDesk::look_on() {
  if (!asked_ms_.empty()) {
    feed_.observe(port::wall_ms());
    wait_for_expiry();
  }
  if (!feed_.has_more() || batches_ - carried_out_ >= kBatchesMax) return;
  uv_idle_start(feeding_.get(), [](uv_idle_t* idle) { static_cast<FactDesk*>(idle->data)->feed_on(); });
}

void FactDesk::wait_for_expiry() {
  const std::uint64_t next_ms = feed_.next_expiry_ms();
  uv_timer_stop(expiring_.get());
  if (next_ms == runtime::kNever) return;
  const std::uint64_t now_ms = port::wall_ms();
  uv_timer_start(
      expiring_.get(), [](uv_timer_t* timer) { static_cast<FactDesk*>(timer->data)->look_on(); },
      std::min(next_ms > now_ms ? next_ms - now_ms : 0, kPatienceMs), 0);
}

// A batch in a turn of the loop: whoever else has something to do comes in between.
void FactDesk::feed_on() {
  FactBatch batch;
  const Status status = feed_.next(batch);
  if (status == Status::ok) {
    ++batches_;
    worker().feed(std::move(batch));
  }
  if (status == Status::not_found || batches_ - carried_out_ >= kBatchesMax) uv_idle_stop(feeding_.get());
  if (status == Status::not_found) wait_for_expiry();
  if (status == Status::io || status == Status::corrupt) {
    const std::string problem = store_.problem();
    for (const auto& [map, ms] : std::exchange(asked_ms_, {})) fail(map, status, problem);
    uv_idle_stop(feeding_.get());
  }
  ask_those_due();
}

void FactDesk::ask_those_due() {
  for (auto& [id, question] : questions_) {
    if (!question.is_waiting || !feed_.has_told(question.ask.map, question.head)) continue;
    question.is_waiting = false;
    question.is_asked = true;
    const std::string map = question.ask.map;
    worker().ask(id, std::move(question.ask));
    question.ask.map = map;
  }
}

FactQuestionId FactDesk::take_place(FactAsker& asker) {
  if (questions_.size() - watches() >= settings_.questions) return 0;
  questions_.emplace(++last_id_, Question{.asker = &asker});
  return last_id_;
}

Status FactDesk::ask(FactQuestionId id, FactAsk&& ask, std::string& problem) {
  if (ask.is_watch && watches() >= settings_.watches) {
    problem = "limit: " + std::to_string(settings_.watches) + " questions of this app are watched already";
    return Status::full;
  }
  if (asked_ms_.count(ask.map) == 0 && asked_ms_.size() >= kMapsMax && !make_room()) {
    problem = "limit: the facts of " + std::to_string(kMapsMax) + " maps of this app are in use already";
    return Status::full;
  }
  Question& question = questions_.at(id);
  question.is_watch = ask.is_watch;
  question.head = store_.head();
  question.is_waiting = true;
  question.ask = std::move(ask);
  ++figures_.questions;
  begin(question.ask.map);
  ask_those_due();  // Nothing may be left to feed.
  return Status::ok;
}

void FactDesk::forget(FactQuestionId id) {
  const auto found = questions_.find(id);
  if (found == questions_.end()) return;
  if (found->second.is_asked && found->second.is_watch) worker_->forget(id);
  questions_.erase(found);
}

void FactDesk::hear() {
  if (worker_ == nullptr) return;
  FactWorker::News news = worker_->take_news();
  carried_out_ = news.batches;
  figures_.index_bytes = news.index_bytes;
  for (FactWord& word : news.words) {
    if (word.question != 0) {
      tell(word.question, std::move(word));
    } else {
      asked_ms_.erase(word.map);
      fail(word.map, word.status, word.problem);
    }
  }
  look_on();
}

// It may have been forgotten while it was answered.
void FactDesk::tell(FactQuestionId id, FactWord&& word) {
  const auto found = questions_.find(id);
  if (found != questions_.end()) found->second.asker->told(std::move(word));
}

void FactDesk::fail(const std::string& map, Status status, const std::string& problem) {
  feed_.end(map);
  std::vector<FactQuestionId> concerned;
  for (const auto& [id, question] : questions_) {
    if (question.ask.map == map && (question.is_waiting || question.is_watch)) concerned.push_back(id);
  }
  for (const FactQuestionId id : concerned) tell(id, {.question = id, .status = status, .problem = problem});
  worker().let_go(map);  // Behind what was forgotten of it.
}

bool FactDesk::is_kept(const std::string& map) const {
  const auto& kept = settings_.preload;
  const auto is_its = [&map](const auto& one) { return one.second.ask.map == map; };
  return std::find(kept.begin(), kept.end(), map) != kept.end() ||
         std::any_of(questions_.begin(), questions_.end(), is_its);
}

void FactDesk::let_go(const std::string& map) {
  asked_ms_.erase(map);
  feed_.end(map);
  worker().let_go(map);
}

// The one that was asked about longest ago goes, of those that nobody needs just now.
bool FactDesk::make_room() {
  const std::string* oldest = nullptr;
  std::uint64_t oldest_ms = 0;
  for (const auto& [map, ms] : asked_ms_) {
    if (is_kept(map) || (oldest != nullptr && ms >= oldest_ms)) continue;
    oldest = &map;
    oldest_ms = ms;
  }
  if (oldest != nullptr) let_go(std::string(*oldest));
  return oldest != nullptr;
}

void FactDesk::look_round() {
  const std::uint64_t now_ms = uv_now(loop_);
  for (auto at = asked_ms_.begin(); at != asked_ms_.end();) {
    if (is_kept(at->first)) at->second = now_ms;
    const bool is_idle = now_ms - at->second >= settings_.idle.ms;
    const std::string map = (at++)->first;
    if (is_idle) let_go(map);
  }
  std::vector<FactQuestionId> watches;
  for (const auto& [id, question] : questions_) {
    if (question.is_watch) watches.push_back(id);
  }
  for (const FactQuestionId id : watches) {
    const auto found = questions_.find(id);
    if (found != questions_.end()) found->second.asker->quiet();
  }
  if (asked_ms_.empty()) uv_timer_stop(round_.get());
}

std::uint64_t FactDesk::watches() const {
  return static_cast<std::uint64_t>(
      std::count_if(questions_.begin(), questions_.end(), [](const auto& one) { return one.second.is_watch; }));
}

FactFigures FactDesk::figures() const {
  FactFigures figures = figures_;
  figures.indexes = asked_ms_.size();
  figures.watches = watches();
  return figures;
}

}  // namespace grid::server
