// SPDX-License-Identifier: Apache-2.0
//
// The machine's network card: Ethernet packets in and out. Each board has its own: card.cc in its folder.
//
// Place     Below network.h. Knows no protocol above Ethernet.
// Promises  What has come ends a rest(). A packet that finds no room, on either way, is lost, as on any wire.
// Ownership What it hands out is its own, and good until the next call of the same name.
#pragma once

#include <cstddef>

#include "crdt/base/bytes.h"

namespace grid::bare {

inline constexpr std::size_t kCardAddressBytes = 6;
inline constexpr std::size_t kPacketBytesMax = 1'514;  // Without the checksum, which is the card's.

// Stops the machine if it has no card. `address` is where the card's own goes.
void open_card(MutBytes address);
// The packet that came first of those that were not taken yet; empty: there is none.
Bytes next_packet();
// Room for a packet to leave, of kPacketBytesMax; empty: not now.
MutBytes packet_room();
// Sends the first so many bytes of that room.
void send_packet(std::size_t bytes);

}  // namespace grid::bare
