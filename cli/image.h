// SPDX-License-Identifier: Apache-2.0
//
// Image: a flash partition that was dumped from a chip, as the target of a command that only reads.
//
// Place     Between the verbs and storage/image. Beside session.h: a verb has the one or the other.
// Promises  The file is read once and never written. What is wrong with it is a Failure that names it, with the offset.
// Ownership What scan() hands out stands until its callback returns.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/print.h"
#include "cli/verbs.h"
#include "storage/flash/flash_store.h"
#include "storage/image/image_log.h"
#include "storage/image/nor_image.h"

namespace grid::cli {

// Whether the context's target is `image:FILE`.
bool is_image(const Context& context);

class Image {
 public:
  // `strict`: all of the partition has to be there. Otherwise an image that was cut off reads as erased behind its end.
  enum class Judge : std::uint8_t { strict, lenient };
  explicit Image(const Context& context, Judge judge = Judge::strict);

  const std::string& file() const { return file_; }
  const storage::ImageLog& log() const { return *log_; }
  // Where a lenient image ends too early.
  const std::optional<storage::Finding>& cut_off() const { return cut_off_; }
  // Sectors that a record of the log retires, a flag each.
  std::vector<bool> retired() const;

  // Mounted at the first call.
  storage::FlashStore& store();
  // Absent when there is no live row. Stands until the next call.
  Value find(const std::string& map, const std::string& key);
  // Live rows of `map` whose keys begin with `prefix`, in key order. What has expired by this machine's clock isn't
  // live.
  void scan(const std::string& map, const std::string& prefix,
            const std::function<void(std::string_view key, const Value& value)>& row);
  // Local ops that the server hasn't made durable, in order.
  void each_pending(const std::function<void(const crdt::Op& op)>& visit);
  // The cell's value, checked.
  Value value_of(const crdt::Op& op) const;

  // On stderr, a line each: what is no failure.
  void tell(const std::vector<storage::Finding>& findings) const;
  // "FILE: sentence".
  Failure trouble(Exit exit, const std::string& sentence) const;
  // Throws what the store says, unless `status` is ok.
  void require(Status status);

 private:
  void judge_unlabelled(Judge judge);
  void judge_label(std::uint64_t at, const storage::flash::Label& label, Judge judge);
  void check_app(const Context& context);

  std::string file_;
  std::vector<std::uint8_t> bytes_;
  std::uint32_t sector_bytes_ = 4'096;
  std::string app_;
  std::optional<storage::Finding> cut_off_;
  std::optional<storage::ImageLog> log_;
  std::optional<storage::NorImage> device_;
  std::vector<std::uint8_t> memory_;
  std::optional<Arena> arena_;
  std::unique_ptr<storage::FlashStore> store_;
};

// How worn the flash was. Of erases only those that labels tell; a sector that lost its label to a power cut has none.
struct Wear {
  std::uint64_t sectors = 0, free = 0, retired = 0;
  std::uint64_t erases_min = 0, erases_max = 0;
  double erases_mean = 0;
};
Wear wear_of(const Image& image);

// status, on an image.
Exit status_of_image(const Context& context);

// "0x1230".
std::string offset_text(std::uint64_t offset);

}  // namespace grid::cli
