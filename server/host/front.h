// SPDX-License-Identifier: Apache-2.0
//
// Front: where a gateway can be reached: its doors, what strangers may take at them, and its certificate.
//
// Place     Below gateway.h. Turns settings into what transport/lws is told, and judges nobody.
// Threads   One: the loop's.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "crdt/base/status.h"
#include "server/host/config/settings.h"
#include "server/host/log.h"
#include "transport/lws/lws_context.h"

namespace grid::server {

// An address to listen on, as it is written: HOST:PORT, with ws:// or wss:// before it to say whether by TLS.
struct DoorAddress {
  std::string_view address;
  transport::Security security;
};

// Without a word on it a door is by TLS when there is a certificate.
DoorAddress door_address(std::string_view listen, bool has_certificate);

// Whether only this machine can reach it.
bool is_loopback(std::string_view listen);

transport::LwsOptions link_options(const config::Settings& settings);

// So many descriptors as those connections need, if the machine allows it. How many connections there can be.
std::uint64_t raise_descriptors(std::uint64_t connections);

// Reads the certificate, at the start and whenever its files may have changed; says what is doubtful about it.
//   invalid  As `problem` says; what was there before goes on.
Status take_certificate(transport::LwsContext& links, const config::Settings& settings, Log& log, std::string& problem);

// The names of the sockets that systemd has passed to this process; none when it has not. They are not passed on:
// changes the environment, so no other thread may be there yet.
std::vector<std::string> passed_sockets();

// Listens on the sockets that were `passed`, else at the configured addresses. A passed socket that is named
// `plain` is without TLS, whatever there is.
Status open_doors(transport::LwsContext& links, const config::Settings& settings,
                  const std::vector<std::string>& passed, transport::LinkListener& listener, std::string& problem);

}  // namespace grid::server
