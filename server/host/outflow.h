// SPDX-License-Identifier: Apache-2.0
//
// Outflow: which link of an app may be given a frame now, so that a slow one holds few of them.
//
// Place     Below app_host.h. Pure: numbers of links, no frame.
// Promises  BND-1  A link has at most kBatches batches under way that its socket has not taken, each of kBatchFrames
//                  frames and of kBatchBytes and one frame. The rest stays a position in the journal (decision 0004).
//           Links take turns, a frame each.
// Threads   None: the caller's.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>

#include "runtime/machine.h"

namespace grid::server {

class Outflow {
 public:
  static constexpr std::uint8_t kBatches = 2;
  static constexpr std::uint8_t kBatchFrames = 16;
  static constexpr std::size_t kBatchBytes = 32'768;

  void open(runtime::LinkId link) { flows_.try_emplace(link); }
  void close(runtime::LinkId link) { flows_.erase(link); }

  // The link has something to say. One that is not open is ignored, here and below.
  void want(runtime::LinkId link);
  // A link that has, and may; it is no more expected to.
  std::optional<runtime::LinkId> next();
  bool has_next() const { return !ready_.empty(); }
  // It was given a frame. True: that ends a batch, and taken() is to be told when the socket has it.
  bool sent(runtime::LinkId link, std::size_t bytes);
  // The socket has a whole batch more.
  void taken(runtime::LinkId link);

 private:
  struct Flow {
    std::uint32_t bytes = 0;   // Of the batch that is being filled,
    std::uint8_t frames = 0;   // likewise.
    std::uint8_t batches = 0;  // Full ones that the socket has not taken.
    bool wants = false;
    bool is_ready = false;  // It stands in ready_.
  };

  void make_ready(runtime::LinkId link, Flow& flow);

  std::unordered_map<runtime::LinkId, Flow> flows_;
  std::deque<runtime::LinkId> ready_;  // Some may be closed by now.
};

}  // namespace grid::server
