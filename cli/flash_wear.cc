// SPDX-License-Identifier: Apache-2.0
//
// flash wear: each sector of an image, how often it was erased, and what it is used for.
#include "cli/image.h"

namespace grid::cli {
namespace {

const char* use_of(const storage::ImageSector& sector, bool is_retired) {
  if (is_retired) return "retired";
  if (sector.is_in_log) return "log";
  return sector.is_free() ? "free" : "to be erased";
}

}  // namespace

Exit flash_wear(const Context& context) {
  if (!is_image(context)) throw Failure(Exit::usage, "flash wear reads the image of a flash: say --target image:FILE");
  const Image image(context);
  const std::vector<bool> retired = image.retired();
  std::vector<Report> reports;
  for (std::size_t i = 0; i < retired.size(); ++i) {
    const storage::ImageSector& sector = image.log().sectors()[i];
    Report report;
    report.count("sector", i).text("offset", offset_text(i * image.log().sector_bytes()));
    sector.has_label ? report.count("erases", sector.label.erase_count) : report.nothing("erases");
    reports.push_back(report.text("use", use_of(sector, retired[i])));
  }
  print_all(reports, context.format);
  return Exit::ok;
}

}  // namespace grid::cli
