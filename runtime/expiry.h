// SPDX-License-Identifier: Apache-2.0
//
// Expiry: knows which rows expire next, so that watches hear of it when they do. A reader of the log, as a watch is; it
// remembers the few that are next, and reads the log once more when those have passed.
//
// Place     Below housekeeping.h, above storage/store.h and watches.h.
// Promises  Every row that expires is reported to each watch of it, at the first step at which the replica knows that
//           the moment has come. At least once: after a change of the clock perhaps again.
// Limits    As many rows as it was given entries; a step looks at kLooksMax records.
#pragma once

#include <compare>
#include <span>

#include "runtime/action_list.h"
#include "runtime/upkeep.h"
#include "runtime/watches.h"
#include "storage/store.h"

namespace grid::runtime {

class Expiry {
 public:
  struct Entry {
    std::uint64_t expires_ms = 0;
    storage::Seq seq = 0;
    auto operator<=>(const Entry&) const = default;
  };
  // More entries cost fewer readings of the log. At least one; borrowed for life.
  explicit Expiry(std::span<Entry> room) : room_(room) {}

  //   As Upkeep::advance().
  Status advance(const Upkeep::Wards& wards);
  bool has_work() const { return has_work_; }
  // kNever: nothing expires, or nobody watches.
  std::uint64_t wake_at_ms() const { return wake_at_ms_; }

 private:
  static constexpr std::uint32_t kLooksMax = 256;
  static constexpr std::uint64_t kPatienceMs = 60'000;
  static constexpr Entry kLast{~std::uint64_t{0}, ~storage::Seq{0}};

  void follow(const Upkeep::Wards& wards);
  void read_anew();
  void offer(const Entry& entry);
  bool is_due(std::uint64_t known_ms) const { return size_ != 0 && room_[size_ - 1].expires_ms <= known_ms; }
  Status read(storage::Store& store);
  Status report(const Upkeep::Wards& wards);

  std::span<Entry> room_;
  std::size_t size_ = 0;   // Of them, the next to expire last: of what is read so far, all
  Entry after_{};          // behind this
  Entry through_ = kLast;  // and up to that.
  storage::Seq read_ = 0;
  std::uint32_t told_ = 0;  // The last watch that knows of the next.
  bool begun_ = false;
  bool was_correcting_ = false;
  std::uint64_t corrected_at_ms_ = 0;
  std::int64_t skew_ms_ = 0;  // The time less the machine's, as it was.
  bool has_work_ = true;
  std::uint64_t wake_at_ms_ = kNever;
};

}  // namespace grid::runtime
