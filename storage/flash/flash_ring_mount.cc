// SPDX-License-Identifier: Apache-2.0
//
// How a FlashRing finds its log again.

#include <algorithm>

#include "storage/flash/flash_ring.h"

namespace grid::storage::flash {

Status FlashRing::mount(Head& commit, bool salvage, Trouble& trouble) {
  bool is_ours = false;
  commit = {};
  GRID_TRY(read_fronts(is_ours, trouble));
  if (!is_ours) return judge_foreign(trouble);
  std::uint32_t sector = count_;
  GRID_TRY(find_commit(commit, sector, end_));
  if (sector == count_) {
    if (!salvage) GRID_TRY(judge_unborn(trouble));
  } else {
    GRID_TRY(follow(sector, commit.number, salvage, trouble));
    bool is_blank = false;
    if (end_ != base_of(sector + 1)) GRID_TRY(is_blank_from(end_ * kUnitBytes, is_blank));
    is_closed_ = !is_blank;
  }
  // What is not in the log, or was begun after its last commit, holds nothing.
  for (Sector& each : sectors_) {
    if (each.state == State::log) each.state = State::dirty;
  }
  for (const std::uint16_t each : order_) sectors_[each].state = State::log;
  return Status::ok;
}

Status FlashRing::read_front(std::uint32_t sector, Front& out) {
  std::uint8_t bytes[kRecordsAt];
  GRID_TRY(device_.read(sector * sector_bytes_, bytes));
  out.has_label = Label::read(bytes, out.label);
  out.has_opening = Opening::read(bytes + Opening::kAt, out.opening);
  return Status::ok;
}

Status FlashRing::read_fronts(bool& is_ours, Trouble& trouble) {
  std::uint32_t erases = 0;
  for (std::uint32_t i = 0; i < count_; ++i) {
    Front front;
    GRID_TRY(read_front(i, front));
    GRID_TRY(judge_front(i, front, trouble));
    is_ours = is_ours || front.has_label || front.has_opening;
    erases = std::max(erases, sectors_[i].erase_count);
    last_generation_ = std::max(last_generation_, sectors_[i].generation);
  }
  // One whose label was lost in an erase counts as worn as any.
  for (Sector& sector : sectors_) {
    if (sector.erase_count == 0) sector.erase_count = erases;
  }
  return Status::ok;
}

Status FlashRing::judge_front(std::uint32_t sector, const Front& front, Trouble& trouble) {
  Sector& out = sectors_[sector];
  if (front.has_label) {
    trouble.offset = std::uint64_t{sector} * sector_bytes_;
    if (front.label.format > Label::kFormat) {
      trouble.what = "of a later format is the sector";
      return Status::newer;
    }
    if (front.label.format != Label::kFormat) {
      trouble.what = "of no known format is the sector";
      return Status::corrupt;
    }
    if (front.label.sector_bytes != sector_bytes_ || front.label.sector_count != count_) {
      trouble.what = "made for a partition of another size is the sector";
      return Status::invalid;
    }
    out.erase_count = front.label.erase_count;
  }
  if (front.has_opening) {
    out.state = State::log;
    out.generation = front.opening.generation;
  } else if (front.has_label) {
    bool is_blank = false;
    GRID_TRY(is_blank_from(sector * sector_bytes_ + Opening::kAt, is_blank));
    out.state = is_blank ? State::free : State::dirty;
  }
  return Status::ok;
}

// No sector is labelled. It may become a store if there is nothing in it but what a first label left that was cut.
Status FlashRing::judge_foreign(Trouble& trouble) {
  for (std::uint32_t i = 0; i < count_; ++i) {
    Result<std::uint32_t> blank = blank_bytes(i * sector_bytes_ + Label::kBytes);
    GRID_TRY(blank.status());
    if (*blank + Label::kBytes == sector_bytes_) continue;
    trouble = {"no flash store, and not erased either: the byte",
               std::uint64_t{i} * sector_bytes_ + Label::kBytes + *blank};
    return Status::corrupt;
  }
  return Status::ok;
}

// A new log begins with a commit: without any, there is at most what was left of that one.
Status FlashRing::judge_unborn(Trouble& trouble) {
  constexpr std::uint32_t kFrom = kRecordsAt + Head::kCommitBytes;
  for (std::uint32_t i = 0; i < count_; ++i) {
    if (sectors_[i].generation == 0) continue;
    const Result<std::uint32_t> blank = blank_bytes(i * sector_bytes_ + kFrom);
    GRID_TRY(blank.status());
    if (kFrom + *blank == sector_bytes_) continue;
    trouble = {"no commit is left of the log; of it is the byte", std::uint64_t{i} * sector_bytes_ + kFrom + *blank};
    return Status::corrupt;
  }
  return Status::ok;
}

Status FlashRing::find_commit(Head& commit, std::uint32_t& sector, Address& end) {
  std::uint32_t below = last_generation_ + 1;
  for (;;) {
    const std::uint32_t candidate = newest_below(below);
    if (candidate == count_) return Status::ok;
    GRID_TRY(last_commit_in(candidate, commit, end));
    if (commit.units != 0) {
      sector = candidate;
      return Status::ok;
    }
    below = sectors_[candidate].generation;
  }
}

Status FlashRing::last_commit_in(std::uint32_t sector, Head& commit, Address& end) {
  Address at = base_of(sector) + kRecordsAt / kUnitBytes;
  const Address sector_end = base_of(sector + 1);
  for (Head head;;) {
    const Status status = next(at, sector_end, head);
    if (status == Status::not_found) return Status::ok;
    if (status == Status::corrupt) continue;
    GRID_TRY(status);
    at += head.units;
    if (head.kind != Kind::commit) continue;
    commit = head;
    end = at;
  }
}

// From the sector with the last commit back to the tail.
Status FlashRing::follow(std::uint32_t sector, std::uint32_t tail, bool salvage, Trouble& trouble) {
  for (;;) {
    GRID_TRY(order_.push(static_cast<std::uint16_t>(sector)));
    const std::uint32_t generation = sectors_[sector].generation;
    if (generation <= tail) break;
    Front front;
    GRID_TRY(read_front(sector, front));
    if (front.opening.previous_generation == 0) break;
    std::uint32_t previous = sector_with(front.opening.previous_generation);
    if (previous == count_ && salvage) {
      // Between the two may be what a cut left open.
      previous = newest_below(front.opening.previous_generation);
      if (previous == count_ || sectors_[previous].generation < tail) break;
    }
    if (previous == count_) {
      trouble = {"the sector before it is missing from the log: the sector", std::uint64_t{sector} * sector_bytes_};
      return Status::corrupt;
    }
    sector = previous;
  }
  std::reverse(order_.begin(), order_.end());
  return Status::ok;
}

std::uint32_t FlashRing::sector_with(std::uint32_t generation) const {
  std::uint32_t i = 0;
  while (i < count_ && (sectors_[i].generation != generation || generation == 0)) ++i;
  return i;
}

std::uint32_t FlashRing::newest_below(std::uint32_t generation) const {
  std::uint32_t best = count_;
  for (std::uint32_t i = 0; i < count_; ++i) {
    const std::uint32_t its = sectors_[i].generation;
    if (its != 0 && its < generation && (best == count_ || its > sectors_[best].generation)) best = i;
  }
  return best;
}

Result<std::uint32_t> FlashRing::blank_bytes(std::uint32_t offset) {
  std::uint32_t blank = 0;
  const std::uint32_t left = sector_bytes_ - offset % sector_bytes_;
  while (blank < left) {
    const MutBytes chunk = page_.first(std::min<std::size_t>(page_.size(), left - blank));
    GRID_TRY(device_.read(offset + blank, chunk));
    std::uint32_t size = 0;
    while (size < chunk.size() && chunk[size] == 0xff) ++size;
    blank += size;
    if (size < chunk.size()) break;
  }
  return blank;
}

Status FlashRing::is_blank_from(std::uint32_t offset, bool& is_blank) {
  is_blank = true;
  const Result<std::uint32_t> blank = blank_bytes(offset);
  GRID_TRY(blank.status());
  is_blank = *blank == sector_bytes_ - offset % sector_bytes_;
  return Status::ok;
}

}  // namespace grid::storage::flash
