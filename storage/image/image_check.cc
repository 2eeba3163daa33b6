// SPDX-License-Identifier: Apache-2.0

#include "storage/image/image_check.h"

#include <algorithm>
#include <charconv>

namespace grid::storage {

using flash::Address;
using flash::kUnitBytes;

namespace {

std::uint64_t offset_of(Address at) { return std::uint64_t{at} * kUnitBytes; }

std::string hex(std::uint64_t offset) {
  char digits[16];
  return "0x" + std::string(digits, std::to_chars(digits, digits + sizeof(digits), offset, 16).ptr);
}

class Inspector {
 public:
  explicit Inspector(const ImageLog& log) : log_(log) {}

  ImageCheck run() {
    for (std::uint32_t i = 0; i < log_.sectors().size(); ++i) check_sector(i);
    for (const MissingSector& missing : log_.missing()) name_missing(missing);
    if (log_.order().empty()) check_unborn();
    const auto by_offset = [](const Finding& a, const Finding& b) { return a.offset < b.offset; };
    std::stable_sort(result_.damage.begin(), result_.damage.end(), by_offset);
    std::stable_sort(result_.unsure.begin(), result_.unsure.end(), by_offset);
    return std::move(result_);
  }

 private:
  void damage(std::uint64_t offset, std::string what) { result_.damage.push_back({offset, std::move(what)}); }
  std::uint64_t base_of(std::uint32_t sector) const { return std::uint64_t{sector} * log_.sector_bytes(); }

  void check_sector(std::uint32_t sector) {
    const ImageSector& here = log_.sectors()[sector];
    if (here.has_label) check_label(sector, here.label);
    if (!here.is_in_log) return check_young(sector);
    if (!here.has_label) damage(base_of(sector), "the label of a sector of the log is damaged");
    if (!here.has_opening) {
      damage(base_of(sector) + flash::Opening::kAt, "the opening of a sector of the log is damaged");
    }
    check_records(sector, here.end);
    if (sector == log_.order().back()) check_rest(sector, here.end);
  }

  void check_label(std::uint32_t sector, const flash::Label& label) {
    if (label.format != flash::Label::kFormat) {
      damage(base_of(sector), "a label of format " + std::to_string(label.format) + " among those of format 1");
    } else if (label.sector_bytes != log_.sector_bytes() || label.sector_count != log_.sectors().size()) {
      damage(base_of(sector), "the label is of a partition of " + std::to_string(label.sector_count) + " sectors of " +
                                  std::to_string(label.sector_bytes) + " bytes");
    }
  }

  void check_records(std::uint32_t sector, Address end) {
    const auto gap = [&](Address from, Address to) {
      const bool goes_on = to != end;
      damage(offset_of(from), goes_on ? "a record is damaged; the next that is whole is at " + hex(offset_of(to))
                                      : "a record is damaged, and all behind it in its sector");
    };
    log_.walk(
        log_.begin_of(sector), end, [&](const ImageRecord&) { ++result_.records; }, gap);
  }

  void check_rest(std::uint32_t sector, Address end) {
    const std::optional<std::uint64_t> rest = log_.programmed_in(end, log_.end_of(sector));
    if (!rest) return;
    result_.unsure.push_back({*rest, "no commit closes what is here: a power cut's, or its commit is damaged"});
  }

  void check_young(std::uint32_t sector) {
    const ImageSector& here = log_.sectors()[sector];
    const bool is_young = !log_.order().empty() && here.generation > log_.sectors()[log_.order().back()].generation;
    if (!is_young || !log_.programmed_in(log_.begin_of(sector), log_.end_of(sector))) return;
    result_.unsure.push_back({base_of(sector), "no commit closes the sector: a power cut's, or its commit is damaged"});
  }

  // A sector of which nothing can be read is likely to be the one; otherwise the link to it is all that is known.
  void name_missing(const MissingSector& missing) {
    const auto is_lost = [](const ImageSector& sector) {
      return !sector.has_label && sector.generation == 0 && !sector.is_blank;
    };
    const auto& sectors = log_.sectors();
    if (std::count_if(sectors.begin(), sectors.end(), is_lost) == 1) {
      const auto lost =
          static_cast<std::uint32_t>(std::find_if(sectors.begin(), sectors.end(), is_lost) - sectors.begin());
      damage(base_of(lost), "nothing of the sector can be read, and the log lacks one");
    } else {
      damage(base_of(missing.successor) + flash::Opening::kAt,
             "the sector before this one is missing from the log: generation " + std::to_string(missing.generation));
    }
  }

  // A new log begins with a commit: without any, there is at most what a cut left of that one.
  void check_unborn() {
    for (std::uint32_t i = 0; i < log_.sectors().size(); ++i) {
      const Address from = log_.begin_of(i) + flash::Head::kCommitBytes / kUnitBytes;
      const std::optional<std::uint64_t> byte = log_.programmed_in(from, log_.end_of(i));
      if (byte) return damage(*byte, "this is here, but no commit of the log can be read");
    }
  }

  const ImageLog& log_;
  ImageCheck result_;
};

}  // namespace

ImageCheck check_image(const ImageLog& log) { return Inspector(log).run(); }

}  // namespace grid::storage
