// SPDX-License-Identifier: Apache-2.0
//
// LoneBoard: a machine that has a flash in its memory and no network: for what a device does by itself.
//
// Place     Beside fixed_store.h. Its chance is none.
#pragma once

#include <cstring>

#include "ports/chip/board.h"

namespace grid::mcu {

class LoneBoard final : public port::Board {
 public:
  static constexpr std::uint32_t kSectors = 16;

  std::uint64_t monotonic_ms() override { return now_ms_; }
  std::uint64_t wall_ms() override { return 0; }
  void entropy(MutBytes out) override {
    for (std::uint8_t& byte : out) byte = ++drawn_;
  }
  storage::NorDevice* flash(std::string_view) override { return &flash_; }
  Status connect(const port::ServerAddress&) override { return Status::io; }
  transport::ByteLink& link() override { return link_; }
  const char* link_problem() const override { return ""; }
  void wait(std::uint64_t ms_max) override { now_ms_ += ms_max; }

 private:
  class Flash final : public storage::NorDevice {
   public:
    Flash() { std::memset(bytes_, 0xff, sizeof(bytes_)); }
    std::uint32_t sector_bytes() const override { return kSectorBytes; }
    std::uint32_t sector_count() const override { return kSectors; }
    Status read(std::uint32_t offset, MutBytes to) override {
      copy({bytes_ + offset, to.size()}, to);
      return Status::ok;
    }
    Status program(std::uint32_t offset, Bytes from) override {
      for (std::size_t i = 0; i < from.size(); ++i) bytes_[offset + i] &= from[i];
      return Status::ok;
    }
    Status erase(std::uint32_t sector) override {
      std::memset(bytes_ + sector * kSectorBytes, 0xff, kSectorBytes);
      return Status::ok;
    }

   private:
    static constexpr std::uint32_t kSectorBytes = 4'096;
    std::uint8_t bytes_[kSectors * kSectorBytes];
  };
  class NoLink final : public transport::ByteLink {
   public:
    Result<std::size_t> read(MutBytes) override { return Status::io; }
    Result<std::size_t> write(Bytes) override { return Status::io; }
    void close() override {}
  };

  Flash flash_;
  NoLink link_;
  std::uint64_t now_ms_ = 0;
  std::uint8_t drawn_ = 0;
};

}  // namespace grid::mcu
