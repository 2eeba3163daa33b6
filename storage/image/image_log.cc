// SPDX-License-Identifier: Apache-2.0

#include "storage/image/image_log.h"

#include <algorithm>
#include <map>

#include "crdt/hash.h"

namespace grid::storage {

using flash::Address;
using flash::Head;
using flash::kUnitBytes;

namespace {

constexpr std::uint32_t kSectorBytesMin = 4'096;  // And the steps in which sectors are looked for.

// Of an odd number, modulo 2^32; each step doubles the bits that are right.
std::uint32_t inverse_of(std::uint32_t odd) {
  std::uint32_t inverse = odd;
  for (int i = 0; i < 4; ++i) inverse *= 2 - odd * inverse;
  return inverse;
}

bool is_erased(Bytes bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte == 0xff; });
}

}  // namespace

std::optional<std::pair<std::uint64_t, flash::Label>> ImageLog::find_label(Bytes image) {
  for (std::size_t at = 0; at + flash::Label::kBytes <= image.size(); at += kSectorBytesMin) {
    flash::Label label;
    if (flash::Label::read(image.data() + at, label)) return {{at, label}};
  }
  return std::nullopt;
}

ImageLog::ImageLog(Bytes image, std::uint32_t sector_bytes) : image_(image), sector_bytes_(sector_bytes) {
  const auto count = static_cast<std::uint32_t>(image.size() / sector_bytes);
  for (std::uint32_t i = 0; i < count; ++i) sectors_.push_back(read_front(i));
  guess_generations();
  note_commits();
  find_commit();
  set_ends();
}

std::uint32_t ImageLog::sector_of(Address at) const { return at / (sector_bytes_ / kUnitBytes); }
Address ImageLog::begin_of(std::uint32_t sector) const {
  return sector * (sector_bytes_ / kUnitBytes) + flash::kRecordsAt / kUnitBytes;
}
Address ImageLog::end_of(std::uint32_t sector) const { return (sector + 1) * (sector_bytes_ / kUnitBytes); }

std::optional<std::uint64_t> ImageLog::programmed_in(Address from, Address to) const {
  const Bytes bytes = image_.subspan(std::size_t{from} * kUnitBytes, std::size_t{to - from} * kUnitBytes);
  const auto found = std::find_if(bytes.begin(), bytes.end(), [](std::uint8_t byte) { return byte != 0xff; });
  if (found == bytes.end()) return std::nullopt;
  return std::uint64_t{from} * kUnitBytes + static_cast<std::uint64_t>(found - bytes.begin());
}

ImageSector ImageLog::read_front(std::uint32_t sector) const {
  ImageSector out;
  const Bytes bytes = image_.subspan(std::size_t{sector} * sector_bytes_, sector_bytes_);
  out.has_label = flash::Label::read(bytes.data(), out.label);
  out.has_opening = flash::Opening::read(bytes.data() + flash::Opening::kAt, out.opening);
  out.is_blank = is_erased(bytes.subspan(flash::Label::kBytes));
  if (out.has_opening) out.generation = out.opening.generation;
  return out;
}

// A checksum is xor a salt, and that xor a multiple of the generation: so each record tells its own.
std::optional<std::pair<ImageRecord, std::uint32_t>> ImageLog::candidate_at(Address at, Address end) const {
  const Bytes rest = image_.subspan(std::size_t{at} * kUnitBytes, std::size_t{end - at} * kUnitBytes);
  std::uint8_t front[Head::kBytesMax];
  std::fill(std::begin(front), std::end(front), std::uint8_t{0xff});
  copy(rest.first(std::min<std::size_t>(rest.size(), sizeof(front))), front);
  ImageRecord record{at, {}, {}};
  if (!Head::read(front, record.head) || record.head.units > end - at) return std::nullopt;
  record.bytes = rest.first(std::size_t{record.head.units} * kUnitBytes);
  const auto hash = static_cast<std::uint32_t>(crdt::hash64(record.bytes.subspan(flash::kHashedFrom)));
  const std::uint32_t salt = static_cast<std::uint32_t>(load_le<4>(front)) ^ hash;
  const std::uint32_t bare = flash::salt_of(record.head.kind, 0, at);
  const std::uint32_t step = flash::salt_of(record.head.kind, 1, at) ^ bare;
  return {{record, (salt ^ bare) * inverse_of(step)}};
}

std::optional<ImageRecord> ImageLog::record_at(Address at, Address end) const {
  const auto candidate = candidate_at(at, end);
  if (!candidate || candidate->second != sectors_[sector_of(at)].generation) return std::nullopt;
  return candidate->first;
}

// What most of its records say. One that is younger than openings make likely needs a second.
std::uint32_t ImageLog::guess_generation(std::uint32_t sector, std::uint32_t newest) const {
  std::map<std::uint32_t, int> votes;
  for (Address at = begin_of(sector); at < end_of(sector);) {
    const auto candidate = candidate_at(at, end_of(sector));
    const bool is_likely = candidate && (++votes[candidate->second] > 1 || candidate->second <= newest);
    at += is_likely ? candidate->first.head.units : 1;
  }
  std::uint32_t best = 0;
  int most = 0;
  for (const auto& [generation, count] : votes) {
    if (generation == 0 || count <= most || (generation > newest && count < 2)) continue;
    best = generation;
    most = count;
  }
  return best;
}

void ImageLog::guess_generations() {
  const auto count = static_cast<std::uint32_t>(sectors_.size());
  std::uint32_t newest = 0;
  for (const ImageSector& sector : sectors_) newest = std::max(newest, sector.generation);
  const std::uint32_t bound = newest > ~std::uint32_t{0} - count ? newest : newest + count;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (sectors_[i].has_opening || sectors_[i].is_blank) continue;
    const std::uint32_t guess = guess_generation(i, bound);
    if (!sector_with(guess)) sectors_[i].generation = guess;
  }
}

std::optional<std::uint32_t> ImageLog::sector_with(std::uint32_t generation) const {
  for (std::uint32_t i = 0; generation != 0 && i < sectors_.size(); ++i) {
    if (sectors_[i].generation == generation) return i;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> ImageLog::newest_below(std::uint32_t generation) const {
  std::optional<std::uint32_t> best;
  for (std::uint32_t i = 0; i < sectors_.size(); ++i) {
    const std::uint32_t its = sectors_[i].generation;
    if (sectors_[i].has_commit && its < generation && (!best || its > sectors_[*best].generation)) best = i;
  }
  return best;
}

void ImageLog::note_commits() {
  for (std::uint32_t i = 0; i < sectors_.size(); ++i) {
    if (sectors_[i].generation == 0) continue;
    const auto note = [&](const ImageRecord& record) {
      if (record.head.kind == flash::Kind::commit) sectors_[i].has_commit = true;
    };
    walk(begin_of(i), end_of(i), note, [](Address, Address) {});
  }
}

void ImageLog::find_commit() {
  std::optional<std::uint32_t> newest;
  for (std::uint32_t i = 0; i < sectors_.size(); ++i) {
    const bool is_newer = !newest || sectors_[i].generation > sectors_[*newest].generation;
    if (sectors_[i].has_commit && is_newer) newest = i;
  }
  if (!newest) return;
  const auto note = [this](const ImageRecord& record) {
    if (record.head.kind != flash::Kind::commit) return;
    commit_ = record.head;
    commit_end_ = record.at + record.head.units;
  };
  walk(begin_of(*newest), end_of(*newest), note, [](Address, Address) {});
  follow(*newest);
}

// From the sector with the newest commit back to the tail. Where a link is missing, the log goes on in the sector
// before that has a commit: one without may be what a cut left, and no part of it.
void ImageLog::follow(std::uint32_t sector) {
  for (;;) {
    order_.push_back(sector);
    const ImageSector& here = sectors_[sector];
    if (here.generation <= commit_.number) break;
    const std::uint32_t wanted = here.has_opening ? here.opening.previous_generation : here.generation;
    if (wanted == 0) break;
    std::optional<std::uint32_t> previous = here.has_opening ? sector_with(wanted) : std::nullopt;
    if (!previous && here.has_opening) missing_.push_back({sector, wanted});
    if (!previous) previous = newest_below(wanted);
    if (!previous || sectors_[*previous].generation < commit_.number) break;
    sector = *previous;
  }
  std::reverse(order_.begin(), order_.end());
}

void ImageLog::set_ends() {
  for (std::size_t i = 0; i < order_.size(); ++i) {
    ImageSector& here = sectors_[order_[i]];
    here.is_in_log = true;
    here.end = commit_end_;
    if (i + 1 == order_.size()) break;
    const ImageSector& next = sectors_[order_[i + 1]];
    const bool is_told = next.has_opening && next.opening.previous_generation == here.generation;
    const Address begin = begin_of(order_[i]), end = end_of(order_[i]);
    const std::uint64_t told = begin - flash::kRecordsAt / kUnitBytes + std::uint64_t{next.opening.previous_end};
    if (is_told && told >= begin && told <= end) {
      here.end = static_cast<Address>(told);
      continue;
    }
    // Nobody says: as far as there are records.
    here.end = begin;
    walk(
        begin, end, [&](const ImageRecord& record) { here.end = record.at + record.head.units; },
        [](Address, Address) {});
  }
}

}  // namespace grid::storage
