// SPDX-License-Identifier: Apache-2.0
//
// flash check: goes through every sector and record of an image, and names the first damage.
#include "cli/image.h"
#include "storage/image/image_check.h"

namespace grid::cli {

Exit flash_check(const Context& context) {
  if (!is_image(context)) throw Failure(Exit::usage, "flash check reads the image of a flash: say --target image:FILE");
  Image image(context);
  const storage::ImageCheck found = storage::check_image(image.log());
  const bool is_whole = found.damage.empty();
  Report report;
  report.truth("ok", is_whole).count("sectors", image.log().sectors().size()).count("records", found.records);
  report.count("damaged", found.damage.size());
  is_whole ? report.nothing("offset") : report.text("offset", offset_text(found.damage.front().offset));
  is_whole ? report.nothing("what") : report.text("what", found.damage.front().what);
  if (is_whole) image.store();  // It mounts, or says what is against it.
  report.print(context.format);
  if (is_whole) {
    image.tell(found.unsure);
    return Exit::ok;
  }
  throw image.trouble(Exit::failure,
                      "offset " + offset_text(found.damage.front().offset) + ": " + found.damage.front().what);
}

}  // namespace grid::cli
