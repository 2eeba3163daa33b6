// SPDX-License-Identifier: Apache-2.0

#include "server/host/sink_worker.h"

#include <chrono>
#include <deque>
#include <utility>
#include <vector>

#include "transport/json/value_json.h"
#include "transport/wire.h"

namespace grid::server {

SinkWorker::SinkWorker(uv_loop_t* loop, SinkHandle sink, storage::SqliteSink* searchable, Callback callback,
                       IndexedCallback indexed, void* owner)
    : sink_(std::move(sink)),
      searchable_(searchable),
      callback_(callback),
      indexed_callback_(indexed),
      owner_(owner),
      room_(std::make_unique_for_overwrite<std::uint8_t[]>(kRoomBytes)) {
  wake_.get()->data = this;
  uv_async_init(loop, wake_.get(), [](uv_async_t* async) { static_cast<SinkWorker*>(async->data)->on_done(); });
  thread_ = std::thread([this] { run(); });
}

SinkWorker::~SinkWorker() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_.notify_one();
  sink_->interrupt();
  thread_.join();
}

void SinkWorker::submit(std::size_t size, const storage::SinkMark& mark) {
  busy_ = true;
  {
    const std::lock_guard lock(mutex_);
    size_ = size;
    mark_ = mark;
  }
  work_.notify_one();
}

void SinkWorker::mend(const std::string& map) {
  {
    const std::lock_guard lock(mutex_);
    broken_ = map;
  }
  work_.notify_one();
}

void SinkWorker::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto is_wanted = [this] { return size_ > 0 || stopping_ || !broken_.empty(); };
    if (!has_search_work()) work_.wait(lock, is_wanted);
    const bool has_search = searchable_ != nullptr && searchable_->search() != nullptr;
    if (!broken_.empty() && has_search) searchable_->search()->set_broken(broken_);
    broken_.clear();
    if (size_ == 0 && stopping_) return;
    if (size_ == 0) {
      work_on_search(lock);
      continue;
    }
    const Bytes rows(room_.get(), size_);
    const storage::SinkMark mark = mark_;
    lock.unlock();
    Done done = drain(rows, mark);
    lock.lock();
    size_ = 0;
    done_ = std::move(done);
    is_done_ = true;
    note_search();
    uv_async_send(wake_.get());
  }
}

// One step, and a rest when it does not go on.
void SinkWorker::work_on_search(std::unique_lock<std::mutex>& lock) {
  constexpr std::chrono::seconds kRest{1};
  if (!has_search_work()) return;
  lock.unlock();
  const Status status = searchable_->work_on_search();
  lock.lock();
  if (status == Status::io) indexed_.failure = sink_->problem();
  if (status != Status::ok && status != Status::busy) indexed_.news = sink_->problem();
  note_search();
  if (indexed_.maps != 0 || !indexed_.news.empty() || !indexed_.failure.empty()) uv_async_send(wake_.get());
  if (status != Status::ok) work_.wait_for(lock, kRest, [this] { return size_ > 0 || stopping_; });
}

void SinkWorker::note_search() {
  if (searchable_ == nullptr || searchable_->search() == nullptr) return;
  indexed_.maps |= searchable_->search()->take_changed();
  std::string news = searchable_->search()->take_news();
  if (!news.empty()) indexed_.news = std::move(news);
}

SinkWorker::Done SinkWorker::drain(Bytes frame, const storage::SinkMark& mark) {
  wire::OpsReader reader;
  Status status = reader.open(frame);
  std::vector<storage::SinkRow> rows;
  std::deque<std::string> texts;  // Stay where they are while rows refer to them.
  for (crdt::Op op; status == Status::ok && reader.next(op); status = reader.status()) {
    if (!op.cell.is_tombstone()) texts.push_back(json::json_from_value(crdt::Value(op.cell.value)));
    rows.push_back({op.cell, op.seq, op.cell.is_tombstone() ? std::string_view() : std::string_view(texts.back())});
  }
  if (status != Status::ok) return {.through = mark.through, .status = status, .problem = "a batch did not decode"};
  status = sink_->drain(rows, mark);
  Done done{.through = mark.through, .status = status, .problem = {}, .dead_letters = sink_->dead_letters()};
  if (status != Status::ok) done.problem = sink_->problem();
  if (status != Status::conflict) return done;
  const Result<storage::SinkMark> stands = sink_->drained();
  if (!stands.ok()) done.status = stands.status();
  done.stands = stands.value_or({});
  return done;
}

void SinkWorker::on_done() {
  Done done;
  Indexed indexed;
  bool is_done = false;
  {
    const std::lock_guard lock(mutex_);
    is_done = std::exchange(is_done_, false);
    if (is_done) done = std::move(done_);
    indexed = std::exchange(indexed_, {});
  }
  if (is_done) busy_ = false;
  if (is_done) callback_(owner_, done);
  if (indexed.maps != 0 || !indexed.news.empty() || !indexed.failure.empty()) indexed_callback_(owner_, indexed);
}

}  // namespace grid::server
