// SPDX-License-Identifier: Apache-2.0

#include "ports/bare/file_nor.h"

#include <algorithm>
#include <cstring>

#include "crdt/base/check.h"
#include "ports/bare/semihosting.h"

namespace grid::bare {
namespace {

constexpr std::uint8_t kErased = 0xff;

}  // namespace

Status FileNor::open(const char* path, std::uint32_t sectors) {
  file_ = sys_semihost_open(path, SH_OPEN_R_PLUS_B);
  if (file_ < 0) file_ = sys_semihost_open(path, SH_OPEN_W_PLUS_B);
  if (file_ < 0) return Status::io;
  const std::uintptr_t bytes = sys_semihost_flen(file_);
  const std::uintptr_t whole = std::uintptr_t{sectors} * kSectorBytes;
  if (bytes > whole) return Status::io;
  if (bytes < whole) GRID_TRY(check_erased(static_cast<std::uint32_t>(bytes)));
  for (std::uint32_t i = static_cast<std::uint32_t>(bytes) / kSectorBytes; i < sectors; ++i) GRID_TRY(erase(i));
  sectors_ = sectors;
  return Status::ok;
}

// Whoever was killed while making the file left nothing else in it.
Status FileNor::check_erased(std::uint32_t bytes) {
  std::uint8_t page[kPageBytes];
  for (std::uint32_t at = 0; at < bytes; at += kPageBytes) {
    const MutBytes piece = MutBytes(page).first(std::min(kPageBytes, bytes - at));
    GRID_TRY(read(at, piece));
    if (std::any_of(piece.begin(), piece.end(), [](std::uint8_t byte) { return byte != kErased; })) return Status::io;
  }
  return Status::ok;
}

// Semihosting counts what was left undone.
Status FileNor::read(std::uint32_t offset, MutBytes to) {
  if (sys_semihost_seek(file_, offset) != 0) return Status::io;
  return sys_semihost_read(file_, to.data(), to.size()) == 0 ? Status::ok : Status::io;
}

Status FileNor::write(std::uint32_t offset, Bytes from) {
  if (sys_semihost_seek(file_, offset) != 0) return Status::io;
  return sys_semihost_write(file_, from.data(), from.size()) == 0 ? Status::ok : Status::io;
}

Status FileNor::program(std::uint32_t offset, Bytes from) {
  GRID_CHECK(offset % kUnitBytes == 0 && from.size() % kUnitBytes == 0);
  GRID_CHECK(offset / kPageBytes == (offset + from.size() - 1) / kPageBytes);
  std::uint8_t before[kPageBytes];
  GRID_TRY(read(offset, MutBytes(before).first(from.size())));
  for (std::size_t i = 0; i < from.size(); ++i) GRID_CHECK(before[i] == kErased);
  for (std::uint32_t i = 0; i < from.size(); i += kUnitBytes) {
    GRID_TRY(write(offset + i, from.subspan(i, kUnitBytes)));
  }
  return Status::ok;
}

Status FileNor::erase(std::uint32_t sector) {
  std::uint8_t page[kPageBytes];
  std::memset(page, kErased, sizeof(page));
  for (std::uint32_t i = 0; i < kSectorBytes; i += kPageBytes) GRID_TRY(write(sector * kSectorBytes + i, page));
  return Status::ok;
}

}  // namespace grid::bare
