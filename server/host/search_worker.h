// SPDX-License-Identifier: Apache-2.0
//
// SearchWorker: the thread on which an app's searches run, so that neither the loop nor the database's writer waits.
//
// Place     Below app_host.h, above storage/sqlite/sqlite_search_reader.h.
// Promises  One search at a time: submit() only after the last one's done().
// Ownership Owns its reader, and the frame that done() gets until the next submit(). The owner outlives the worker.
// Threads   submit() and the owner's callback: the loop's. The reader: the worker's alone.
#pragma once

#include <uv.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "server/searches.h"
#include "storage/sqlite/sqlite_search_reader.h"
#include "transport/lws/uv_handle.h"

namespace grid::server {

class SearchWorker {
 public:
  // What came of a search, on the loop: the frame that answers it.
  struct Done {
    std::vector<std::uint8_t> frame;
    std::string broken{};  // The map whose index is damaged, if it is.
  };
  using Callback = void (*)(void* owner, const Done& done);

  SearchWorker(uv_loop_t* loop, std::unique_ptr<storage::SqliteSearchReader> reader,
               const storage::SearchConfig& config, Callback callback, void* owner);
  // Waits for the search that is under way; its done() is not called any more.
  ~SearchWorker();
  SearchWorker(const SearchWorker&) = delete;
  SearchWorker& operator=(const SearchWorker&) = delete;

  void submit(const SearchWork& work);

 private:
  void run();
  Done search(const SearchWork& work);
  std::vector<std::uint8_t> encode(const SearchWork& work, const storage::SearchAnswer& answer) const;
  void on_done();

  const std::unique_ptr<storage::SqliteSearchReader> reader_;
  const storage::SearchConfig config_;
  Callback callback_;
  void* owner_;

  std::mutex mutex_;
  std::condition_variable wanted_;
  SearchWork work_;  // Guarded by mutex_, as what follows.
  bool has_work_ = false;
  bool stopping_ = false;
  Done done_;
  transport::UvHandle<uv_async_t> wake_;
  std::thread thread_;  // Last: it uses all of the above.
};

}  // namespace grid::server
