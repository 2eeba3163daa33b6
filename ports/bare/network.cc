// SPDX-License-Identifier: Apache-2.0

#include "ports/bare/network.h"

#include <lwip/etharp.h>
#include <lwip/init.h>
#include <lwip/netif.h>
#include <lwip/stats.h>
#include <lwip/timeouts.h>
#include <netif/ethernet.h>

#include "crdt/base/check.h"
#include "ports/bare/card.h"
#include "ports/bare/chance.h"
#include "ports/bare/clock.h"

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

netif card;

err_t send(netif*, pbuf* packet) {
  const MutBytes room = packet_room();
  if (packet->tot_len > room.size()) return ERR_MEM;
  send_packet(pbuf_copy_partial(packet, room.data(), packet->tot_len, 0));
  return ERR_OK;
}

void receive(Bytes bytes) {
  pbuf* packet = pbuf_alloc(PBUF_RAW, static_cast<u16_t>(bytes.size()), PBUF_POOL);
  if (packet == nullptr) return;
  pbuf_take(packet, bytes.data(), static_cast<u16_t>(bytes.size()));
  if (card.input(packet, &card) != ERR_OK) pbuf_free(packet);
}

err_t open_interface(netif* self) {
  static_assert(ETH_HWADDR_LEN == kCardAddressBytes);
  open_card(self->hwaddr);
  self->hwaddr_len = ETH_HWADDR_LEN;
  self->mtu = 1'500;
  self->name[0] = 'e';
  self->name[1] = 'n';
  self->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_LINK_UP;
  self->output = etharp_output;
  self->linkoutput = send;
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
  if (netif_add(&card, &own, &mask, &gateway, nullptr, open_interface, ethernet_input) == nullptr) {
    panic("lwIP: no interface");
  }
  netif_set_default(&card);
  netif_set_up(&card);
}

void turn_network() {
  for (Bytes packet = next_packet(); !packet.empty(); packet = next_packet()) receive(packet);
  sys_check_timeouts();
}

std::uint64_t network_wait_ms() { return sys_timeouts_sleeptime(); }

std::size_t network_bytes_used() {
  std::size_t used = lwip_stats.mem.used;
  for (const memp_t pool : {MEMP_PBUF_POOL, MEMP_PBUF, MEMP_TCP_SEG}) used += lwip_stats.memp[pool]->used;
  return used;
}

}  // namespace grid::bare
