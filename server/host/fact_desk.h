// SPDX-License-Identifier: Apache-2.0
//
// FactDesk: the questions about facts of one app that are under way, and the indexes that answer them.
//
// Place     Below app_host.h. Feeds the worker from the journal's store, in pieces between which the app goes on; who
//           may ask is asked before. Knows no exchange.
// Promises  A question is answered of everything that had arrived, and had not expired, when it was asked.
//           BND-1  There are so many questions and watches as config::FactSettings say, kMapsMax maps with an index,
//           and kBatchesMax batches on their way to the worker. An index that nobody has asked for in a while is let go
//           of, or for another one.
// Ownership Borrows its store and its askers; whoever asks forgets the question before it goes.
// Threads   One: the loop's, which is the store's.
#pragma once

#include <uv.h>

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "server/fact_feed.h"
#include "server/host/fact_worker.h"
#include "server/host/metrics.h"
#include "transport/lws/uv_handle.h"

namespace grid::server {

// Who waits for what is said to a question. It may make calls on the desk.
class FactAsker {
 public:
  virtual void told(FactWord&& word) = 0;
  // Nothing was said for a while: whether somebody is still there shows by telling them so.
  virtual void quiet() = 0;

 protected:
  ~FactAsker() = default;
};

class FactDesk {
 public:
  FactDesk(uv_loop_t* loop, storage::Store& store, const config::FactSettings& settings);
  FactDesk(const FactDesk&) = delete;
  FactDesk& operator=(const FactDesk&) = delete;

  // Who is told of what leaves the store.
  runtime::ErasureListener& erasures() { return feed_; }
  // Begins with the maps that are kept.
  void preload();
  // Something may have arrived, or expired.
  void look_on();

  // A place for a question that is being read; 0: there is none, for there are as many as there may be.
  FactQuestionId take_place(FactAsker& asker);
  //   full  A watch, and there are as many as there may be; or as many maps, all of them in use. `problem` says so.
  Status ask(FactQuestionId id, FactAsk&& ask, std::string& problem);
  // As the worker.
  void more(FactQuestionId id) { worker_->more(id); }
  void forget(FactQuestionId id);

  FactFigures figures() const;

 private:
  static constexpr std::uint64_t kBatchesMax = 8;
  static constexpr std::size_t kMapsMax = 64;

  struct Question {
    FactAsker* asker;
    FactAsk ask{};
    bool is_watch = false;
    bool is_waiting = false;  // For the index to be told what had arrived when it was asked:
    storage::Seq head = 0;
    bool is_asked = false;  // Of the worker, which knows it until it is answered or forgotten.
  };

  FactWorker& worker();
  void begin(const std::string& map);
  void feed_on();
  void wait_for_expiry();
  void ask_those_due();
  void hear();
  void tell(FactQuestionId id, FactWord&& word);
  void fail(const std::string& map, Status status, const std::string& problem);
  void look_round();
  void let_go(const std::string& map);
  bool make_room();
  bool is_kept(const std::string& map) const;
  std::uint64_t watches() const;

  uv_loop_t* loop_;
  storage::Store& store_;
  const config::FactSettings settings_;
  FactFeed feed_;
  std::map<FactQuestionId, Question> questions_;
  std::map<std::string, std::uint64_t> asked_ms_;  // Of the maps that are fed: when they were asked about last.
  FactQuestionId last_id_ = 0;
  std::uint64_t batches_ = 0;  // Ever given to the worker,
  FactFigures figures_{};
  std::uint64_t carried_out_ = 0;           // and carried out by it.
  transport::UvHandle<uv_idle_t> feeding_;  // Runs while there is something to feed, and room for it.
  transport::UvHandle<uv_timer_t> round_;   // Runs while there are indexes.
  transport::UvHandle<uv_timer_t> expiring_;
  Bell bell_;
  std::unique_ptr<FactWorker> worker_;  // From the first question on.
};

}  // namespace grid::server
