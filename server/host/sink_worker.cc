// SPDX-License-Identifier: Apache-2.0

#include "server/host/sink_worker.h"

#include <deque>
#include <vector>

#include "transport/json/value_json.h"
#include "transport/wire.h"

namespace grid::server {

SinkWorker::SinkWorker(uv_loop_t* loop, std::unique_ptr<storage::SqliteSink> sink, Callback callback, void* owner)
    : sink_(std::move(sink)),
      callback_(callback),
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

void SinkWorker::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    work_.wait(lock, [this] { return size_ > 0 || stopping_; });
    if (size_ == 0) return;
    const Bytes rows(room_.get(), size_);
    const storage::SinkMark mark = mark_;
    lock.unlock();
    Done done = drain(rows, mark);
    lock.lock();
    size_ = 0;
    done_ = std::move(done);
    uv_async_send(wake_.get());
  }
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
  {
    const std::lock_guard lock(mutex_);
    done = std::move(done_);
  }
  busy_ = false;
  callback_(owner_, done);
}

}  // namespace grid::server
