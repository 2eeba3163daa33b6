// SPDX-License-Identifier: Apache-2.0
//
// SearchGuest: what a device asks of its server's search, and who is told; beside its channels on one link.
//
// Place     Guest of a replica's link (runtime/link_guest.h), above transport/wire_search.h; runtime/grid/search.h is
//           what users see of it. For machines that have a heap.
// Promises  What is asked is asked again on each new link until it is answered, or for as long as it watches.
//           BND-1  At most kAsksMax at a time.
// Ownership Borrows the other guest for life.
// Threads   None: the caller's.
#pragma once

#include <deque>
#include <vector>

#include "runtime/grid/search.h"
#include "runtime/link_guest.h"

namespace grid::runtime {

class SearchGuest final : public LinkGuest {
 public:
  static constexpr std::size_t kAsksMax = 32;

  // `channels` shares the link.
  explicit SearchGuest(LinkGuest& channels) : channels_(channels) {}

  //   invalid, too_large  A name or the text breaks a rule of the wire.
  //   full                kAsksMax.
  Status ask(const SearchQuery& query, SearchCallback callback, std::uint32_t& id);
  void end(std::uint32_t id);

  void welcomed(const Welcomed& welcomed, std::uint64_t now_ms, Problem& problem) override;
  void link_down() override;
  Status receive(Bytes frame, Problem& problem) override;
  bool take_news() override;
  void deliver(Bytes frame) override;
  bool wants_write(std::uint64_t now_ms) const override;
  Bytes write(MutBytes room, std::uint64_t now_ms) override;
  std::uint64_t wake_at_ms() const override { return channels_.wake_at_ms(); }
  Status perform(ChannelCall& call, Problem& problem) override { return channels_.perform(call, problem); }
  void tell(ReplicaStatus& status) const override { channels_.tell(status); }

 private:
  struct Ask {
    std::uint32_t id;
    std::vector<std::uint8_t> frame;
    SearchCallback callback;
    bool watch;
    bool due = true;
  };

  bool is_search_due() const;
  Bytes write_search(MutBytes room);
  void answer(Bytes frame);
  void refuse_all();

  LinkGuest& channels_;
  std::deque<Ask> asks_;
  std::vector<std::uint32_t> ended_;  // That the server of this link is to be told of.
  std::uint32_t last_id_ = 0;
  bool is_live_ = false;     // The link is up, and its server has a search;
  bool is_lacking_ = false;  // or it has none.
  bool has_news_ = false;
  bool was_search_ = false;  // What the last frame was.
};

}  // namespace grid::runtime
