// SPDX-License-Identifier: Apache-2.0

#include "storage/encrypted/key_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <system_error>

namespace grid::storage {

namespace {

constexpr std::string_view kCredential = "credential:";
constexpr mode_t kOfEverybody = S_IRWXO;
constexpr mode_t kChangedByOthers = S_IWGRP | S_IWOTH;

std::string text_of(int error) { return std::generic_category().message(error); }

// A file that is open, for as long as this lives.
struct File {
  explicit File(const std::string& path) : descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
  ~File() {
    if (descriptor >= 0) ::close(descriptor);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int descriptor;
};

Status path_of(const std::string& from, std::string& path, std::string& problem) {
  path = from;
  if (!from.starts_with(kCredential)) return Status::ok;
  const std::string name = from.substr(kCredential.size());
  const char* const directory = std::getenv("CREDENTIALS_DIRECTORY");
  if (name.empty() || name.find('/') != std::string::npos) {
    problem = "the name of the credential " + from + " is empty or has a / in it";
    return Status::invalid;
  }
  if (directory == nullptr || *directory == '\0') {
    problem = "there are no credentials ($CREDENTIALS_DIRECTORY is not set) to take " + from + " from";
    return Status::not_found;
  }
  path = std::string(directory) + "/" + name;
  return Status::ok;
}

Status check_mode(const File& file, const std::string& path, std::string& problem) {
  struct stat about {};
  if (::fstat(file.descriptor, &about) != 0) {
    problem = "the key file " + path + ": " + text_of(errno);
    return Status::io;
  }
  if (!S_ISREG(about.st_mode)) {
    problem = "the key file " + path + " is no regular file";
    return Status::invalid;
  }
  if ((about.st_mode & kOfEverybody) != 0 || (about.st_mode & kChangedByOthers) != 0) {
    problem = "the key file " + path +
              " can be read by everybody or changed by others: chmod 600 it, and take another " +
              "key if somebody may have read this one";
    return Status::denied;
  }
  return Status::ok;
}

Status read_all(const File& file, MutBytes to, std::size_t& size) {
  while (size < to.size()) {
    const ssize_t got = ::read(file.descriptor, to.data() + size, to.size() - size);
    if (got == 0) return Status::ok;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Status::io;
    size += static_cast<std::size_t>(got);
  }
  return Status::ok;
}

}  // namespace

Result<Key> read_key(const std::string& from, std::string& problem) {
  std::string path;
  GRID_TRY(path_of(from, path, problem));
  const File file(path);
  if (file.descriptor < 0) {
    const int error = errno;
    problem = "the key file " + path + ": " + text_of(error);
    if (error == ENOENT || error == ENOTDIR) return Status::not_found;
    return error == EACCES || error == EPERM ? Status::denied : Status::io;
  }
  GRID_TRY(check_mode(file, path, problem));
  std::uint8_t text[2 * Key::kBytes + 3];
  std::size_t size = 0;
  const Status status = read_all(file, text, size);
  if (status != Status::ok) problem = "the key file " + path + ": " + text_of(errno);
  Result<Key> key = status == Status::ok ? Key::parse({text, size}) : Result<Key>(status);
  wipe(text);
  if (key.status() == Status::invalid) {
    problem = "the key file " + path + " holds no key: it must have 32 random bytes, or 64 hexadecimal digits";
  }
  return key;
}

}  // namespace grid::storage
