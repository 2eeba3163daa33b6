// SPDX-License-Identifier: Apache-2.0
//
// FlashRing: a partition's sectors as one log that goes round: where the next record goes, and which sector is next to
// be given up.
//
// Place     Above flash_format.h, below flash_store.h. Knows records by their kind and length, not what they mean.
// Promises  Nothing is programmed where something may have been since the erase. A sector is erased only after a commit
//           that names a tail behind it. A sector that failed once rests, and is tried again later: the driver may have
//           been short of memory or time. One that fails then is not used again. There is always room left for a commit
//           in the sector that is written to.
// Ownership Memory is the arena's, the device the caller's.
#pragma once

#include "crdt/base/arena.h"
#include "storage/flash/flash_format.h"

namespace grid::storage::flash {

class FlashRing {
 public:
  FlashRing(NorDevice& device, Arena& arena);
  bool has_memory() const { return sectors_.size() == count_ && order_.capacity() == count_ && !page_.empty(); }
  static constexpr std::size_t memory_bytes(std::uint32_t sector_count) {
    return sector_count * (sizeof(Sector) + sizeof(std::uint16_t)) + NorDevice::kPageBytes + 64;
  }

  // Where something was wrong, for a sentence.
  struct Trouble {
    const char* what = nullptr;
    std::uint64_t offset = 0;
  };

  // Reads what is in every sector's front, and finds the log that the newest commit ends; `commit` is that one, or has
  // no units in a new log. With `salvage`, a link that is missing is passed over.
  //   corrupt  Not a log, or one with a link missing.
  //   invalid  A partition of another size.
  //   newer    Of a later format.
  //   io       The device failed.
  Status mount(Head& commit, bool salvage, Trouble& trouble);

  // The sectors of the log, oldest first; the last one is written to.
  std::size_t size() const { return order_.size(); }
  Address begin_of(std::size_t index) const { return base_of(order_[index]) + kRecordsAt / kUnitBytes; }
  //   corrupt, io  The next sector does not say.
  Result<Address> end_of(std::size_t index);
  std::uint32_t generation_of(std::size_t index) const { return sectors_[order_[index]].generation; }
  // In a salvaged log: whether the sector that came behind this one is missing.
  Result<bool> is_torn(std::size_t index);
  // The last commit in a sector of the log, and where it ends; no units: it has none.
  Status last_commit_of(std::size_t index, Head& commit, Address& end) {
    return last_commit_in(order_[index], commit, end);
  }

  // `from` bytes behind `at` on. Bounded by the sector; what lies behind it reads as erased.
  Status read(Address at, MutBytes to, std::size_t from = 0);
  // The record at `at`, without a look at its checksum.
  //   corrupt  None begins there.
  Status read_head(Address at, Head& out);
  // The same, and whether it is as it was written.
  Status check(Address at, Head& out);
  // The first whole record from `at` on and before `end`.
  //   not_found  `at` is `end`.
  //   corrupt    What is at `at` is not one; `at` is now where the next one is, or `end`.
  Status next(Address& at, Address end, Head& out);

  // Appends; `parts` follow the head. More than `spare` sectors stay free unless the record fits behind the last.
  //   full  There is no such sector.
  //   io    The device failed, here and in a few sectors after this one.
  Result<Address> write(Head head, std::span<const Bytes> parts, std::uint32_t spare);
  // Appends what is at `from`, as `kind`.
  Result<Address> move(Address from, Kind kind, std::uint32_t spare);

  // Sectors that are erased, or can be.
  std::uint32_t available() const;
  // Sectors that are not retired.
  std::uint32_t good() const;
  std::uint32_t payload_units() const { return (sector_bytes_ - kRecordsAt) / kUnitBytes; }
  std::uint32_t count() const { return count_; }
  std::uint32_t erases_max() const;
  std::uint64_t erases_sum() const;

  // The oldest `count` sectors are no more part of the log: a commit says so.
  void give_up(std::size_t count);
  // Erases one that can be, so that no append has to: an erase may take a chip a tenth of a second. Each call brings
  // those that rest nearer to their next try.
  void erase_ahead();

  // The first sector that failed and is not recorded as such yet; count() when there is none.
  std::uint32_t unrecorded() const;
  void set_recorded(std::uint32_t sector);
  bool is_retired(std::uint32_t sector) const { return sector < count_ && sectors_[sector].is_bad; }
  // A record says that `sector` failed once.
  void retire(std::uint32_t sector);

 private:
  enum class State : std::uint8_t { dirty, free, log, retired };
  static constexpr std::uint8_t kRest = 9;
  static constexpr std::uint8_t kTried = 255;
  struct Sector {
    std::uint32_t generation = 0;
    std::uint32_t erase_count = 0;
    State state = State::dirty;
    std::uint8_t doubt = 0;  // It failed once: the calls of erase_ahead() to rest for, and one; kTried: is used again.
    bool is_bad = false;
    bool is_recorded = false;
  };
  struct Front {
    bool has_label = false, has_opening = false;
    Label label;
    Opening opening;
  };

  Address base_of(std::uint32_t sector) const { return sector * (sector_bytes_ / kUnitBytes); }
  std::uint32_t sector_of(Address at) const { return at / (sector_bytes_ / kUnitBytes); }
  std::uint32_t generation_at(Address at) const { return sectors_[sector_of(at)].generation; }

  Status read_front(std::uint32_t sector, Front& out);
  Status read_fronts(bool& is_ours, Trouble& trouble);
  Status judge_front(std::uint32_t sector, const Front& front, Trouble& trouble);
  Status judge_foreign(Trouble& trouble);
  Status judge_unborn(Trouble& trouble);
  Status find_commit(Head& commit, std::uint32_t& sector, Address& end);
  Status last_commit_in(std::uint32_t sector, Head& commit, Address& end);
  Status follow(std::uint32_t sector, std::uint32_t tail, bool salvage, Trouble& trouble);
  std::uint32_t sector_with(std::uint32_t generation) const;
  std::uint32_t newest_below(std::uint32_t generation) const;
  // How many bytes from `offset` to the end of its sector are erased.
  Result<std::uint32_t> blank_bytes(std::uint32_t offset);
  Status is_blank_from(std::uint32_t offset, bool& is_blank);

  template <typename Fill>
  Result<Address> place(std::uint32_t units, std::uint32_t slack, std::uint32_t spare, Fill fill);
  Status make_room(std::uint32_t units, std::uint32_t spare);
  Status open_next(std::uint32_t spare);
  std::uint32_t pick() const;
  Status erase(std::uint32_t sector);
  void fail(std::uint32_t sector);
  void set_bad(std::uint32_t sector);
  static bool is_usable(const Sector& sector);

  NorDevice& device_;
  std::uint32_t count_;
  std::uint32_t sector_bytes_;
  std::span<Sector> sectors_;
  Vec<std::uint16_t> order_;
  MutBytes page_;
  Address end_ = 0;  // Where the next record goes.
  bool is_closed_ = true;
  std::uint32_t last_generation_ = 0;
};

}  // namespace grid::storage::flash
