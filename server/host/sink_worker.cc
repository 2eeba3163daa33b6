// SPDX-License-Identifier: Apache-2.0

#include "server/host/sink_worker.h"

#include <chrono>
#include <deque>
#include <utility>
#include <vector>

#include "transport/json/value_json.h"
#include "transport/wire.h"

namespace grid::server {

SinkWorker::SinkWorker(uv_loop_t* loop, std::unique_ptr<storage::SqliteSink> sink, Callback callback,
                       IndexedCallback indexed, void* owner)
    : sink_(std::move(sink)),
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
    if (!sink_->has_search_work()) work_.wait(lock, is_wanted);
    if (!broken_.empty() && sink_->search() != nullptr) sink_->search()->set_broken(broken_);
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
  if (!sink_->has_search_work()) return;
  lock.unlock();
  const Status status = sink_->work_on_search();
  lock.lock();
  if (status == Status::io) indexed_.failure = sink_->problem();
  if (status != Status::ok && status != Status::busy) indexed_.news = sink_->problem();
  note_search();
  if (indexed_.maps != 0 || !indexed_.news.empty() || !indexed_.failure.empty()) uv_async_send(wake_.get());
  if (status != Status::ok) work_.wait_for(lock, kRest, [this] { return size_ > 0 || stopping_; });
}

void SinkWorker::note_search() {
  if (sink_->search() == nullptr) return;
  indexed_.maps |= sink_->search()->take_changed();
  std::string news = sink_->search()->take_news();
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
  if (status != Status::ok) return {mark.through, status, "a batch for the database did not decode"};
  status = sink_->drain(rows, mark);
  return {mark.through, status, status == Status::ok ? std::string() : sink_->problem()};
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
