// SPDX-License-Identifier: Apache-2.0

#include "transport/lws/socket_facts.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace grid::transport {

std::uint64_t acknowledged_bytes(int socket) {
  tcp_info facts{};
  socklen_t size = sizeof(facts);
  return getsockopt(socket, IPPROTO_TCP, TCP_INFO, &facts, &size) == 0 ? facts.tcpi_bytes_acked : 0;
}

}  // namespace grid::transport
