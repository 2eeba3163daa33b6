// SPDX-License-Identifier: Apache-2.0
//
// A virtio network card.

#include "ports/bare/card.h"

#include <cstring>
#include <optional>

#include "crdt/base/check.h"
#include "ports/bare/registers.h"
#include "ports/bare/virt/virtio.h"

namespace grid::bare {
namespace {

constexpr std::size_t kHeadBytes = 12;  // Of virtio, before each packet; all zero says: nothing special.
constexpr std::uint32_t kHasAddress = 1u << 5;
constexpr std::uint32_t kReceive = 0, kSend = 1;

struct Buffer {
  std::uint8_t bytes[kHeadBytes + kPacketBytesMax + 2];
};

VirtioQueue receiving, sending;
Buffer arriving[kVirtioQueueSize], leaving[kVirtioQueueSize];
std::optional<std::uint16_t> handed_out;  // Of those that arrive.
std::uint16_t room_slot = 0;              // Of those that leave.
std::uint32_t lent_to_send = 0;           // A bit a buffer.

void take_back_packet() {
  if (handed_out) receiving.lend(*handed_out, arriving[*handed_out].bytes, true);
  handed_out.reset();
}

}  // namespace

void open_card(MutBytes address) {
  const std::uintptr_t device = find_virtio(kVirtioNetwork, kHasAddress);
  if (device == 0) panic("there is no network card: start QEMU with -device virtio-net-device");
  receiving.open(device, kReceive);
  sending.open(device, kSend);
  begin_virtio(device);
  for (std::uint16_t i = 0; i < kVirtioQueueSize; ++i) receiving.lend(i, arriving[i].bytes, true);
  for (std::size_t i = 0; i < kCardAddressBytes; ++i) address[i] = load_byte(device + kVirtioConfig + i);
  listen_to_devices();
}

Bytes next_packet() {
  for (;;) {
    take_back_packet();
    const std::optional<VirtioQueue::Used> used = receiving.take();
    if (!used) return {};
    handed_out = used->slot;
    if (used->bytes > kHeadBytes) {
      return Bytes(arriving[used->slot].bytes).subspan(kHeadBytes, used->bytes - kHeadBytes);
    }
  }
}

MutBytes packet_room() {
  while (const auto used = sending.take()) lent_to_send &= ~(1u << used->slot);
  const std::uint32_t free = ~lent_to_send & ((1u << kVirtioQueueSize) - 1);
  if (free == 0) return {};
  room_slot = static_cast<std::uint16_t>(__builtin_ctz(free));
  return MutBytes(leaving[room_slot].bytes).subspan(kHeadBytes, kPacketBytesMax);
}

void send_packet(std::size_t bytes) {
  std::uint8_t* whole = leaving[room_slot].bytes;
  std::memset(whole, 0, kHeadBytes);
  lent_to_send |= 1u << room_slot;
  sending.lend(room_slot, {whole, kHeadBytes + bytes}, false);
}

}  // namespace grid::bare
