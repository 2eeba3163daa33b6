// SPDX-License-Identifier: Apache-2.0
//
// The embedding API's search: asks the server's full-text index, where it has one. Nothing of it is kept here, and
// without a link there is no answer.
//
// Place     Beside grid/grid.h, for who searches.
// Promises  As grid.h. A search that watches is told again whenever its answer changes, and asked anew after each
//           reconnect.
// Ownership A Search belongs to you and ends with its scope. What is found stands until the callback returns.
//
// docs/search.md tells what can be asked, and what an answer knows.
#pragma once

#include "runtime/grid/grid.h"
#include "transport/wire_search.h"

namespace grid {

struct SearchQuery {
  std::string_view map{};
  std::string_view text{};   // What somebody typed: words, "phrases", prefix*, -word.
  std::uint32_t limit = 0;   // 0: as the server likes.
  double after_rank = 0;     // Of the last hit of the page before,
  std::string_view after{};  // and its key.
  bool watch = false;
};

using Hit = wire::SearchHit;

struct Found {
  //   ok         The hits are the answer.
  //   not_found  The map has no search there, or the server has none.
  //   invalid, too_large  The text says nothing to look for; `reason` names the column.
  //   full, busy, corrupt, io  The server could not search just now.
  Status status = Status::ok;
  std::string_view reason{};
  std::uint64_t through = 0;   // Arrivals at the server that the answer knows of,
  std::uint64_t head = 0;      // of so many.
  std::uint64_t building = 0;  // 0: the index stands. Else it is being built, and hits are missing.
  bool more = false;           // There are hits behind the last.
  wire::SearchReplyReader reader{};

  // Calls `visit(const Hit&)` for each, the best first.
  template <typename Visit>
  void each(Visit visit) const {
    wire::SearchReplyReader hits = reader;
    for (Hit hit; hits.next(hit);) visit(hit);
  }
};

class Search {
 public:
  Search() = default;
  Search(Driver& driver, const SearchQuery& query, SearchCallback callback)
      : driver_(&driver), status_(driver.search(query, callback, id_)) {}
  Search(Search&& other) noexcept { *this = std::move(other); }
  Search& operator=(Search&& other) noexcept {
    std::swap(driver_, other.driver_);
    std::swap(status_, other.status_);
    std::swap(id_, other.id_);
    return *this;
  }
  Search(const Search&) = delete;
  Search& operator=(const Search&) = delete;
  ~Search() {
    if (driver_ != nullptr && status_ == Status::ok) driver_->end_search(id_);
  }

  //   invalid, too_large  The map or the text breaks a rule of names, or this machine can't search.
  //   full                There are as many as there may be.
  Status status() const { return status_; }

 private:
  Driver* driver_ = nullptr;
  std::uint32_t id_ = 0;
  Status status_ = Status::invalid;
};

// Search search = search_for(*node, {.map = "notes", .text = "oslo"}, [](const Found& found) { ... });
inline Search search_for(Node& node, const SearchQuery& query, SearchCallback callback) {
  return {node.driver(), query, callback};
}

}  // namespace grid
