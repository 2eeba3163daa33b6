// SPDX-License-Identifier: Apache-2.0
//
// FactWorker: the thread on which an app's questions about facts are answered, and its indexes of facts live, so that
// neither a load nor a long question holds up the app.
//
// Place     Below fact_desk.h, which feeds it and counts what it has under way; above runtime/query/fact_engine.h. It
//           reads no store.
// Promises  Orders are carried out one by one, as they came: a question is answered of all batches before it.
//           BND-1  It is told how much there may be of what. Of each question it has one word under way: a watch whose
//                  last word was not asked for more is silent, and then says what is different since.
// Ownership The bell and the one it rings outlive the worker.
// Threads   Owned by one, the loop's, which alone calls it; the engine is its own thread's.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "runtime/query/live_facts.h"
#include "server/fact_feed.h"
#include "server/host/bell.h"
#include "server/host/config/settings.h"
#include "server/host/fact_rows.h"

namespace grid::server {

using FactQuestionId = std::uint64_t;

// A question as it came.
struct FactAsk {
  std::string map{};
  std::string text{};
  std::vector<std::uint8_t> inputs{};  // A canonical list; empty: none.
  bool is_watch = false;
};

// What the worker says. With the rows of a word a watch is told all that is so by then; a word that is not `ok` is the
// last one.
struct FactWord {
  FactQuestionId question = 0;  // 0: of the map.
  Status status = Status::ok;
  std::string problem{};  // A sentence.
  FactRows rows{};        // Of a watch: first all that stand, then what has entered and left since the last word.
  std::string map{};      // Not loaded any more, for want of memory.
};

class FactWorker {
 public:
  FactWorker(const config::FactSettings& settings, const Bell& bell);
  // Waits for the question that is being answered.
  ~FactWorker();
  FactWorker(const FactWorker&) = delete;
  FactWorker& operator=(const FactWorker&) = delete;

  void feed(FactBatch&& batch) { post(std::move(batch)); }
  void let_go(std::string map) { post(LetGo{std::move(map)}); }
  // Each is answered by a word; by `ok` with all its rows, or by what is wrong, and then it is over. A watch is over
  // only then, and when it is forgotten.
  void ask(FactQuestionId id, FactAsk&& ask) { post(Ask{id, std::move(ask)}); }
  // A watch: its last word was taken.
  void more(FactQuestionId id) { post(More{id}); }
  void forget(FactQuestionId id) { post(Forget{id}); }

  // What it has said since the last time, and figures as they are by then.
  struct News {
    std::vector<FactWord> words;
    std::uint64_t batches = 0;  // That were carried out, of all there ever were.
    std::size_t index_bytes = 0;
  };
  News take_news();

 private:
  using Clock = std::chrono::steady_clock;
  struct Ask {
    FactQuestionId id;
    FactAsk ask;
  };
  struct More {
    FactQuestionId id;
  };
  struct Forget {
    FactQuestionId id;
  };
  struct LetGo {
    std::string map;
  };
  using Order = std::variant<FactBatch, LetGo, Ask, More, Forget>;

  struct Watch {
    std::unique_ptr<runtime::LiveFacts> live;
    bool is_wanted = true;   // A word is.
    bool is_first = true;    // Of its words: it comes, be it empty.
    bool is_stirred = true;  // Facts of its map have changed.

    bool is_waiting() const { return is_wanted && is_stirred; }
    Clock::time_point due{};
  };

  void post(Order&& order);
  void run();
  void carry_out(FactBatch& batch);
  void carry_out(LetGo& order);
  void carry_out(Ask& order);
  void carry_out(More& order);
  void carry_out(Forget& order) { watches_.erase(order.id); }
  void answer(FactQuestionId id, const std::string& map, const runtime::FactQuestion& question);
  void fail(const std::string& map);
  void advance_watch();
  bool advance(FactQuestionId id, Watch& watch);
  Clock::time_point next_due() const;
  void say(FactWord&& word);

  const config::FactSettings settings_;
  const Bell& bell_;

  // Of the thread.
  runtime::FactEngine engine_;
  std::map<FactQuestionId, Watch> watches_;
  std::map<std::string, std::string> failed_;  // Maps that did not fit, and how that is said.

  std::mutex mutex_;
  std::condition_variable wanted_;
  std::deque<Order> orders_;  // Guarded by mutex_, as what follows.
  News news_{};
  bool is_stopping_ = false;
  std::thread thread_;  // Last: it uses all of the above.
};

}  // namespace grid::server
