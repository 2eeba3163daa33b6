// SPDX-License-Identifier: Apache-2.0

#include "server/host/search_worker.h"

#include <algorithm>

#include "crdt/value.h"
#include "server/search_text.h"

namespace grid::server {

namespace {

using storage::SearchAnswer;

// A piece as people are to read it: between two items of a list stands a comma.
std::string shown(std::string_view piece) {
  constexpr std::string_view kBreak = kItemBreak;
  std::string text;
  for (std::size_t at = 0; at < piece.size();) {
    if (!piece.substr(at).starts_with(kBreak)) {
      text += piece[at++];
      continue;
    }
    if (text.ends_with(' ')) text.pop_back();
    text += ',';
    at += kBreak.size();
  }
  return text;
}

// By turns outside and inside of a match.
void write_pieces(std::string_view excerpt, crdt::ValueWriter& out) {
  constexpr char kMarks[] = {SearchAnswer::kBegin, SearchAnswer::kEnd};
  out.begin_list();
  for (std::size_t turn = 0;; ++turn) {
    const std::size_t size = excerpt.find(kMarks[turn % 2]);
    out.text(shown(excerpt.substr(0, size)));
    if (size == std::string_view::npos) break;
    excerpt.remove_prefix(size + 1);
  }
  out.end_list();
}

// Empty: there is nothing to show, or too much of it.
Bytes highlights_of(const std::vector<std::string>& fields, const std::vector<std::string>& excerpts, MutBytes room) {
  crdt::ValueWriter out(room);
  out.begin_record();
  for (std::size_t i = 0; i < excerpts.size(); ++i) {
    if (excerpts[i].empty()) continue;
    out.field(fields[i]);
    write_pieces(excerpts[i], out);
  }
  out.end_record();
  const Result<Bytes> value = out.finish();
  return value.ok() ? *value : Bytes{};
}

}  // namespace

SearchWorker::SearchWorker(uv_loop_t* loop, std::unique_ptr<storage::SqliteSearchReader> reader,
                           const storage::SearchConfig& config, Callback callback, void* owner)
    : reader_(std::move(reader)), config_(config), callback_(callback), owner_(owner) {
  wake_.get()->data = this;
  uv_async_init(loop, wake_.get(), [](uv_async_t* async) { static_cast<SearchWorker*>(async->data)->on_done(); });
  thread_ = std::thread([this] { run(); });
}

SearchWorker::~SearchWorker() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wanted_.notify_one();
  thread_.join();
}

void SearchWorker::submit(const SearchWork& work) {
  {
    const std::lock_guard lock(mutex_);
    work_ = work;
    has_work_ = true;
  }
  wanted_.notify_one();
}

void SearchWorker::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wanted_.wait(lock, [this] { return has_work_ || stopping_; });
    if (stopping_) return;
    const SearchWork work = work_;
    has_work_ = false;
    lock.unlock();
    Done done = search(work);
    lock.lock();
    done_ = std::move(done);
    uv_async_send(wake_.get());
  }
}

SearchWorker::Done SearchWorker::search(const SearchWork& work) {
  SearchAnswer answer;
  const Status status = reader_->ask({.map = work.map,
                                      .match = work.match,
                                      .limit = work.limit,
                                      .after_rank = work.after_rank,
                                      .after_key = work.after_key,
                                      .known_ms = work.known_ms,
                                      .bytes_max = work.reply_bytes_max},
                                     answer);
  if (status == Status::ok) return {encode(work, answer)};
  const bool is_broken = status == Status::corrupt;
  const std::string reason = is_broken ? "the index of map " + work.map + " is damaged, and is built anew: ask again"
                                       : std::string(reader_->problem());
  std::vector<std::uint8_t> room(wire::SearchReplyWriter::kHeadBytesMax);
  wire::SearchReplyWriter writer({.id = work.id, .status = status, .reason = reason, .head = work.head}, room);
  room.resize(writer.finish(false).size());
  return {std::move(room), is_broken ? work.map : std::string()};
}

// What finds no room is left for the next page.
std::vector<std::uint8_t> SearchWorker::encode(const SearchWork& work, const SearchAnswer& answer) const {
  const auto map = std::find_if(config_.maps.begin(), config_.maps.end(),
                                [&work](const storage::SearchedMap& one) { return one.map == work.map; });
  std::vector<std::uint8_t> room(work.reply_bytes_max), scratch(work.reply_bytes_max);
  wire::SearchReplyWriter writer(
      {.id = work.id, .through = answer.mark.through, .head = work.head, .building = answer.building}, room);
  bool more = answer.more;
  bool is_first = true;
  for (const storage::SearchFound& found : answer.hits) {
    wire::SearchHit hit{found.key, found.stamp, found.rank, found.expires_ms,
                        highlights_of(map->fields, found.excerpts, scratch)};
    bool fits = writer.add(hit);
    // One that never fits goes without its highlights.
    if (!fits && is_first) {
      hit.highlights = {};
      fits = writer.add(hit);
    }
    if (!fits) {
      more = true;
      break;
    }
    is_first = false;
  }
  room.resize(writer.finish(more).size());
  return room;
}

void SearchWorker::on_done() {
  Done done;
  {
    const std::lock_guard lock(mutex_);
    done = std::move(done_);
  }
  if (!done.frame.empty()) callback_(owner_, done);
}

}  // namespace grid::server
