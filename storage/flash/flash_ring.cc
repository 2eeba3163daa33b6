// SPDX-License-Identifier: Apache-2.0

#include "storage/flash/flash_ring.h"

#include <algorithm>

#include "crdt/hash.h"

namespace grid::storage::flash {

namespace {

constexpr std::uint32_t kCommitUnits = Head::kCommitBytes / kUnitBytes;
constexpr int kTriesMax = 4;  // Sectors that may fail under one record.

std::uint32_t low32(const crdt::Hash64& hash) { return static_cast<std::uint32_t>(hash.value()); }

// Several pieces as one run of bytes, with zeros behind it.
class Run {
 public:
  explicit Run(std::span<const Bytes> parts) : parts_(parts) {}

  void take(MutBytes to) {
    while (!to.empty() && index_ < parts_.size()) {
      const Bytes rest = parts_[index_].subspan(used_);
      const Bytes taken = rest.first(std::min(rest.size(), to.size()));
      to = copy(taken, to);
      used_ += taken.size();
      if (taken.size() < rest.size()) return;
      ++index_;
      used_ = 0;
    }
    std::fill(to.begin(), to.end(), std::uint8_t{0});
  }

 private:
  std::span<const Bytes> parts_;
  std::size_t index_ = 0;
  std::size_t used_ = 0;
};

}  // namespace

FlashRing::FlashRing(NorDevice& device, Arena& arena)
    : device_(device),
      count_(device.sector_count()),
      sector_bytes_(device.sector_bytes()),
      sectors_(arena.make<Sector>(count_)),
      order_(arena.make<std::uint16_t>(count_)),
      page_(arena.make<std::uint8_t>(NorDevice::kPageBytes)) {}

Status FlashRing::read(Address at, MutBytes to, std::size_t from) {
  const std::size_t left = std::size_t{base_of(sector_of(at) + 1) - at} * kUnitBytes;
  const std::size_t size = from < left ? std::min(left - from, to.size()) : 0;
  std::fill(to.begin() + static_cast<std::ptrdiff_t>(size), to.end(), std::uint8_t{0xff});
  if (size == 0) return Status::ok;
  return device_.read(at * kUnitBytes + static_cast<std::uint32_t>(from), to.first(size));
}

Status FlashRing::read_head(Address at, Head& out) {
  std::uint8_t bytes[Head::kBytesMax];
  GRID_TRY(read(at, bytes));
  if (!Head::read(bytes, out)) return Status::corrupt;
  return at + out.units <= base_of(sector_of(at) + 1) ? Status::ok : Status::corrupt;
}

Status FlashRing::check(Address at, Head& out) {
  GRID_TRY(read_head(at, out));
  crdt::Hash64 hash;
  std::uint32_t written = 0;
  for (std::uint32_t done = 0; done < out.units * kUnitBytes;) {
    const MutBytes chunk = page_.first(std::min<std::size_t>(page_.size(), out.units * kUnitBytes - done));
    GRID_TRY(device_.read(at * kUnitBytes + done, chunk));
    if (done == 0) written = static_cast<std::uint32_t>(load_le<4>(chunk.data()));
    hash.add(chunk.subspan(done == 0 ? kHashedFrom : 0));
    done += static_cast<std::uint32_t>(chunk.size());
  }
  return (low32(hash) ^ salt_of(out.kind, generation_at(at), at)) == written ? Status::ok : Status::corrupt;
}

Status FlashRing::next(Address& at, Address end, Head& out) {
  if (at >= end) return Status::not_found;
  const Address wanted = at;
  for (; at < end; ++at) {
    const Status status = check(at, out);
    if (status == Status::ok && at + out.units <= end) return at == wanted ? Status::ok : Status::corrupt;
    if (status != Status::corrupt && status != Status::ok) return status;
  }
  return Status::corrupt;
}

Result<bool> FlashRing::is_torn(std::size_t index) {
  if (index + 1 == size()) return false;
  Front front;
  GRID_TRY(read_front(order_[index + 1], front));
  return !front.has_opening || front.opening.previous_generation != generation_of(index);
}

Result<Address> FlashRing::end_of(std::size_t index) {
  if (index + 1 == size()) return end_;
  Front front;
  GRID_TRY(read_front(order_[index + 1], front));
  const Address end = base_of(order_[index]) + front.opening.previous_end;
  // A salvaged log has sectors whose successor tells of another.
  if (!front.has_opening || front.opening.previous_generation != generation_of(index)) {
    return base_of(order_[index] + 1u);
  }
  return end >= begin_of(index) && end <= base_of(order_[index] + 1u) ? Result<Address>(end) : Status::corrupt;
}

Result<Address> FlashRing::write(Head head, std::span<const Bytes> parts, std::uint32_t spare) {
  std::uint8_t bytes[Head::kBytesMax];
  head.write(bytes);
  Bytes all[8] = {Bytes(bytes, head.bytes())};
  GRID_CHECK(parts.size() < std::size(all));
  std::copy(parts.begin(), parts.end(), all + 1);
  const std::span<const Bytes> pieces(all, parts.size() + 1);
  crdt::Hash64 hash;
  std::size_t size = 0;
  for (const Bytes piece : pieces) {
    hash.add(piece.subspan(size == 0 ? kHashedFrom : 0));
    size += piece.size();
  }
  const std::uint8_t zeros[kUnitBytes] = {};
  hash.add({zeros, std::size_t{head.units} * kUnitBytes - size});

  Run run(pieces);
  const auto fill = [&](Address at, std::uint32_t done, MutBytes to) {
    if (done == 0) {
      run = Run(pieces);
      store_le<4>(low32(hash) ^ salt_of(head.kind, generation_at(at), at), bytes);
    }
    run.take(to);
    return Status::ok;
  };
  return place(head.units, head.kind == Kind::commit ? 0 : kCommitUnits, spare, fill);
}

Result<Address> FlashRing::move(Address from, Kind kind, std::uint32_t spare) {
  Head head;
  GRID_TRY(read_head(from, head));
  const std::uint32_t old_salt = salt_of(head.kind, generation_at(from), from);
  const auto fill = [&](Address at, std::uint32_t done, MutBytes to) {
    GRID_TRY(device_.read(from * kUnitBytes + done, to));
    if (done != 0) return Status::ok;
    store_le<4>(load_le<4>(to.data()) ^ old_salt ^ salt_of(kind, generation_at(at), at), to.data());
    to[4] = static_cast<std::uint8_t>(kind);
    return Status::ok;
  };
  return place(head.units, kCommitUnits, spare, fill);
}

template <typename Fill>
Result<Address> FlashRing::place(std::uint32_t units, std::uint32_t slack, std::uint32_t spare, Fill fill) {
  for (int tries = 0; tries < kTriesMax; ++tries) {
    GRID_TRY(make_room(units + slack, spare));
    Status status = Status::ok;
    for (std::uint32_t done = 0; done < units * kUnitBytes && status == Status::ok;) {
      const std::uint32_t offset = end_ * kUnitBytes + done;
      const std::uint32_t size =
          std::min(units * kUnitBytes - done, NorDevice::kPageBytes - offset % NorDevice::kPageBytes);
      status = fill(end_, done, page_.first(size));
      if (status != Status::ok) {
        is_closed_ = true;
        return status;
      }
      status = device_.program(offset, page_.first(size));
      done += size;
    }
    if (status == Status::ok) {
      end_ += units;
      return end_ - units;
    }
    fail(order_[size() - 1]);
    is_closed_ = true;
  }
  return Status::io;
}

Status FlashRing::make_room(std::uint32_t units, std::uint32_t spare) {
  if (!is_closed_ && end_ + units <= base_of(order_[size() - 1] + 1u)) return Status::ok;
  return open_next(spare);
}

Status FlashRing::open_next(std::uint32_t spare) {
  for (int tries = 0; available() > spare; ++tries) {
    if (tries == kTriesMax) return Status::io;
    const std::uint32_t sector = pick();
    if (sectors_[sector].state == State::dirty && erase(sector) != Status::ok) continue;
    Opening opening;
    opening.generation = ++last_generation_;
    if (size() != 0) {
      opening.previous_generation = generation_of(size() - 1);
      opening.previous_end = end_ - base_of(order_[size() - 1]);
    }
    std::uint8_t bytes[Opening::kBytes];
    opening.write(bytes);
    if (device_.program(sector * sector_bytes_ + Opening::kAt, bytes) != Status::ok) {
      fail(sector);
      continue;
    }
    sectors_[sector].state = State::log;
    sectors_[sector].generation = opening.generation;
    if (sectors_[sector].doubt != 0) sectors_[sector].doubt = kTried;
    GRID_CHECK(order_.push(static_cast<std::uint16_t>(sector)) == Status::ok);
    end_ = begin_of(size() - 1);
    is_closed_ = false;
    return Status::ok;
  }
  return Status::full;
}

// An erased sector before one that has to be erased; of these, the least worn.
std::uint32_t FlashRing::pick() const {
  std::uint32_t best = count_;
  const auto is_better = [](const Sector& a, const Sector& b) {
    return a.state != b.state ? a.state == State::free : a.erase_count < b.erase_count;
  };
  for (std::uint32_t i = 0; i < count_; ++i) {
    if (!is_usable(sectors_[i])) continue;
    if (best == count_ || is_better(sectors_[i], sectors_[best])) best = i;
  }
  GRID_CHECK(best != count_);
  return best;
}

Status FlashRing::erase(std::uint32_t sector) {
  Label label;
  label.sector_bytes = sector_bytes_;
  label.sector_count = count_;
  label.erase_count = ++sectors_[sector].erase_count;
  std::uint8_t bytes[Label::kBytes];
  label.write(bytes);
  bool is_blank = false;
  Status status = device_.erase(sector);
  if (status == Status::ok) status = is_blank_from(sector * sector_bytes_, is_blank);
  if (status == Status::ok && is_blank) status = device_.program(sector * sector_bytes_, bytes);
  if (status == Status::ok && is_blank) {
    sectors_[sector].state = State::free;
    return Status::ok;
  }
  fail(sector);
  return Status::io;
}

void FlashRing::fail(std::uint32_t sector) {
  Sector& failed = sectors_[sector];
  if (failed.doubt != 0) return set_bad(sector);
  failed.doubt = kRest;
  if (failed.state != State::log) failed.state = State::dirty;
}

void FlashRing::set_bad(std::uint32_t sector) {
  sectors_[sector].is_bad = true;
  if (sectors_[sector].state != State::log) sectors_[sector].state = State::retired;
}

bool FlashRing::is_usable(const Sector& sector) {
  return sector.state == State::free || (sector.state == State::dirty && sector.doubt <= 1);
}

void FlashRing::retire(std::uint32_t sector) {
  if (sector >= count_) return;
  set_bad(sector);
  sectors_[sector].is_recorded = true;
  if (size() != 0 && order_[size() - 1] == sector) is_closed_ = true;
}

void FlashRing::give_up(std::size_t count) {
  for (; count != 0; --count) {
    Sector& sector = sectors_[order_[0]];
    sector.state = sector.is_bad ? State::retired : State::dirty;
    if (sector.doubt == kTried) sector.doubt = 0;  // It went all right.
    order_.remove_at(0);
  }
}

void FlashRing::erase_ahead() {
  bool has_erased = false;
  for (std::uint32_t i = 0; i < count_; ++i) {
    Sector& sector = sectors_[i];
    if (sector.doubt > 1 && sector.doubt <= kRest) --sector.doubt;
    if (has_erased || sector.state != State::dirty || !is_usable(sector)) continue;
    static_cast<void>(erase(i));
    has_erased = true;
  }
}

std::uint32_t FlashRing::unrecorded() const {
  std::uint32_t i = 0;
  while (i < count_ && !(sectors_[i].is_bad && !sectors_[i].is_recorded)) ++i;
  return i;
}

void FlashRing::set_recorded(std::uint32_t sector) { sectors_[sector].is_recorded = true; }

std::uint32_t FlashRing::available() const {
  return static_cast<std::uint32_t>(std::count_if(sectors_.begin(), sectors_.end(), is_usable));
}

std::uint32_t FlashRing::good() const {
  return count_ - static_cast<std::uint32_t>(std::count_if(sectors_.begin(), sectors_.end(),
                                                           [](const Sector& sector) { return sector.is_bad; }));
}

std::uint32_t FlashRing::erases_max() const {
  std::uint32_t most = 0;
  for (const Sector& sector : sectors_) most = std::max(most, sector.erase_count);
  return most;
}

std::uint64_t FlashRing::erases_sum() const {
  std::uint64_t sum = 0;
  for (const Sector& sector : sectors_) sum += sector.erase_count;
  return sum;
}

}  // namespace grid::storage::flash
