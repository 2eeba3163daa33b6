// SPDX-License-Identifier: Apache-2.0
//
// FactEngine: answers Datalog over the facts of one store, or over those that it is fed.
//
// Place     Top of runtime/query, beside query_engine.h. Any machine with a store can own one; LinuxHost does. A
//           gateway's lives on a thread that must not read the store, and is fed.
// Promises  DLE-1  An answer is of all facts that stand, however they came and went.
//           DLE-2  What has expired by the time that it was told last stands no more.
//           BND-1  Indexes and questions stay within FactOptions; what does not fit is `full`, and says so.
// Ownership Borrows its store, if it has one, for life. Let it know what is erased.
// Threads   None: the caller's.
//
// Of a store, a map's facts are indexed when it is first asked about.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crdt/datalog/evaluate.h"
#include "runtime/query/answer_cache.h"
#include "runtime/query/fact_question.h"
#include "runtime/query/fact_reader.h"
#include "runtime/query/heap_chunks.h"

namespace grid::runtime {

struct FactOptions {
  std::size_t index_bytes_max = std::size_t{1} << 30;  // Of the facts of one map.
  std::size_t all_bytes_max = SIZE_MAX;                // Of those of all maps.
  std::size_t query_bytes_max = 256u << 20;            // Of one question while it is answered.
  std::size_t answers_bytes_max = 4u << 20;            // Of answers that are kept for who asks again.
  std::uint64_t steps_max = 100'000'000;               // Facts and rows that one question looks at.
};

// One clause of a question, as it was answered.
struct FactStep {
  std::string of;      // "query", "or", "not", or the name of a rule.
  std::string clause;  // Its text; empty where it is not of the question's own.
  std::uint32_t line = 0, column = 0;
  std::string by;  // The index that was used, or what it was instead.
  double expected = 0;
  std::uint64_t rows_in = 0, rows_out = 0;
};

class LiveFacts;

class FactEngine {
 public:
  explicit FactEngine(storage::Store& store, const FactOptions& options = {}) : FactEngine(options) { store_ = &store; }
  // Its owner loads index_of() each map, and tells of changes by change().
  explicit FactEngine(const FactOptions& options) : options_(options), index_chunks_(options.all_bytes_max) {}
  FactEngine(const FactEngine&) = delete;
  FactEngine& operator=(const FactEngine&) = delete;

  // Of a store: the corrected time, by which facts have expired for whoever asks next; 0: it is unknown, and none has.
  void observe(std::uint64_t known_ms) { known_ms_ = known_ms; }
  // When the next fact of a map that is watched expires; kNever: none does.
  std::uint64_t next_expiry_ms() const;

  // A row of the answer: a value for each element of :find. The visit makes no call on the store.
  struct Visitor {
    void (*visit)(void* at, std::span<const crdt::Value> row);
    void* at;
  };
  //   invalid  An input is not of the shape that :in says.
  //   full     The facts of the map, or the question, take more than they may.
  //   busy     It is fed, and the map is not loaded.
  //   corrupt, io  Of the store.
  Status ask(std::string_view map, const FactQuestion& question, const Visitor& visitor);
  // The same from what was answered before, while nothing that the question looks at has changed since: then it takes
  // no steps, and there is nothing to explain().
  Status answer(std::string_view map, const FactQuestion& question, const Visitor& visitor);
  // The same with other inputs, for a query that was made from a question's.
  Status ask(FactIndex& index, const datalog::Query& query, std::span<const crdt::Value> inputs,
             const Visitor& visitor);
  // Of the last ask(): how each clause was answered.
  std::vector<FactStep> explain(const FactQuestion& question) const;
  std::uint64_t steps() const { return steps_; }

  FactIndex& index_of(std::string_view map);
  // Reads the log on for the facts of the map, and tells the live questions whom it concerns.
  //   full, busy, corrupt, io  As ask().
  Status catch_up(std::string_view map);
  // The same with what its owner has read.
  //   full  The facts take more than they may; the map is not loaded any more.
  Status change(std::string_view map, std::span<const FactCell> cells);
  // Forgets the index of a map that nobody watches.
  void let_go(std::string_view map);
  std::size_t index_bytes() const { return index_chunks_.taken(); }
  void watch(LiveFacts& live);
  void unwatch(LiveFacts& live);
  void erased(const crdt::CellName& name);
  // The last trouble as a sentence. Never null.
  const char* problem() const { return problem_.c_str(); }

 private:
  // The live questions of a map, by the attributes that they look at.
  struct Watchers final : FactListener {
    void changing(std::span<const FactDelta> deltas) override;
    void changed(std::span<const FactDelta> deltas) override;
    bool empty() const { return by_attribute.empty() && of_all.empty(); }
    template <typename Tell>
    void each(std::span<const FactDelta> deltas, Tell tell);

    using ByNumber = std::map<std::uint64_t, LiveFacts*>;
    std::map<std::string, ByNumber, std::less<>> by_attribute;
    ByNumber of_all;
  };

  struct Kept {
    FactIndex index;
    std::optional<FactReader> reader;  // Where there is a store.
  };

  Kept& kept(std::string_view map);
  FactListener* listener_of(std::string_view map);
  Status refuse(Status status, std::string problem);
  Status refuse_facts(std::string_view map, Status status);

  storage::Store* store_ = nullptr;
  FactOptions options_;
  HeapChunks index_chunks_;
  HeapChunks chunks_;  // Of questions.
  AnswerCache answers_{options_.answers_bytes_max};
  std::map<std::string, std::unique_ptr<Kept>, std::less<>> kept_;
  std::map<std::string, Watchers, std::less<>> watchers_;
  std::uint64_t watched_ = 0;
  std::uint64_t known_ms_ = 0;
  std::vector<datalog::Explained> explained_;
  std::uint64_t steps_ = 0;
  std::string problem_;
};

}  // namespace grid::runtime
