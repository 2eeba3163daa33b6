// SPDX-License-Identifier: Apache-2.0
//
// ServerAddress: where a gateway is, as people write it: ws://HOST:PORT or wss://HOST:PORT.
//
// Place     Lowest of ports/chip.
// Ownership Borrows the text that it was read from.
#pragma once

#include <cstdint>
#include <string_view>

#include "crdt/base/status.h"

namespace grid::port {

struct ServerAddress {
  static constexpr std::uint16_t kPortDefault = 7271;

  std::string_view host;       // A name, or an address without brackets.
  std::string_view authority;  // Host and port as they were written.
  std::uint16_t port = kPortDefault;
  bool tls = false;
};

// A slash at the end is allowed.
//   invalid  It is not of that form.
Result<ServerAddress> parse_server_address(std::string_view text);

}  // namespace grid::port
