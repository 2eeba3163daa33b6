// SPDX-License-Identifier: Apache-2.0
//
// TemporaryDirectory: a new directory, gone with its object. Not for a local across an assert: those leave by longjmp.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>

#include "crdt/base/check.h"

namespace grid::test {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    path_ = std::filesystem::temp_directory_path() / "grid-test-XXXXXX";
    GRID_CHECK(mkdtemp(path_.data()) != nullptr);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace grid::test
