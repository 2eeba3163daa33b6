// SPDX-License-Identifier: Apache-2.0
//
// datalog MAP 'QUERY' [--in JSON_ARRAY] [--explain] [--watch]: prints what a question about facts is answered, how that
// was found, or what becomes of it.
#include "runtime/grid/datalog.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "cli/inputs.h"
#include "cli/names.h"
#include "cli/print.h"
#include "cli/session.h"
#include "cli/text.h"
#include "transport/json/value_json.h"

namespace grid::cli {
namespace {

// What is wrong with a question is its asker's fault; what a store or a limit is in the way of is not.
void require(Session& session, Status status) {
  const bool is_askers = status == Status::invalid || status == Status::too_large;
  if (is_askers) throw Failure(Exit::usage, session.host().problem());
  session.require(status);
}

std::string json_row(std::span<const Value> row, bool is_bare) {
  std::string text = is_bare ? "" : "[";
  for (const Value& value : row) {
    if (&value != row.data()) text += ",";
    text += json::json_from_value(value);
  }
  return text + (is_bare ? "" : "]");
}

// The rows of an answer on their way out.
class Answer {
 public:
  explicit Answer(Format format) : format_(format) {}

  void take(std::span<const Value> row) { rows_.emplace_back(json_row(row, row.size() == 1), json_row(row, false)); }
  void take(const DatalogStep& step) {
    steps_.push_back("{\"of\":" + json_text(step.of) + ",\"clause\":" + json_text(step.clause) +
                     ",\"line\":" + std::to_string(step.line) + ",\"column\":" + std::to_string(step.column) +
                     ",\"by\":" + json_text(step.by) + ",\"expected\":" + json::json_from_value(number(step.expected)) +
                     ",\"rows_in\":" + std::to_string(step.rows_in) + ",\"rows_out\":" + std::to_string(step.rows_out) +
                     "}");
    report_.push_back(Report()
                          .text("of", step.of)
                          .text("clause", step.clause)
                          .text("by", step.by)
                          .decimal("expected", step.expected)
                          .count("rows_in", step.rows_in)
                          .count("rows_out", step.rows_out));
  }

  void print_rows(AnswerShape shape) const {
    const bool is_line = format_ == Format::table || format_ == Format::ndjson || format_ == Format::raw;
    const bool is_bare = shape == AnswerShape::collection || shape == AnswerShape::scalar;
    const bool is_one = shape == AnswerShape::scalar || shape == AnswerShape::tuple;
    if (is_one) return print(rows_.empty() ? "null\n" : (is_bare ? rows_[0].first : rows_[0].second) + "\n");
    if (!is_line) print("[");
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      if (!is_line && i > 0) print(",");
      print(is_bare ? rows_[i].first : rows_[i].second);
      if (is_line) print("\n");
    }
    if (!is_line) print("]\n");
  }

  void print_plan(const DatalogAnswer& answer) const {
    if (format_ == Format::table || format_ == Format::raw) {
      print_all(report_, format_);
      Report().count("rows", answer.rows).count("steps", answer.steps).print(format_);
      return;
    }
    std::string text =
        "{\"rows\":" + std::to_string(answer.rows) + ",\"steps\":" + std::to_string(answer.steps) + ",\"clauses\":[";
    for (const std::string& step : steps_) text += (&step == steps_.data() ? "" : ",") + step;
    print(text + "]}\n");
  }

 private:
  Value number(double value) {
    crdt::ValueWriter writer(room_);
    writer.number(value);
    return Value(*writer.finish());
  }

  Format format_;
  std::vector<std::pair<std::string, std::string>> rows_;  // Bare, and in brackets.
  std::vector<std::string> steps_;
  std::vector<Report> report_;
  std::uint8_t room_[16];
};

// A JSON array, but on a terminal lines.
Format format_of(const Context& context) {
  if (context.format != Format::automatic) return context.format;
  return ::isatty(STDOUT_FILENO) != 0 ? Format::table : Format::json;
}

// What the callback needs; it must not throw, so it notes that stdout is gone.
struct Printed {
  std::uint64_t count = 0;
  std::uint64_t count_max = 0;
  bool broken = false;

  bool is_enough() const { return broken || (count_max != 0 && count >= count_max); }
  void line(const DatalogChange& change) {
    if (is_enough()) return;
    const std::string text = std::string("{\"change\":\"") + (change.has_entered ? "enter" : "leave") +
                             "\",\"row\":" + json_row(change.row, false) + "}\n";
    broken = std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0;
    ++count;
  }
};

Exit watch_answer(Session& session, const DatalogOptions& options, const DatalogQuestion& question) {
  constexpr std::uint64_t kForEverMs = std::uint64_t{1} << 52;
  Printed printed{.count_max = options.count};
  const Live live = Datalog(session.node(), options.map).live(question, [at = &printed](const DatalogChange& change) {
    at->line(change);
  });
  require(session, live.status());
  const bool stopped = session.host().wait_until([&](const ReplicaStatus&) { return printed.is_enough(); },
                                                 options.for_ms == 0 ? kForEverMs : options.for_ms);
  if (printed.broken) throw Failure(Exit::failure, "cannot write to stdout");
  if (!stopped && session.status().state == SyncState::error) throw session.no_link();
  return Exit::ok;
}

}  // namespace

Exit datalog(const Context& context, const DatalogOptions& options) {
  check_map(options.map);
  const Inputs inputs(options.inputs);
  const DatalogQuestion question{options.query, inputs.values()};
  Session session(context);
  require(session, session.pull(options.map, question));
  if (options.watch) return watch_answer(session, options, question);
  Answer answer(format_of(context));
  DatalogAnswer done;
  const auto visitor =
      DatalogVisitor{[](void* at, std::span<const Value> row) { static_cast<Answer*>(at)->take(row); }, &answer,
                     options.explain ? [](void* at, const DatalogStep& step) { static_cast<Answer*>(at)->take(step); }
                                     : static_cast<void (*)(void*, const DatalogStep&)>(nullptr)};
  require(session, session.node().driver().ask(options.map, question, visitor, done));
  options.explain ? answer.print_plan(done) : answer.print_rows(done.shape);
  return Exit::ok;
}

}  // namespace grid::cli
