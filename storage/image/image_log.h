// SPDX-License-Identifier: Apache-2.0
//
// ImageLog: the log that lies in an image of a flash partition, found in spite of damage.
//
// Place     Beside storage/flash, of which it shares the bytes (flash_format.h) and nothing else: what looks for
//           damage does not trust the code that is damaged by it. Knows no file.
// Promises  Whatever the bytes are, it ends. What it calls a record is as it was written.
// Ownership The bytes are the caller's, and all that is handed out are views of them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "storage/flash/flash_format.h"

namespace grid::storage {

// Something in an image, and where it begins.
struct Finding {
  std::uint64_t offset = 0;
  std::string what;
};

struct ImageSector {
  flash::Label label;
  flash::Opening opening;
  bool has_label = false;
  bool has_opening = false;
  bool is_blank = false;  // Behind where a label is.
  bool has_commit = false;
  bool is_in_log = false;
  std::uint32_t generation = 0;  // Of its opening; without one, what its records were written under.
  flash::Address end = 0;        // Where the log goes on in another sector, or ends.

  bool is_free() const { return has_label && is_blank; }
};

struct ImageRecord {
  flash::Address at = 0;
  flash::Head head;
  Bytes bytes;
};

// A link of the log that leads nowhere.
struct MissingSector {
  std::uint32_t successor = 0;   // A sector's number.
  std::uint32_t generation = 0;  // Of the one before it.
};

class ImageLog {
 public:
  // `image` is a whole number of sectors.
  ImageLog(Bytes image, std::uint32_t sector_bytes);

  // The first label in `image` that is whole, and where; wherever a sector can begin.
  static std::optional<std::pair<std::uint64_t, flash::Label>> find_label(Bytes image);

  Bytes bytes() const { return image_; }
  std::uint32_t sector_bytes() const { return sector_bytes_; }
  const std::vector<ImageSector>& sectors() const { return sectors_; }
  // The sectors of the log, oldest first; none when no commit can be read.
  const std::vector<std::uint32_t>& order() const { return order_; }
  // The newest commit; its units are 0 when none can be read.
  const flash::Head& commit() const { return commit_; }
  const std::vector<MissingSector>& missing() const { return missing_; }
  flash::Address begin_of(std::uint32_t sector) const;
  flash::Address end_of(std::uint32_t sector) const;
  // The first byte in [from, to) that isn't erased, if there is one.
  std::optional<std::uint64_t> programmed_in(flash::Address from, flash::Address to) const;

  // Goes through [from, to) of one sector: `record(const ImageRecord&)` for each that is whole and of the sector's
  // generation, `gap(from, to)` for what lies between.
  template <typename Record, typename Gap>
  void walk(flash::Address from, flash::Address to, Record record, Gap gap) const {
    flash::Address gap_at = from;
    for (flash::Address at = from; at < to;) {
      const std::optional<ImageRecord> found = record_at(at, to);
      if (!found) {
        ++at;
        continue;
      }
      if (gap_at != at) gap(gap_at, at);
      record(*found);
      gap_at = at += found->head.units;
    }
    if (gap_at < to) gap(gap_at, to);
  }

 private:
  std::uint32_t sector_of(flash::Address at) const;
  // What begins at `at` and ends by `end`, if it were a record, with the generation that its checksum is right for.
  std::optional<std::pair<ImageRecord, std::uint32_t>> candidate_at(flash::Address at, flash::Address end) const;
  std::optional<ImageRecord> record_at(flash::Address at, flash::Address end) const;
  ImageSector read_front(std::uint32_t sector) const;
  std::uint32_t guess_generation(std::uint32_t sector, std::uint32_t newest) const;
  void guess_generations();
  void note_commits();
  void find_commit();
  void follow(std::uint32_t sector);
  void set_ends();
  std::optional<std::uint32_t> sector_with(std::uint32_t generation) const;
  // The newest sector with a commit whose generation is less.
  std::optional<std::uint32_t> newest_below(std::uint32_t generation) const;

  Bytes image_;
  std::uint32_t sector_bytes_;
  std::vector<ImageSector> sectors_;
  std::vector<std::uint32_t> order_;
  std::vector<MissingSector> missing_;
  flash::Head commit_;
  flash::Address commit_end_ = 0;
};

}  // namespace grid::storage
