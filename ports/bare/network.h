// SPDX-License-Identifier: Apache-2.0
//
// lwIP over the machine's network card: one interface with a fixed address.
//
// Place     Above card.h; tcp_link.h is what uses it.
// Limits    No DHCP and no names: QEMU's network has a fixed plan (10.0.2.15, and 10.0.2.2 is the host).
#pragma once

#include <cstddef>
#include <cstdint>

namespace grid::bare {

// Stops the machine if it has no card.
void open_network();
// Hands what came to lwIP, and lets its clocks run.
void turn_network();
// When turn_network() has something to do if nothing comes.
std::uint64_t network_wait_ms();
// What of lwIP's memory is in use: its heap in bytes, and packets from its pools.
std::size_t network_bytes_used();

}  // namespace grid::bare
