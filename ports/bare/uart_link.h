// SPDX-License-Identifier: Apache-2.0
//
// UartLink: the machine's serial line as a ByteLink. Each board has its own: uart_link.cc in its folder.
//
// Place     Below grid/bare_inspection.h. Knows no frames.
// Promises  As byte_link.h; the line is never down. What has come, and room for what could not go, end a rest() once:
//           read() and write() ask for that anew.
// Limits    115,200 baud, eight bits, no flow control. What nobody listens to is lost.
#pragma once

#include "transport/byte_link.h"

namespace grid::bare {

class UartLink final : public transport::ByteLink {
 public:
  void open();

  Result<std::size_t> read(MutBytes room) override;
  Result<std::size_t> write(Bytes bytes) override;
  void close() override {}
};

}  // namespace grid::bare
