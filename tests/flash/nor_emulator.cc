// SPDX-License-Identifier: Apache-2.0

#include "tests/flash/nor_emulator.h"

#include <algorithm>

namespace grid::test {

NorEmulator::NorEmulator(std::uint32_t sector_count, std::uint32_t sector_bytes)
    : sector_bytes_(sector_bytes),
      bytes_(std::size_t{sector_count} * sector_bytes, 0xff),
      is_programmed_(bytes_.size() / kUnitBytes),
      erases_(sector_count),
      is_worn_(sector_count) {}

Status NorEmulator::read(std::uint32_t offset, MutBytes to) {
  ++counts_.reads;
  counts_.bytes_read += to.size();
  if (std::uint64_t{offset} + to.size() > bytes_.size()) return violate("a read past the end", offset);
  if (is_cut_ || reads_fail_) return Status::io;
  std::copy_n(bytes_.begin() + offset, to.size(), to.begin());
  return Status::ok;
}

Status NorEmulator::program(std::uint32_t offset, Bytes from) {
  if (offset % kUnitBytes != 0 || from.size() % kUnitBytes != 0 || from.empty()) {
    return violate("a program that is not aligned", offset);
  }
  if (std::uint64_t{offset} + from.size() > bytes_.size()) return violate("a program past the end", offset);
  if (offset / kPageBytes != (offset + from.size() - 1) / kPageBytes) return violate("a program across pages", offset);
  if (is_cut_ || changes_fail_) return Status::io;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (is_programmed_[(offset + i) / kUnitBytes]) return violate("a second program", offset + i);
    if (bytes_[offset + i] != 0xff) return violate("a program on bytes that are not erased", offset + i);
  }
  ++counts_.programs;
  counts_.bytes_programmed += from.size();
  const Fate fate = fate_of(offset / sector_bytes_);
  if (fate == Fate::lost_cut) return Status::io;
  if (fate == Fate::partial_cut || fate == Fate::partial_failure) {
    program_partly(offset, from);
    return Status::io;
  }
  std::copy(from.begin(), from.end(), bytes_.begin() + offset);
  for (std::size_t i = 0; i < from.size(); ++i) is_programmed_[(offset + i) / kUnitBytes] = true;
  return fate == Fate::whole ? Status::ok : Status::io;
}

Status NorEmulator::erase(std::uint32_t sector) {
  if (sector >= sector_count()) return violate("an erase past the end", sector);
  if (is_cut_ || changes_fail_) return Status::io;
  ++counts_.erases;
  ++erases_[sector];
  const Fate fate = fate_of(sector);
  if (fate == Fate::lost_cut) return Status::io;
  if (fate == Fate::partial_cut || fate == Fate::partial_failure) {
    erase_partly(sector);
    return Status::io;
  }
  const std::size_t begin = std::size_t{sector} * sector_bytes_;
  std::fill_n(bytes_.begin() + static_cast<std::ptrdiff_t>(begin), sector_bytes_, std::uint8_t{0xff});
  for (std::size_t i = 0; i < sector_bytes_ / kUnitBytes; ++i) is_programmed_[begin / kUnitBytes + i] = false;
  return fate == Fate::whole ? Status::ok : Status::io;
}

NorEmulator::Fate NorEmulator::fate_of(std::uint32_t sector) {
  const bool cuts = cut_in_ != kNever && cut_in_-- == 0;
  const bool fails = fail_in_ != kNever && fail_in_-- == 0;
  if (cuts) {
    cut_in_ = kNever;
    is_cut_ = true;
    if (tear_ == Tear::within) return Fate::partial_cut;
    return tear_ == Tear::before ? Fate::lost_cut : Fate::whole_cut;
  }
  if (fails) {
    fail_in_ = kNever;
    has_failed_ = true;
    if (wears_) is_worn_[sector] = true;
  }
  return fails || is_worn_[sector] ? Fate::partial_failure : Fate::whole;
}

// A whole prefix, and then a unit in which only some of the bits have gone to 0.
void NorEmulator::program_partly(std::uint32_t offset, Bytes from) {
  const std::size_t prefix = dice_() % (from.size() + 1);
  std::copy_n(from.begin(), prefix, bytes_.begin() + offset);
  const std::size_t torn_end = std::min(from.size(), (prefix / kUnitBytes + 1) * kUnitBytes);
  for (std::size_t i = prefix; i < torn_end; ++i) {
    bytes_[offset + i] = static_cast<std::uint8_t>(from[i] | (dice_() & 0xff));
  }
  for (std::size_t i = 0; i < torn_end; ++i) is_programmed_[(offset + i) / kUnitBytes] = true;
}

// A part is erased, a part is not, and between them some of the bits are.
void NorEmulator::erase_partly(std::uint32_t sector) {
  const std::size_t begin = std::size_t{sector} * sector_bytes_;
  const bool from_front = dice_() % 2 == 0;
  const std::size_t erased = dice_() % (sector_bytes_ + 1), mixed = dice_() % 64;
  for (std::size_t i = 0; i < sector_bytes_; ++i) {
    std::uint8_t& byte = bytes_[begin + (from_front ? i : sector_bytes_ - 1 - i)];
    if (i < erased) {
      byte = 0xff;
    } else if (i < erased + mixed) {
      byte = static_cast<std::uint8_t>(byte | (dice_() & 0xff));
    }
  }
  for (std::size_t i = 0; i < sector_bytes_ / kUnitBytes; ++i) is_programmed_[begin / kUnitBytes + i] = true;
}

void NorEmulator::cut_at(std::uint64_t call, Tear tear, std::uint64_t seed) {
  cut_in_ = call;
  tear_ = tear;
  dice_.seed(seed);
}

void NorEmulator::power_on() {
  is_cut_ = false;
  cut_in_ = kNever;
}

void NorEmulator::fail_at(std::uint64_t call, bool is_worn, std::uint64_t seed) {
  fail_in_ = call;
  wears_ = is_worn;
  has_failed_ = false;
  dice_.seed(seed);
}

void NorEmulator::rot(std::uint32_t offset, int bit) {
  bytes_[offset] = static_cast<std::uint8_t>(bytes_[offset] ^ (1 << bit));
}

void NorEmulator::load(std::vector<std::uint8_t> bytes) {
  bytes_ = std::move(bytes);
  for (std::size_t i = 0; i < bytes_.size(); ++i) {
    if (i % kUnitBytes == 0) is_programmed_[i / kUnitBytes] = false;
    if (bytes_[i] != 0xff) is_programmed_[i / kUnitBytes] = true;
  }
}

Status NorEmulator::violate(const char* what, std::uint64_t offset) {
  if (violation_.empty()) violation_ = std::string(what) + " at " + std::to_string(offset);
  return Status::io;
}

}  // namespace grid::test
