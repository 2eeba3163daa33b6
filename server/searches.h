// SPDX-License-Identifier: Apache-2.0
//
// Searches: what the links of one app search for, who watches, and whose turn it is.
//
// Place     Beside channels.h, below coordinator.h. Knows no index: the host runs one search at a time (SearchWork),
//           on a thread of its own, and brings back the frame that answers it.
// Promises  Each ask is answered once; a watch again whenever its hits have changed, or what they show, but for their
//           ranks, which every new row moves. Links take turns. A link that does not read costs nothing further: its
//           watch is not run again before the last answer is gone.
//           BND-1  Everything has a limit in SearchOptions.
// Threads   None: the caller's.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "runtime/action_list.h"
#include "transport/wire_search.h"

namespace grid::server {

struct SearchOptions {
  std::vector<std::string> maps{};  // That have an index, 32 at most. None: there is no search.
  std::uint32_t asks_max = 32;      // of one link
  std::uint32_t all_asks_max = 256;
  std::uint32_t reply_bytes_max = 65'536;
  std::uint32_t limit = 20;          // Of who asks for none.
  std::uint32_t watch_ms_min = 250;  // From one search of a watch to the next.
};

// What the host is to look for. Its answer is a frame of `reply_bytes_max` at most, for the ask `id`.
struct SearchWork {
  std::uint32_t id = 0;
  std::string map;
  std::string match;  // In FTS5's language.
  std::uint32_t limit = 0;
  double after_rank = 0;
  std::string after_key;
  std::uint64_t known_ms = 0;  // Rows that have expired by then are none; 0: the time is not known.
  std::uint64_t head = 0;      // Arrivals there were by now.
  std::uint32_t reply_bytes_max = 0;
};

// What Searches knows of one link; whoever has the link keeps it.
class SearchLink {
 public:
  bool wants_write() const { return replies_due_ > 0; }

 private:
  friend class Searches;
  struct Ask {
    std::uint32_t id = 0;
    std::uint64_t serial = 0;  // Tells it from one that had its id before.
    std::size_t map = 0;
    SearchWork work{};
    bool watch = false;
    bool due = true;
    bool was_answered = false;
    std::uint64_t answer = 0;         // A hash of the last one.
    std::uint64_t not_before_ms = 0;  // On the scale of Event::now_ms.
    std::uint64_t expires_ms = runtime::kNever;
    std::vector<std::uint8_t> reply{};  // That is yet to be sent; empty: none.
  };

  runtime::LinkId id_ = 0;
  std::vector<Ask> asks_;
  std::size_t replies_due_ = 0;
};

class Searches {
 public:
  explicit Searches(const SearchOptions& options) : options_(options) {}

  bool is_on() const { return !options_.maps.empty(); }
  // `link` stays where it is until link_down().
  void link_up(SearchLink& link, runtime::LinkId id);
  void link_down(SearchLink& link);
  // Takes an ask of a link whose frames are `frame_bytes_max` at most.
  //   corrupt, too_large  It breaks a rule of the wire.
  //   full                The device asks and asks, and does not read.
  // Where `denied` is not empty, that is all the answer.
  Status receive(SearchLink& link, const wire::SearchAsk& ask, std::uint32_t frame_bytes_max,
                 std::string_view denied = {});
  // The next answer; empty: there is none after all.
  Bytes write(SearchLink& link, MutBytes room);

  // Gives the host something to look for, if it is idle and something is due. `head`: arrivals so far.
  void advance(std::uint64_t now_ms, std::uint64_t wall_ms, std::uint64_t head, runtime::ActionList& actions);
  // Of the action `search`.
  const SearchWork& work() const { return work_; }
  // Its answer, a search_reply.
  void searched(Bytes frame, std::uint64_t now_ms);
  // The indexes of these maps have changed, a bit for each.
  void indexed(std::uint64_t maps);
  std::uint64_t wake_at_ms() const { return is_busy_ ? runtime::kNever : look_at_ms_; }

  std::size_t ask_count() const { return ask_count_; }

 private:
  using Ask = SearchLink::Ask;

  Status take(const wire::SearchAsk& asked, std::uint32_t frame_bytes_max, Ask& ask, std::string& reason) const;
  void refuse(SearchLink& link, Ask& ask, Status status, std::string_view reason);
  void erase(SearchLink& link, std::uint32_t id);
  bool is_due(Ask& ask, std::uint64_t now_ms, std::uint64_t wall_ms);
  bool run_next_of(SearchLink& link, std::uint64_t now_ms, std::uint64_t wall_ms, std::uint64_t head);
  void set_reply(SearchLink& link, Ask& ask, Bytes frame);

  const SearchOptions options_;
  std::map<runtime::LinkId, SearchLink*> links_;
  std::size_t ask_count_ = 0;
  std::uint64_t last_serial_ = 0;
  SearchWork work_;
  bool is_busy_ = false;
  runtime::LinkId running_link_ = 0;  // Whose turn it was last,
  std::uint64_t running_ = 0;         // and with which ask.
  std::uint64_t look_at_ms_ = runtime::kNever;
};

}  // namespace grid::server
