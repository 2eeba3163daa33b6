// SPDX-License-Identifier: Apache-2.0

#include "ports/bare/tcp_link.h"

#include <lwip/tcp.h>

#include <algorithm>
#include <utility>

namespace grid::bare {

struct TcpCallbacks {
  static TcpLink& link(void* at) { return *static_cast<TcpLink*>(at); }

  static err_t on_connected(void* at, tcp_pcb*, err_t) {
    link(at).is_up_ = true;
    return ERR_OK;
  }
  static err_t on_received(void* at, tcp_pcb*, pbuf* packet, err_t) {
    TcpLink& self = link(at);
    if (packet == nullptr) {
      self.has_ended_ = true;
    } else if (self.arrived_ == nullptr) {
      self.arrived_ = packet;
    } else {
      pbuf_cat(self.arrived_, packet);
    }
    return ERR_OK;
  }
  // lwIP has freed the connection already.
  static void on_failed(void* at, err_t error) {
    TcpLink& self = link(at);
    self.connection_ = nullptr;
    self.problem_ = !self.is_up_ ? "the server can't be reached" : error == ERR_RST ? "the server reset the link" : "";
  }
};

Status TcpLink::connect(const port::ServerAddress& server) {
  close();
  problem_ = "";
  char host[16] = {};
  ip_addr_t at;
  if (server.host.size() < sizeof(host)) copy(as_bytes(server.host), {reinterpret_cast<std::uint8_t*>(host), 15});
  if (server.tls || ipaddr_aton(host, &at) == 0) {
    problem_ =
        server.tls ? "this board speaks no TLS" : "this board knows no names: the server must be an IPv4 address";
    return Status::invalid;
  }
  connection_ = tcp_new();
  if (connection_ == nullptr) {
    problem_ = "no room for another connection";
    return Status::io;
  }
  is_up_ = has_ended_ = false;
  tcp_arg(connection_, this);
  tcp_recv(connection_, TcpCallbacks::on_received);
  tcp_err(connection_, TcpCallbacks::on_failed);
  tcp_nagle_disable(connection_);
  if (tcp_connect(connection_, &at, server.port, TcpCallbacks::on_connected) == ERR_OK) return Status::ok;
  problem_ = "the server can't be reached";
  close();
  return Status::io;
}

Result<std::size_t> TcpLink::read(MutBytes room) {
  if (arrived_ == nullptr) {
    const bool is_down = connection_ == nullptr || has_ended_;
    return is_down ? Result<std::size_t>(Status::io) : Result<std::size_t>(0);
  }
  const std::size_t size = std::min<std::size_t>(room.size(), arrived_->len - read_);
  copy({static_cast<const std::uint8_t*>(arrived_->payload) + read_, size}, room);
  read_ += size;
  if (read_ == arrived_->len) {
    pbuf* rest = arrived_->next;
    if (rest != nullptr) pbuf_ref(rest);
    pbuf_free(arrived_);
    arrived_ = rest;
    read_ = 0;
  }
  if (connection_ != nullptr) tcp_recved(connection_, static_cast<u16_t>(size));
  return size;
}

Result<std::size_t> TcpLink::write(Bytes bytes) {
  if (connection_ == nullptr) return Status::io;
  if (!is_up_) return std::size_t{0};
  const std::size_t size = std::min<std::size_t>(bytes.size(), tcp_sndbuf(connection_));
  if (size == 0) return std::size_t{0};
  const err_t error = tcp_write(connection_, bytes.data(), static_cast<u16_t>(size), TCP_WRITE_FLAG_COPY);
  if (error == ERR_MEM) return std::size_t{0};
  if (error != ERR_OK) return Status::io;
  tcp_output(connection_);
  return size;
}

void TcpLink::forget() {
  if (arrived_ != nullptr) pbuf_free(arrived_);
  arrived_ = nullptr;
  read_ = 0;
}

void TcpLink::close() {
  forget();
  if (connection_ == nullptr) return;
  tcp_arg(connection_, nullptr);
  tcp_recv(connection_, nullptr);
  tcp_err(connection_, nullptr);
  tcp_pcb* connection = std::exchange(connection_, nullptr);
  if (!is_up_ || tcp_close(connection) != ERR_OK) tcp_abort(connection);
}

}  // namespace grid::bare
