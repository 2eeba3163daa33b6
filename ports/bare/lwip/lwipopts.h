// SPDX-License-Identifier: Apache-2.0
//
// What of lwIP this port uses: IPv4 and TCP by callbacks, one thread, memory of fixed size. lwIP includes it by name.
#pragma once

#define NO_SYS 1
#define SYS_LIGHTWEIGHT_PROT 0
#define LWIP_SOCKET 0
#define LWIP_NETCONN 0

#define LWIP_ARP 1
#define LWIP_ETHERNET 1
#define LWIP_IPV4 1
#define LWIP_IPV6 0
#define LWIP_ICMP 1
#define LWIP_RAW 0
#define LWIP_UDP 0
#define LWIP_DHCP 0
#define LWIP_DNS 0
#define LWIP_TCP 1
#define LWIP_TCP_KEEPALIVE 0
#define LWIP_NETIF_HOSTNAME 0

// All memory is in pools and one array, none from a libc.
#define MEM_LIBC_MALLOC 0
#define MEMP_MEM_MALLOC 0
#define MEM_ALIGNMENT 4
#define MEM_SIZE (8 * 1024)
#define PBUF_POOL_SIZE 12
#define MEMP_NUM_PBUF 8
#define MEMP_NUM_TCP_PCB 4
#define MEMP_NUM_TCP_PCB_LISTEN 1
#define MEMP_NUM_TCP_SEG 16

#define TCP_MSS 1460
#define TCP_WND (4 * TCP_MSS)
#define TCP_SND_BUF (2 * TCP_MSS)
#define TCP_SND_QUEUELEN 12
// A closed connection leaves its slot after 2 s rather than 2 min: ports are drawn from chance, not counted up.
#define TCP_MSL 1000UL

// `0-byte growth` is told by lwIP's own counts.
#define LWIP_STATS 1
#define LWIP_STATS_DISPLAY 0
#define MEM_STATS 1
#define MEMP_STATS 1
