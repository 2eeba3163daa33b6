// SPDX-License-Identifier: Apache-2.0
//
// check_image: whether an image holds all that its log says.
//
// Place     Above image_log.h.
#pragma once

#include "storage/image/image_log.h"

namespace grid::storage {

struct ImageCheck {
  std::vector<Finding> damage;  // By offset.
  std::vector<Finding> unsure;  // What a power cut leaves, and damage can look like. By offset.
  std::uint64_t records = 0;    // Of the log, all whole.
};

ImageCheck check_image(const ImageLog& log);

}  // namespace grid::storage
