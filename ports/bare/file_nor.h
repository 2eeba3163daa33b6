// SPDX-License-Identifier: Apache-2.0
//
// FileNor: a NOR flash of 4 KiB sectors in a file of the machine that the debugger runs on, which outlives the power.
//
// Place     Below bare_board.h, beside semihosting. The file is an image as it would be read out of a chip's partition.
// Promises  As nor_device.h, and stricter: what is programmed twice without an erase stops the machine. A unit is
//           written at a time, so a machine that is killed leaves torn programs and half erased sectors behind.
#pragma once

#include "storage/flash/nor_device.h"

namespace grid::bare {

class FileNor final : public storage::NorDevice {
 public:
  static constexpr std::uint32_t kSectorBytes = 4'096;

  // Makes the file, erased, when there is none; goes on with one that was being made when the machine was killed.
  //   io  The file can't be opened, or is not of `sectors` sectors and holds something: it is not written to.
  Status open(const char* path, std::uint32_t sectors);

  std::uint32_t sector_bytes() const override { return kSectorBytes; }
  std::uint32_t sector_count() const override { return sectors_; }
  Status read(std::uint32_t offset, MutBytes to) override;
  Status program(std::uint32_t offset, Bytes from) override;
  Status erase(std::uint32_t sector) override;

 private:
  Status write(std::uint32_t offset, Bytes from);
  Status check_erased(std::uint32_t bytes);

  int file_ = -1;
  std::uint32_t sectors_ = 0;
};

}  // namespace grid::bare
