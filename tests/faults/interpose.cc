// SPDX-License-Identifier: Apache-2.0
//
// The calls that change files, as this whole program makes them: those on a platter's files go by it, others straight
// on. Nothing is really synced while there is a platter, which is what makes sweeps quick.

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "tests/faults/platter.h"

namespace {

using grid::test::Platter;

template <typename Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}

std::string name_of(int file) {
  const Platter* platter = Platter::current();
  return platter == nullptr ? std::string() : platter->name_of(file);
}

ssize_t real_pwrite(int file, const void* bytes, size_t size, off_t at) {
  static const auto kReal = next<ssize_t (*)(int, const void*, size_t, off_t)>("pwrite");
  return kReal(file, bytes, size, at);
}

ssize_t write_at(const std::string& name, int file, const void* bytes, size_t size, off_t at) {
  Platter& platter = *Platter::current();
  const auto place = static_cast<std::size_t>(at);
  const bool is_synced = (fcntl(file, F_GETFL) & O_DSYNC) != 0;
  const long allowed = platter.allow(name, place, size, is_synced);
  if (allowed < 0) return -1;
  const ssize_t done = real_pwrite(file, bytes, static_cast<size_t>(allowed), at);
  if (done <= 0) return done;
  platter.written(name, place, {static_cast<const std::uint8_t*>(bytes), static_cast<std::size_t>(done)}, is_synced);
  return done;
}

// At the file's own position, which moves on.
ssize_t write_on(const std::string& name, int file, const void* bytes, size_t size) {
  const ssize_t done = write_at(name, file, bytes, size, lseek(file, 0, SEEK_CUR));
  if (done > 0) lseek(file, done, SEEK_CUR);
  return done;
}

int sync_file(int file, const char* call) {
  if (Platter::current() == nullptr) return next<int (*)(int)>(call)(file);
  const std::string name = name_of(file);
  if (name.empty()) return 0;
  struct stat about {};
  fstat(file, &about);
  return Platter::current()->sync(name, S_ISDIR(about.st_mode));
}

}  // namespace

extern "C" {

ssize_t pwrite(int file, const void* bytes, size_t size, off_t at) {
  const std::string name = name_of(file);
  return name.empty() ? real_pwrite(file, bytes, size, at) : write_at(name, file, bytes, size, at);
}

ssize_t pwrite64(int file, const void* bytes, size_t size, off64_t at) { return pwrite(file, bytes, size, at); }

ssize_t write(int file, const void* bytes, size_t size) {
  static const auto kReal = next<ssize_t (*)(int, const void*, size_t)>("write");
  const std::string name = name_of(file);
  return name.empty() ? kReal(file, bytes, size) : write_on(name, file, bytes, size);
}

ssize_t writev(int file, const iovec* pieces, int count) {
  static const auto kReal = next<ssize_t (*)(int, const iovec*, int)>("writev");
  const std::string name = name_of(file);
  if (name.empty()) return kReal(file, pieces, count);
  std::string bytes;
  for (int i = 0; i < count; ++i) bytes.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
  return write_on(name, file, bytes.data(), bytes.size());
}

int fsync(int file) { return sync_file(file, "fsync"); }

int fdatasync(int file) { return sync_file(file, "fdatasync"); }

int ftruncate(int file, off_t size) {
  static const auto kReal = next<int (*)(int, off_t)>("ftruncate");
  const std::string name = name_of(file);
  if (name.empty()) return kReal(file, size);
  Platter& platter = *Platter::current();
  if (platter.allow_resize(name, static_cast<std::size_t>(size)) != 0) return -1;
  const int error = kReal(file, size);
  if (error == 0) platter.resized(name, static_cast<std::size_t>(size));
  return error;
}

int ftruncate64(int file, off64_t size) { return ftruncate(file, size); }

int rename(const char* from, const char* to) {
  static const auto kReal = next<int (*)(const char*, const char*)>("rename");
  Platter* platter = Platter::current();
  const std::string before = platter == nullptr ? std::string() : platter->name_of(from);
  const int error = kReal(from, to);
  if (error == 0 && !before.empty()) platter->renamed(before, platter->name_of(to));
  return error;
}

int unlink(const char* path) {
  static const auto kReal = next<int (*)(const char*)>("unlink");
  Platter* platter = Platter::current();
  const std::string name = platter == nullptr ? std::string() : platter->name_of(path);
  const int error = kReal(path);
  if (error == 0 && !name.empty()) platter->removed(name);
  return error;
}

int statvfs(const char* path, struct statvfs* about) {
  static const auto kReal = next<int (*)(const char*, struct statvfs*)>("statvfs");
  const Platter* platter = Platter::current();
  const int error = kReal(path, about);
  if (platter != nullptr && platter->is_full()) about->f_bavail = 0;
  return error;
}

}  // extern "C"
