// SPDX-License-Identifier: Apache-2.0
//
// NorImage: a flash partition that was read from a chip, as a device that can't be changed.
//
// Place     Lends bytes to a FlashStore; knows no file.
// Promises  The bytes stay as they are: programs and erases fail.
// Ownership The bytes are the caller's.
#pragma once

#include "storage/flash/nor_device.h"

namespace grid::storage {

class NorImage final : public NorDevice {
 public:
  // `bytes` are a whole number of sectors.
  NorImage(Bytes bytes, std::uint32_t sector_bytes) : bytes_(bytes), sector_bytes_(sector_bytes) {}

  std::uint32_t sector_bytes() const override { return sector_bytes_; }
  std::uint32_t sector_count() const override { return static_cast<std::uint32_t>(bytes_.size() / sector_bytes_); }
  Status read(std::uint32_t offset, MutBytes to) override {
    if (offset > bytes_.size() || to.size() > bytes_.size() - offset) return Status::io;
    copy(bytes_.subspan(offset, to.size()), to);
    return Status::ok;
  }
  Status program(std::uint32_t, Bytes) override { return Status::io; }
  Status erase(std::uint32_t) override { return Status::io; }

 private:
  Bytes bytes_;
  std::uint32_t sector_bytes_;
};

}  // namespace grid::storage
