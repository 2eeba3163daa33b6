// SPDX-License-Identifier: Apache-2.0
//
// A disk that falls ill under a real program: preloaded into it, this fails its syncs and writes when a file says so.
//
// GRID_SICK_DISK in the environment names that file. While it is there, its first word is what happens to files whose
// path has its second word in it: `sync` fails fsync() and fdatasync() with EIO, once; `write` does so to writes;
// `full` fails writes that make a file longer with ENOSPC, for as long as it says so. After a failure that happens once
// the file holds `done`.

#include <dlfcn.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

template <typename Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

bool is_of(int file, const char* part) {
  char link[64], path[1'024];
  std::snprintf(link, sizeof(link), "/proc/self/fd/%d", file);
  const ssize_t size = readlink(link, path, sizeof(path) - 1);
  if (size <= 0) return false;
  path[size] = '\0';
  return std::strstr(path, part) != nullptr;
}

bool is_beyond_end(int file, off_t end) {
  struct stat about {};
  return fstat(file, &about) == 0 && end > about.st_size;
}

// What is wrong with `file` now, if `call` is what that concerns: an errno, or 0. A write would end at `end`.
int trouble_of(int file, const char* call, off_t end) {
  const char* orders = std::getenv("GRID_SICK_DISK");
  std::FILE* order = orders == nullptr ? nullptr : std::fopen(orders, "re");
  if (order == nullptr) return 0;
  char what[16] = {}, where[256] = {};
  const bool is_given = std::fscanf(order, "%15s %255s", what, where) == 2;
  std::fclose(order);
  if (!is_given || !is_of(file, where)) return 0;
  if (std::strcmp(what, "full") == 0) return is_beyond_end(file, end) ? ENOSPC : 0;
  static std::atomic_flag is_done = ATOMIC_FLAG_INIT;
  if (std::strcmp(what, call) != 0 || is_done.test_and_set()) return 0;
  if (std::FILE* answer = std::fopen(orders, "we")) {
    std::fputs("done\n", answer);
    std::fclose(answer);
  }
  return EIO;
}

int sync_file(int file, const char* name) {
  const int trouble = trouble_of(file, "sync", 0);
  if (trouble == 0) return next<int (*)(int)>(name)(file);
  errno = trouble;
  return -1;
}

}  // namespace

extern "C" {

int fsync(int file) { return sync_file(file, "fsync"); }

int fdatasync(int file) { return sync_file(file, "fdatasync"); }

ssize_t pwrite(int file, const void* bytes, size_t size, off_t at) {
  static const auto kReal = next<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
  const int trouble = trouble_of(file, "write", at + static_cast<off_t>(size));
  if (trouble == 0) return kReal(file, bytes, size, at);
  errno = trouble;
  return -1;
}

ssize_t pwrite64(int file, const void* bytes, size_t size, off64_t at) { return pwrite(file, bytes, size, at); }

ssize_t writev(int file, const iovec* pieces, int count) {
  static const auto kReal = next<ssize_t (*)(int, const iovec*, int)>("writev");
  off_t end = lseek(file, 0, SEEK_CUR);
  for (int i = 0; i < count; ++i) end += static_cast<off_t>(pieces[i].iov_len);
  const int trouble = trouble_of(file, "write", end);
  if (trouble == 0) return kReal(file, pieces, count);
  errno = trouble;
  return -1;
}

}  // extern "C"
