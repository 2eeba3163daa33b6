// SPDX-License-Identifier: Apache-2.0
//
// The parts of RowDesk that send rows, and that take them. A line is one row: {"key":"bench/3","value":{"temp":21.5}}.

#include <algorithm>
#include <charconv>
#include <utility>

#include "server/host/row_desk.h"
#include "transport/json/value_json.h"

namespace grid::server {

using transport::Admission;
using transport::Fields;
using transport::HttpAnswer;

namespace {

constexpr std::uint64_t kQueryRows = 1'000;
constexpr std::uint64_t kQueryRowsMax = 100'000;
constexpr std::size_t kPageBytes = 262'144;
constexpr std::uint64_t kPageRowsMax = 64;  // They may all be large at once.
constexpr std::size_t kLineBytesMax = 4 * kValueBytesMax;
constexpr std::size_t kProblemsMax = 10;

bool read_number(const std::string& text, std::uint64_t& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

void append_row(std::string& out, const DeskRow& row) {
  out += "{\"key\":";
  json::append_json_text(out, row.key);
  out += ",\"value\":";
  json::append_json(out, crdt::Value(row.value));
  out += "}\n";
}

// ---- out

class RowsOut final : public RowWork {
 public:
  RowsOut(AppHost& app, Admission who, std::string map) : app_(app), who_(std::move(who)), map_(std::move(map)) {}

  // The first page, so that what is wrong is an answer of its own.
  Status begin(const Fields& query, bool is_export, std::string& problem) {
    if (const std::string* where = find(query, "where")) where_ = *where;
    if (const std::string* order = find(query, "order")) order_ = *order;
    if (const std::string* after = find(query, "after")) (is_export ? from_key_ : cursor_) = *after;
    const std::string* const limit = find(query, "limit");
    left_ = is_export ? UINT64_MAX : kQueryRows;
    if (limit != nullptr && (!read_number(*limit, left_) || left_ == 0 || left_ > kQueryRowsMax)) {
      problem = "limit is 1 to " + std::to_string(kQueryRowsMax);
      return Status::invalid;
    }
    is_export_ = is_export;
    if (is_export && !from_key_.empty()) where_ = "$key > $after";
    const Status status = next_page();
    if (status == Status::ok) return status;
    problem = app_.desk().problem();
    // A cursor that is no good is the asker's; a store that is no good is not.
    const bool is_cursor = problem.starts_with("the cursor");
    return is_cursor ? Status::invalid : status;
  }

  std::string take_page(bool& is_last) override {
    is_last = is_last_;
    return std::exchange(page_, {});
  }

  Status next_page() override {
    page_.clear();
    count_ = 0;
    const query::Parameter after{"after", crdt::Value(parameter())};
    const std::span<const query::Parameter> parameters(&after, from_key_.empty() ? 0 : 1);
    const runtime::Question question{.map = map_,
                                     .where = where_,
                                     .order = order_,
                                     .limit = std::min(left_, rows_),
                                     .after = cursor_,
                                     .parameters = parameters};
    const auto visit = [](void* at, const DeskRow& row) {
      auto& self = *static_cast<RowsOut*>(at);
      append_row(self.page_, row);
      ++self.count_;
    };
    GRID_TRY(app_.ask(who_.identity, who_.claims, question, {visit, this}));
    cursor_ = app_.desk().cursor();
    was_long = count_ < question.limit;
    left_ -= std::min(left_, count_);
    is_last_ = cursor_.empty() || left_ == 0;
    if (is_last_ && !cursor_.empty() && !is_export_) {
      page_ += "{\"cursor\":";
      json::append_json_text(page_, cursor_);
      page_ += "}\n";
    }
    // As many rows as fill a page.
    if (page_.size() < kPageBytes / 4) rows_ = std::min<std::uint64_t>(rows_ * 2, kPageRowsMax);
    if (page_.size() > kPageBytes) rows_ = std::max<std::uint64_t>(rows_ / 4, 1);
    return Status::ok;
  }

 private:
  Bytes parameter() {
    crdt::ValueWriter writer(key_room_);
    writer.text(from_key_);
    const Result<Bytes> value = writer.finish();
    return value.ok() ? *value : Bytes{};
  }

  AppHost& app_;
  const Admission who_;
  const std::string map_;
  std::string where_, order_, cursor_, from_key_;
  std::uint8_t key_room_[2 * kKeyBytesMax + 16] = {};
  bool is_export_ = false;
  bool is_last_ = false;
  std::uint64_t left_ = 0;
  std::uint64_t rows_ = 16;  // Of the next page.
  std::uint64_t count_ = 0;
  std::string page_;
};

// ---- in

class RowsIn final : public RowWork {
 public:
  RowsIn(AppHost& app, Admission who, std::string map, std::uint64_t skip)
      : app_(app), who_(std::move(who)), map_(std::move(map)), skip_(skip) {}

  bool take(Bytes piece) override {
    rest_.append(as_text(piece));
    return go_on();
  }

  void body_ended() override {
    if (!rest_.empty() && rest_.back() != '\n') rest_ += '\n';
    is_ended_ = true;
  }

  // Line by line, and at the end until all of it is durable.
  bool go_on() override {
    if (answer.has_value() || is_over_) return true;
    std::size_t at = 0;
    bool is_late = false;
    for (std::size_t end = rest_.find('\n'); end != std::string::npos && !is_late; end = rest_.find('\n', at)) {
      is_late = take_line(std::string_view(rest_).substr(at, end - at)) == Status::busy;
      if (!is_late) at = end + 1;
    }
    rest_.erase(0, at);
    if (is_late) return false;
    if (rest_.size() > kLineBytesMax) return refuse(413, "line " + std::to_string(line_ + 1) + " is too long");
    if (!is_ended_) return true;
    if (!app_.has_kept(map_, last_)) return false;
    finish();
    return true;
  }

 private:
  Status take_line(std::string_view line) {
    if (line_ < skip_ || line.find_first_not_of(" \t\r") == std::string_view::npos) return ++line_, Status::ok;
    std::string problem;
    const Status status = write(line, problem);
    // It is tried again.
    if (status == Status::busy) return status;
    ++line_;
    if (status == Status::ok) return ++written_, status;
    ++refused_;
    if (problems_.size() < kProblemsMax) {
      problems_.push_back("line " + std::to_string(line_) + ": " + (problem.empty() ? name_of(status) : problem));
    }
    return status;
  }

  Status write(std::string_view line, std::string& problem) {
    std::string canonical;
    json::JsonError error;
    const Status parsed = json::value_from_json(line, canonical, error);
    if (parsed != Status::ok) {
      problem = "column " + std::to_string(error.column) + ": " + error.sentence;
      return parsed;
    }
    const crdt::Value row(as_bytes(canonical));
    const crdt::Value value = row["value"];
    const std::string_view key = row["key"].text_or({});
    if (key.empty() || !value.exists()) {
      problem = "a row is {\"key\": text, \"value\": what stands there}";
      return Status::invalid;
    }
    runtime::Call call;
    call.verb = runtime::Call::Verb::put;
    call.scope = {runtime::ScopeKind::key, map_, key};
    call.value = value.canonical();
    app_.call(who_.identity, who_.claims, call);
    if (call.status == Status::ok) last_ = app_.head();
    if (call.status != Status::ok) problem = app_.desk().problem();
    return call.status;
  }

  bool refuse(std::uint16_t status, const std::string& sentence) {
    answer = web_error(status, sentence);
    is_over_ = true;
    return true;
  }

  void finish() {
    std::string body = "{\"lines\":" + std::to_string(line_) + ",\"written\":" + std::to_string(written_) +
                       ",\"refused\":" + std::to_string(refused_) + ",\"problems\":[";
    for (const std::string& problem : problems_) {
      if (body.back() != '[') body += ',';
      json::append_json_text(body, problem);
    }
    const std::uint16_t status = refused_ == 0 ? 200 : 422;
    answer = HttpAnswer{.status = status, .content_type = "application/json", .body = body + "]}\n"};
    is_over_ = true;
  }

  AppHost& app_;
  const Admission who_;
  const std::string map_;
  const std::uint64_t skip_;  // Lines that were taken before.
  std::string rest_;          // What has come, and is not looked at.
  std::uint64_t line_ = 0;
  std::uint64_t written_ = 0;
  std::uint64_t refused_ = 0;
  std::vector<std::string> problems_;
  crdt::Seq last_ = 0;  // The arrival of the last row.
  bool is_ended_ = false;
  bool is_over_ = false;
};

}  // namespace

std::unique_ptr<RowWork> rows_to_send(AppHost& app, WebAsk&& ask, HttpAnswer& answer) {
  const bool is_export = ask.what == WebAsk::What::rows_of_export;
  const std::string wrong =
      is_export ? unknown(ask.query, {"after"}) : unknown(ask.query, {"where", "order", "limit", "after"});
  if (!wrong.empty() || crdt::check_map_name(ask.map) != Status::ok) {
    answer = web_error(400, wrong.empty() ? "a map has 1 to 64 of the characters A-Z a-z 0-9 _ . -" : wrong);
    return nullptr;
  }
  auto work = std::make_unique<RowsOut>(app, std::move(ask.who), std::move(ask.map));
  std::string problem;
  const Status status = work->begin(ask.query, is_export, problem);
  if (status == Status::ok) return work;
  answer = web_error(web_status(status), problem);
  if (status == Status::busy) answer.headers.emplace_back("retry-after", "1");
  return nullptr;
}

std::unique_ptr<RowWork> rows_to_take(AppHost& app, WebAsk&& ask, HttpAnswer& answer) {
  std::string wrong = unknown(ask.query, {"skip"});
  std::uint64_t skip = 0;
  const std::string* const lines = find(ask.query, "skip");
  if (lines != nullptr && !read_number(*lines, skip)) wrong = "skip is how many lines were taken before";
  if (wrong.empty() && crdt::check_map_name(ask.map) != Status::ok) wrong = "this is no name of a map";
  if (!wrong.empty()) {
    answer = web_error(400, wrong);
    return nullptr;
  }
  if (!app.may(ask.who.identity, ask.who.claims, Right::put)) {
    answer = web_error(403, "no grant to put anything in this app");
    return nullptr;
  }
  return std::make_unique<RowsIn>(app, std::move(ask.who), std::move(ask.map), skip);
}

}  // namespace grid::server
