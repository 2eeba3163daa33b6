// SPDX-License-Identifier: Apache-2.0

#include "server/host/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace grid::server {

std::FILE* make_file(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  return descriptor < 0 ? nullptr : ::fdopen(descriptor, "wb");
}

Status fail_file(const std::string& path, const char* what, std::string& problem) {
  const int error = errno;
  problem = path + " " + what + ": " + std::strerror(error);
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) return Status::full;
  if (error == EACCES || error == EPERM || error == EROFS) return Status::denied;
  return error == ENOENT ? Status::not_found : Status::io;
}

Status sync_folder(const std::filesystem::path& path, std::string& problem) {
  const std::string folder = path.empty() ? "." : path.string();
  const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return fail_file(folder, "can't be opened", problem);
  const bool is_synced = ::fsync(directory) == 0 || errno == EINVAL;
  ::close(directory);
  return is_synced ? Status::ok : fail_file(folder, "can't be synced", problem);
}

}  // namespace grid::server
