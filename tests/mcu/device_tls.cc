// SPDX-License-Identifier: Apache-2.0
//
//     certificate=FILE (PEM, or DER) address=IPV4

#include "ports/bare/grid/bare_tls.h"
#include "ports/bare/semihosting.h"
#include "tests/mcu/device_host.h"

namespace grid::mcu {
namespace {

BareTlsHost<kLimits, kCells> host;
char certificate[4'096];

// How long it is.
std::size_t read_certificate(std::string_view name) {
  static char path[128];
  copy(as_bytes(name), {reinterpret_cast<std::uint8_t*>(path), sizeof(path) - 1});
  const int file = name.empty() ? -1 : sys_semihost_open(path, SH_OPEN_R_B);
  if (file < 0) return 0;
  const auto left = sys_semihost_read(file, certificate, sizeof(certificate) - 1);
  sys_semihost_close(file);
  return sizeof(certificate) - 1 - static_cast<std::size_t>(left);
}

}  // namespace

DeviceHost& device_host() { return host; }

Node* open_device(const ChipOptions& options, std::string_view (*word)(std::string_view)) {
  const std::size_t size = read_certificate(word("certificate"));
  return host.open({.app = options.app,
                    .store = options.store,
                    .server = options.server,
                    .certificate = certificate,
                    .certificate_bytes = certificate[0] == '-' ? 0 : size,
                    .address = word("address"),
                    .offline = options.offline,
                    .backoff_ms_max = options.backoff_ms_max});
}

Status cannot_open() { return host.status(); }
std::size_t tls_bytes_most() { return host.tls_bytes_most(); }

}  // namespace grid::mcu
