// SPDX-License-Identifier: Apache-2.0

#include "ports/bare/network.h"

#include <lwip/etharp.h>
#include <lwip/init.h>
#include <lwip/netif.h>
#include <lwip/stats.h>
#include <lwip/timeouts.h>
#include <netif/ethernet.h>

#include <cstring>

#include "crdt/base/check.h"
#include "ports/bare/chance.h"
#include "ports/bare/virtio.h"

extern "C" {
void lwip_panic(const char* words) { grid::panic(words); }
uint32_t lwip_chance(void) {
  std::uint8_t bytes[4];
  grid::bare::draw(bytes);
  return static_cast<uint32_t>(grid::load_le<4>(bytes));
}
u32_t sys_now(void) { return static_cast<u32_t>(grid::bare::monotonic_ms()); }
}

namespace grid::bare {
namespace {

constexpr std::size_t kHeadBytes = 12;  // Of virtio, before each packet; all zero says: nothing special.
constexpr std::size_t kPacketBytesMax = 1'514;
constexpr std::uint32_t kHasAddress = 1u << 5;
constexpr std::uint32_t kReceive = 0, kSend = 1;

struct Buffer {
  std::uint8_t bytes[kHeadBytes + kPacketBytesMax + 2];
};

VirtioQueue receiving, sending;
Buffer arriving[kVirtioQueueSize], leaving[kVirtioQueueSize];
std::uint32_t lent_to_send = 0;  // A bit a buffer.
netif card;

void take_sent() {
  while (const auto used = sending.take()) lent_to_send &= ~(1u << used->slot);
}

// A packet for which there is no room is dropped, as on any wire.
err_t send_packet(netif*, pbuf* packet) {
  take_sent();
  const std::uint32_t free = ~lent_to_send & ((1u << kVirtioQueueSize) - 1);
  if (free == 0 || packet->tot_len > kPacketBytesMax) return ERR_MEM;
  const auto slot = static_cast<std::uint16_t>(__builtin_ctz(free));
  std::uint8_t* to = leaving[slot].bytes;
  std::memset(to, 0, kHeadBytes);
  pbuf_copy_partial(packet, to + kHeadBytes, packet->tot_len, 0);
  lent_to_send |= 1u << slot;
  sending.lend(slot, {to, kHeadBytes + packet->tot_len}, false);
  return ERR_OK;
}

void receive_packet(Bytes bytes) {
  pbuf* packet = pbuf_alloc(PBUF_RAW, static_cast<u16_t>(bytes.size()), PBUF_POOL);
  if (packet == nullptr) return;
  pbuf_take(packet, bytes.data(), static_cast<u16_t>(bytes.size()));
  if (card.input(packet, &card) != ERR_OK) pbuf_free(packet);
}

err_t open_card(netif* self) {
  const std::uintptr_t device = find_virtio(kVirtioNetwork, kHasAddress);
  if (device == 0) panic("there is no network card: start QEMU with -device virtio-net-device");
  receiving.open(device, kReceive);
  sending.open(device, kSend);
  begin_virtio(device);
  for (std::uint16_t i = 0; i < kVirtioQueueSize; ++i) receiving.lend(i, arriving[i].bytes, true);
  for (std::size_t i = 0; i < ETH_HWADDR_LEN; ++i) {
    self->hwaddr[i] = *reinterpret_cast<volatile std::uint8_t*>(device + kVirtioConfig + i);
  }
  self->hwaddr_len = ETH_HWADDR_LEN;
  self->mtu = 1'500;
  self->name[0] = 'v';
  self->name[1] = 'n';
  self->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_LINK_UP;
  self->output = etharp_output;
  self->linkoutput = send_packet;
  return ERR_OK;
}

ip4_addr_t address(std::uint8_t last) {
  ip4_addr_t at;
  IP4_ADDR(&at, 10, 0, 2, last);
  return at;
}

}  // namespace

void open_network() {
  lwip_init();
  const ip4_addr_t own = address(15), gateway = address(2);
  ip4_addr_t mask;
  IP4_ADDR(&mask, 255, 255, 255, 0);
  if (netif_add(&card, &own, &mask, &gateway, nullptr, open_card, ethernet_input) == nullptr) panic("lwIP: no card");
  netif_set_default(&card);
  netif_set_up(&card);
  listen_to_devices();
}

void turn_network() {
  while (const auto used = receiving.take()) {
    if (used->bytes > kHeadBytes) {
      receive_packet(Bytes(arriving[used->slot].bytes).subspan(kHeadBytes, used->bytes - kHeadBytes));
    }
    receiving.lend(used->slot, arriving[used->slot].bytes, true);
  }
  take_sent();
  sys_check_timeouts();
}

std::uint64_t network_wait_ms() { return sys_timeouts_sleeptime(); }

std::size_t network_bytes_used() {
  std::size_t used = lwip_stats.mem.used;
  for (const memp_t pool : {MEMP_PBUF_POOL, MEMP_PBUF, MEMP_TCP_SEG}) used += lwip_stats.memp[pool]->used;
  return used;
}

}  // namespace grid::bare
