// SPDX-License-Identifier: Apache-2.0
//
// BareBoard: a bare machine as a Board: its clock, its chance, a flash in a file, and TCP over its network card.
//
// Place     Above what each board has in a folder of its own; grid/bare.h makes it a host.
#pragma once

#include "ports/bare/file_nor.h"
#include "ports/bare/tcp_link.h"
#include "ports/chip/board.h"

namespace grid::bare {

class BareBoard : public port::Board {
 public:
  static constexpr std::uint32_t kSectors = 64;

  std::uint64_t monotonic_ms() override;
  // A chip has no clock that runs while it is off; where the emulator lends its own, that is left alone.
  std::uint64_t wall_ms() override { return 0; }
  void entropy(MutBytes out) override;
  // `store` is the path of the image; it is made when there is none.
  storage::NorDevice* flash(std::string_view store) override;
  Status connect(const port::ServerAddress& server) override;
  transport::ByteLink& link() override { return link_; }
  const char* link_problem() const override { return link_.problem(); }
  void wait(std::uint64_t ms_max) override;

 private:
  FileNor flash_;
  TcpLink link_;
  bool has_network_ = false;
};

}  // namespace grid::bare
