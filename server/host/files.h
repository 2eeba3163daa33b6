// SPDX-License-Identifier: Apache-2.0
//
// Files as backup and restore need them: made for their owner only, and durable by name too.
#pragma once

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "crdt/base/status.h"

namespace grid::server {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

// Null: errno says why. Whatever was there is gone.
std::FILE* make_file(const std::string& path);

// Says what became of `path` and why, as errno has it: full, denied, not_found or io.
Status fail_file(const std::string& path, const char* what, std::string& problem);

// So that the names in it are there after a power cut. Empty: the working directory.
Status sync_folder(const std::filesystem::path& path, std::string& problem);

}  // namespace grid::server
