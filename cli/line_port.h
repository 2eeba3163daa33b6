// SPDX-License-Identifier: Apache-2.0
//
// LinePort: the bytes of a line to a device: a serial line in raw mode, or a Unix socket.
//
// Place     Lowest of cli/. Knows no frames.
// Promises  What can't be opened is a Failure that says which line, and what is wrong with it. A serial line gets its
//           settings back at the end, and no other gridctl opens it meanwhile.
// Threads   One.
#pragma once

#include <termios.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "crdt/base/bytes.h"

namespace grid::cli {

inline constexpr std::uint32_t kBaudDefault = 115'200;

class LinePort {
 public:
  // Throws a Failure. A baud rate that no serial line has here is a usage error that lists those that there are.
  static LinePort serial(const std::string& device, std::uint32_t baud);
  static LinePort unix_socket(const std::string& path);
  LinePort(LinePort&& other) noexcept;
  LinePort& operator=(LinePort&&) = delete;
  ~LinePort();

  // Of a serial line; 0: it is none.
  std::uint32_t baud() const { return baud_; }
  // Waits until there is something to read, or, with `wants_write`, room to write; at most so long.
  void wait(bool wants_write, std::uint64_t timeout_ms) const;
  // As much as there is, or as the line takes now. Nothing at all: the line is down.
  std::optional<std::size_t> read(MutBytes room);
  std::optional<std::size_t> write(Bytes bytes);

 private:
  explicit LinePort(int file) : file_(file) {}

  int file_;
  std::uint32_t baud_ = 0;
  std::optional<termios> before_{};  // A serial line's settings.
};

}  // namespace grid::cli
