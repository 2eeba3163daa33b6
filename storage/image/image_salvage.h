// SPDX-License-Identifier: Apache-2.0
//
// salvage_image: every row that can still be read in an image, and what was passed over.
//
// Place     Above image_log.h. Needs no store that mounts.
// Promises  A row is as one commit left it, never half of a write. Where a newer record of it is damaged, an older one
//           that is still there comes instead.
#pragma once

#include "storage/image/image_log.h"

namespace grid::storage {

struct SalvagedRow {
  crdt::Op op;  // Views of the image.
  bool is_pending = false;
};

struct Salvage {
  std::vector<SalvagedRow> rows;  // Live ones, by name; expired ones too.
  std::vector<Finding> skipped;   // By offset.
  std::vector<Finding> unsure;    // As in ImageCheck; passed over too.
};

// Without a commit that can be read, all records count.
Salvage salvage_image(const ImageLog& log);

}  // namespace grid::storage
