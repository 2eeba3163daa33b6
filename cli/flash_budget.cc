// SPDX-License-Identifier: Apache-2.0
//
// flash budget: how many writes the flash of an image still stands, and how long that lasts.
//
// Assumed: each write has a commit of its own, all cells are written alike often, erases stay level, and a sector
// stands so many of them. Then what is still live in the oldest sector, and is moved, follows from how full the log is.
#include <algorithm>
#include <cmath>

#include "cli/image.h"

namespace grid::cli {
namespace {

namespace flash = storage::flash;

constexpr double kFullestLog = 0.95;

// What of a record's sector is still live when the log comes round to it, where the live ones are `fill` of the log:
// the f for which fill = (f - 1) / ln f.
double live_when_oldest(double fill) {
  double low = 0, high = 1;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2;
    ((middle - 1) / std::log(middle) < fill ? low : high) = middle;
  }
  return low;
}

struct Cells {
  std::uint64_t count = 0, name_bytes = 0, value_bytes = 0;
};

Cells cells_of(Image& image) {
  Cells cells;
  std::string map, key, sub;
  for (;;) {
    const Result<crdt::Op> op = image.store().next_cell({map, key, sub});
    if (op.status() == Status::not_found) return cells;
    image.require(op.status());
    map = op->cell.name.map, key = op->cell.name.key, sub = op->cell.name.sub;
    ++cells.count;
    cells.name_bytes += map.size() + key.size() + sub.size();
    cells.value_bytes += op->cell.value.size();
  }
}

std::uint64_t units_of(double bytes) { return static_cast<std::uint64_t>(std::ceil(bytes / flash::kUnitBytes)); }

}  // namespace

Exit flash_budget(const Context& context, const BudgetOptions& options) {
  if (!is_image(context))
    throw Failure(Exit::usage, "flash budget reads the image of a flash: say --target image:FILE");
  Image image(context);
  const Cells cells = cells_of(image);
  const double count = std::max<double>(1, static_cast<double>(cells.count));
  const double name_bytes = static_cast<double>(cells.name_bytes) / count;
  const double value_bytes = options.value_bytes != 0 ? static_cast<double>(options.value_bytes)
                                                      : static_cast<double>(cells.value_bytes) / count;
  const std::uint64_t write_bytes =
      units_of(flash::Head::kOpBytes + name_bytes + value_bytes) * flash::kUnitBytes + flash::Head::kCommitBytes;

  const std::vector<bool> retired = image.retired();
  const std::uint64_t payload_bytes = image.log().sector_bytes() - flash::kRecordsAt;
  const Wear wear = wear_of(image);
  std::uint64_t erases_left = 0, good = 0;
  for (std::size_t i = 0; i < retired.size(); ++i) {
    if (retired[i]) continue;
    const storage::ImageSector& sector = image.log().sectors()[i];
    const std::uint64_t erases = sector.has_label ? sector.label.erase_count : wear.erases_max;
    erases_left += options.erases_max - std::min(options.erases_max, erases);
    ++good;
  }
  // Compaction keeps some sectors free, and what is live lies in the others.
  const std::uint64_t aside = std::max<std::uint64_t>(6, retired.size() / 8);
  const double log_bytes = static_cast<double>((good > aside ? good - aside : 1) * payload_bytes);
  const double fill = std::min(kFullestLog, static_cast<double>(image.store().live_bytes()) / log_bytes);
  const double amplification = 1 / (1 - live_when_oldest(fill));
  const double writes = static_cast<double>(erases_left) * static_cast<double>(payload_bytes) /
                        (static_cast<double>(write_bytes) * amplification);
  Report report;
  report.count("erases_left", erases_left).count("erases_max", options.erases_max).decimal("fill", 100 * fill);
  report.count("bytes_per_write", write_bytes).decimal("amplification", amplification);
  report.count("writes_left", static_cast<std::uint64_t>(writes)).count("every_ms", options.every_ms);
  report.decimal("years", writes * static_cast<double>(options.every_ms) / 1'000 / (365.25 * 86'400));
  report.print(context.format);
  return Exit::ok;
}

}  // namespace grid::cli
