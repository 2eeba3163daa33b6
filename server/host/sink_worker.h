// SPDX-License-Identifier: Apache-2.0
//
// SinkWorker: the thread on which an app's database works, so that the loop never waits for it.
//
// Place     Below app_host.h, above sink_loader.h.
// Promises  One batch at a time: submit() only after the last one's done(). Between batches, a search is built step by
//           step; a batch waits for one step at most.
// Ownership Owns the sink. The owner outlives the worker.
// Threads   submit() and the owner's callback: the loop's. The sink: the worker's alone, from the first submit() on.
#pragma once

#include <uv.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "server/host/sink_loader.h"
#include "transport/lws/uv_handle.h"

namespace grid::server {

class SinkWorker {
 public:
  // What became of a batch, on the loop.
  struct Done {
    crdt::Seq through = 0;
    Status status = Status::ok;
    std::string problem;
    std::uint64_t dead_letters = 0;
    storage::SinkMark stands{};  // Where the database does, when `status` is conflict.
  };
  using Callback = void (*)(void* owner, const Done& done);
  // What became of the search, on the loop.
  struct Indexed {
    std::uint32_t maps = 0;  // A bit for each whose index has changed.
    std::string news{};      // A sentence, when there is something to tell.
    std::string failure{};   // Likewise: the medium has failed.
  };
  using IndexedCallback = void (*)(void* owner, const Indexed& indexed);

  // `searchable`: the same sink, where it has a search; or null.
  SinkWorker(uv_loop_t* loop, SinkHandle sink, storage::SqliteSink* searchable, Callback callback,
             IndexedCallback indexed, void* owner);
  // Ends the batch that is under way, or waits for it; its done() is not called any more.
  ~SinkWorker();
  SinkWorker(const SinkWorker&) = delete;
  SinkWorker& operator=(const SinkWorker&) = delete;

  // Room for a batch's frame of rows. Not while one is under way.
  MutBytes room() { return {room_.get(), kRoomBytes}; }
  // Drains the first `size` bytes of the room.
  void submit(std::size_t size, const storage::SinkMark& mark);
  bool is_busy() const { return busy_; }
  // Somebody has found the index of this map damaged.
  void mend(const std::string& map);

 private:
  // The largest row there can be, or a thousand common ones.
  static constexpr std::size_t kRoomBytes = kValueBytesMax + 4 * kNameBytesMax;

  void run();
  bool has_search_work() const { return searchable_ != nullptr && searchable_->has_search_work(); }
  void work_on_search(std::unique_lock<std::mutex>& lock);
  void note_search();
  Done drain(Bytes rows, const storage::SinkMark& mark);
  void on_done();

  SinkHandle sink_;
  storage::SqliteSink* const searchable_;
  Callback callback_;
  IndexedCallback indexed_callback_;
  void* owner_;
  std::unique_ptr<std::uint8_t[]> room_;
  bool busy_ = false;  // The loop's.

  std::mutex mutex_;
  std::condition_variable work_;
  std::size_t size_ = 0;  // Guarded by mutex_, as what follows. 0: no work.
  storage::SinkMark mark_;
  bool stopping_ = false;
  bool is_done_ = false;
  Done done_;
  Indexed indexed_;
  std::string broken_;
  transport::UvHandle<uv_async_t> wake_;
  std::thread thread_;  // Last: it uses all of the above.
};

}  // namespace grid::server
