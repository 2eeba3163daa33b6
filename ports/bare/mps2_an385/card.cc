// SPDX-License-Identifier: Apache-2.0
//
// A LAN9118: its registers and queues are words of 32 bits, and a packet goes through a queue word by word.
//
// Limits    The link is what the chip makes out with its peer by itself; nobody asks whether a cable is in.

#include "ports/bare/card.h"

#include <iterator>

#include "crdt/base/check.h"
#include "ports/bare/mps2_an385/an385.h"
#include "ports/bare/registers.h"

namespace grid::bare {
namespace {

constexpr std::uintptr_t kArrivingAt = kCardAt + 0x00, kLeavingAt = kCardAt + 0x20, kArrivedAt = kCardAt + 0x40,
                         kInterruptAt = kCardAt + 0x54, kReasonsHeardAt = kCardAt + 0x5c, kTestAt = kCardAt + 0x64,
                         kSendingAt = kCardAt + 0x70, kHardwareAt = kCardAt + 0x74, kArrivedCountAt = kCardAt + 0x7c,
                         kLeavingRoomAt = kCardAt + 0x80, kMacAskAt = kCardAt + 0xa4, kMacWordAt = kCardAt + 0xa8;
constexpr std::uint32_t kTestWord = 0x8765'4321;
constexpr std::uint32_t kReset = 1u << 0, kLayout = 1u << 20 | 5u << 16;  // 5 KiB of its memory are for sending.
constexpr std::uint32_t kPacketArrived = 1u << 3;                         // One is enough, after a reset.
constexpr std::uint32_t kInterrupts = 1u << 8 | 1u << 4 | 1u << 0;        // On, high, driven both ways.
constexpr std::uint32_t kSends = 1u << 1, kForgetsSent = 1u << 2;

// The part that knows Ethernet has registers of its own, behind two of these.
constexpr std::uint32_t kMacBusy = 1u << 31, kMacRead = 1u << 30;
constexpr std::uint32_t kMacControl = 1, kMacAddressHigh = 2, kMacAddressLow = 3;
constexpr std::uint32_t kMacBothWays = 1u << 20, kMacSends = 1u << 3, kMacReceives = 1u << 2;

// Of what has arrived.
constexpr std::uint32_t kDamaged = 1u << 15;
constexpr std::size_t kChecksumBytes = 4;
// Before what leaves: two words.
constexpr std::uint32_t kWhole = 1u << 13 | 1u << 12;  // The first piece, and the last.
constexpr std::size_t kHeadBytes = 8;

constexpr std::size_t words_of(std::size_t bytes) { return (bytes + 3) / 4; }

std::uint32_t arriving[words_of(kPacketBytesMax + kChecksumBytes)], leaving[words_of(kPacketBytesMax)];

std::uint32_t ask_mac(std::uint32_t what) {
  store_register(kMacAskAt, kMacBusy | what);
  while ((load_register(kMacAskAt) & kMacBusy) != 0) continue;
  return load_register(kMacWordAt);
}

void reset() {
  store_register(kHardwareAt, kReset);
  while ((load_register(kHardwareAt) & kReset) != 0) continue;
  store_register(kHardwareAt, kLayout);
}

void begin() {
  store_register(kReasonsHeardAt, kPacketArrived);
  store_register(kInterruptAt, kInterrupts);
  store_register(kSendingAt, kSends | kForgetsSent);
  store_register(kMacWordAt, kMacBothWays | kMacSends | kMacReceives);
  ask_mac(kMacControl);
  listen_to(Interrupt::card);
}

}  // namespace

void open_card(MutBytes address) {
  if (load_register(kTestAt) != kTestWord) panic("there is no network card: start QEMU with -nic user,model=lan9118");
  reset();
  store_le<4>(ask_mac(kMacRead | kMacAddressLow), address.data());
  store_le<2>(ask_mac(kMacRead | kMacAddressHigh), address.data() + 4);
  begin();
}

Bytes next_packet() {
  while ((load_register(kArrivedCountAt) >> 16 & 0xff) != 0) {
    const std::uint32_t state = load_register(kArrivedAt);
    const std::size_t bytes = state >> 16 & 0x3fff;
    for (std::size_t i = 0; i < words_of(bytes); ++i) {
      const std::uint32_t word = load_register(kArrivingAt);
      if (i < std::size(arriving)) arriving[i] = word;
    }
    if ((state & kDamaged) != 0 || bytes > sizeof(arriving) || bytes <= kChecksumBytes) continue;
    return {reinterpret_cast<const std::uint8_t*>(arriving), bytes - kChecksumBytes};
  }
  return {};
}

MutBytes packet_room() {
  if ((load_register(kLeavingRoomAt) & 0xffff) < kHeadBytes + sizeof(leaving)) return {};
  return {reinterpret_cast<std::uint8_t*>(leaving), kPacketBytesMax};
}

void send_packet(std::size_t bytes) {
  store_register(kLeavingAt, kWhole | static_cast<std::uint32_t>(bytes));
  store_register(kLeavingAt, static_cast<std::uint32_t>(bytes));
  for (std::size_t i = 0; i < words_of(bytes); ++i) store_register(kLeavingAt, leaving[i]);
}

}  // namespace grid::bare
