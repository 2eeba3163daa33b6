// SPDX-License-Identifier: Apache-2.0
//
// The part of RowDesk that tells what a question about facts is answered, and what becomes of it. A line is a row, as a
// JSON array; of a watched question it says whether the row enters or leaves.

#include <algorithm>
#include <utility>

#include "crdt/datalog/parse.h"
#include "server/host/row_desk.h"
#include "transport/json/value_json.h"

namespace grid::server {

using crdt::Value;
using transport::Admission;
using transport::ExchangeId;
using transport::HttpAnswer;

namespace {

// A question, and what its inputs may come to; JSON may take more bytes than what it says.
constexpr std::size_t kBodyBytesMax = 2 * kValueBytesMax;
constexpr std::size_t kPageBytes = 65'536;

class FactsOut final : public RowWork, private FactAsker {
 public:
  FactsOut(RowDesk& desk, ExchangeId exchange, AppHost& app, WebAsk&& ask)
      : desk_(desk),
        exchange_(exchange),
        app_(app),
        who_(std::move(ask.who)),
        map_(std::move(ask.map)),
        query_(std::move(ask.query)),
        has_body_(ask.has_body) {
    was_long = true;  // One page at a time, so that who waits has asked for it.
    begin();
  }
  ~FactsOut() override { leave(); }
  FactsOut(const FactsOut&) = delete;
  FactsOut& operator=(const FactsOut&) = delete;

  bool take(Bytes piece) override {
    if (id_ == 0) return true;
    body_.append(as_text(piece));
    if (body_.size() > kBodyBytesMax) refuse(413, "the question and its inputs are too long");
    return true;
  }

  void body_ended() override {
    if (id_ == 0) return;
    std::string problem;
    const bool is_read = has_body_ ? read_body(problem) : read_words(problem);
    if (!is_read) return refuse(400, problem);
    if (app_.facts().ask(id_, std::move(ask_), problem) != Status::ok) refuse(web_status(Status::full), problem);
  }

  std::string take_page(bool& is_last) override {
    is_last = is_last_;
    return std::exchange(page_, {});
  }

  // Its asker may have lost the right since.
  Status next_page() override {
    page_.clear();
    if (!may_ask()) {
      is_waiting = false;
      leave();
      return Status::denied;
    }
    std::vector<Value> row;
    for (bool has_entered = true; page_.size() < kPageBytes && rows_.next(at_, has_entered, row);) {
      append_line(has_entered, row);
    }
    const bool is_given = at_ == rows_.size();
    if (is_given) page_ += std::exchange(behind_, {});
    is_last_ = is_given && is_over_;
    is_waiting = page_.empty() && !is_last_;
    if (is_waiting && std::exchange(is_told_, false)) app_.facts().more(id_);
    return Status::ok;
  }

 private:
  void told(FactWord&& word) override {
    const bool is_awaited = is_waiting || !has_begun_;
    is_over_ = word.status != Status::ok || !is_watch_;
    // An answer keeps its place until it is given.
    if (word.status != Status::ok) leave();
    if (!std::exchange(has_begun_, true)) {
      answer = word.status == Status::ok ? HttpAnswer{.content_type = "application/x-ndjson", .is_streamed = true}
                                         : refusal(web_status(word.status), word.problem);
    } else if (word.status != Status::ok) {
      end_with(word);
    }
    is_told_ = !is_over_;
    // What ends a watch may come before the rows of the last word are given.
    if (word.status == Status::ok) {
      rows_ = std::move(word.rows);
      at_ = 0;
    }
    if (is_awaited) desk_.wake(exchange_);
  }

  void append_line(bool has_entered, std::span<const Value> row) {
    if (is_watch_) page_ += has_entered ? R"({"change":"enter","row":)" : R"({"change":"leave","row":)";
    page_ += '[';
    for (const Value& value : row) {
      if (&value != row.data()) page_ += ',';
      json::append_json(page_, value);
    }
    page_ += is_watch_ ? "]}\n" : "]\n";
  }

  // A line of its own says why a watch ends.
  void end_with(const FactWord& word) {
    behind_ += "{\"error\":";
    json::append_json_text(behind_, word.problem);
    behind_ += "}\n";
  }

  void quiet() override {
    if (!has_begun_ || !is_waiting) return;
    behind_ = '\n';
    desk_.wake(exchange_);
  }

  void begin() {
    const std::string wrong = has_body_ ? unknown(query_, {}) : unknown(query_, {"query", "in", "watch"});
    if (!wrong.empty()) return refuse(400, wrong);
    if (crdt::check_map_name(map_) != Status::ok) {
      return refuse(400, "a map has 1 to 64 of the characters A-Z a-z 0-9 _ . -");
    }
    if (!may_ask()) return refuse(403, app_.desk().problem());
    id_ = app_.facts().take_place(*this);
    if (id_ == 0) refuse(web_status(Status::full), "limit: as many questions as there may be are under way");
  }

  bool may_ask() { return app_.may_ask_facts(who_.identity, who_.claims, map_) == Status::ok; }

  void leave() {
    if (id_ != 0) app_.facts().forget(std::exchange(id_, 0));
  }

  static HttpAnswer refusal(std::uint16_t status, const std::string& sentence) {
    HttpAnswer refusal = web_error(status, sentence);
    if (status == transport::kUnavailable) refusal.headers.emplace_back("retry-after", "1");
    return refusal;
  }

  void refuse(std::uint16_t status, const std::string& sentence) {
    leave();
    answer = refusal(status, sentence);
  }

  // {"query": text, "in": [input], "watch": true}
  bool read_body(std::string& problem) {
    std::string canonical;
    json::JsonError error;
    if (json::value_from_json(body_, canonical, error) != Status::ok) {
      problem = "line " + std::to_string(error.line) + ", column " + std::to_string(error.column) +
                " of the body: " + error.sentence;
      return false;
    }
    body_ = {};
    const Value record{as_bytes(canonical)};
    if (record.kind() != crdt::ValueKind::record) {
      problem = "the body is to be {\"query\": text, \"in\": [input], \"watch\": true or false}";
      return false;
    }
    for (Value::Walk walk(record); walk.next();) {
      const std::string_view name = walk.name();
      const Value value = walk.value();
      if (name == "query" && value.kind() == crdt::ValueKind::text) {
        ask_.text = value.text_or({});
      } else if (name == "watch" && value.kind() == crdt::ValueKind::boolean) {
        is_watch_ = value.truth_or(false);
      } else if (name == "in" && value.kind() == crdt::ValueKind::list) {
        ask_.inputs.assign(value.canonical().begin(), value.canonical().end());
      } else {
        problem = "the body is to be {\"query\": text, \"in\": [input], \"watch\": true or false}, and has another \"" +
                  std::string(name) + "\"";
        return false;
      }
    }
    return check(problem);
  }

  bool read_words(std::string& problem) {
    if (const std::string* const text = find(query_, "query")) ask_.text = *text;
    if (const std::string* const in = find(query_, "in"); in != nullptr && !read_inputs(*in, problem)) return false;
    const std::string* const watch = find(query_, "watch");
    is_watch_ = watch != nullptr && *watch == "1";
    if (watch != nullptr && *watch != "0" && *watch != "1") {
      problem = "watch is 0 or 1";
      return false;
    }
    return check(problem);
  }

  bool read_inputs(const std::string& text, std::string& problem) {
    std::string canonical;
    json::JsonError error;
    if (json::value_from_json(text, canonical, error) != Status::ok) {
      problem = "in, column " + std::to_string(error.column) + ": " + error.sentence;
      return false;
    }
    ask_.inputs.assign(canonical.begin(), canonical.end());
    if (Value(as_bytes(canonical)).kind() == crdt::ValueKind::list) return true;
    problem = "in is a JSON array, with an element for each input";
    return false;
  }

  bool check(std::string& problem) {
    ask_.map = map_;
    ask_.is_watch = is_watch_;
    if (ask_.text.empty()) problem = "there is no query";
    if (ask_.text.size() > datalog::kQueryBytesMax) {
      problem = "a query has at most " + std::to_string(datalog::kQueryBytesMax) + " bytes";
    }
    return problem.empty();
  }

  RowDesk& desk_;
  const ExchangeId exchange_;
  AppHost& app_;
  const Admission who_;
  const std::string map_;
  const transport::Fields query_;
  const bool has_body_;
  bool is_watch_ = false;
  std::string body_;
  FactAsk ask_;
  FactQuestionId id_ = 0;   // 0: it is over, or has not begun.
  bool has_begun_ = false;  // To be answered.
  bool is_told_ = false;    // Something of the watch, and it was not asked for more since.
  bool is_over_ = false;    // Nothing more comes behind rows_.
  bool is_last_ = false;
  FactRows rows_;
  std::size_t at_ = 0;  // Of these are given.
  std::string behind_;  // To be said when they are.
  std::string page_;
};

}  // namespace

std::unique_ptr<RowWork> facts_to_tell(RowDesk& desk, ExchangeId exchange, AppHost& app, WebAsk&& ask) {
  return std::make_unique<FactsOut>(desk, exchange, app, std::move(ask));
}

}  // namespace grid::server
