// SPDX-License-Identifier: Apache-2.0

#include "ports/bare/grid/bare.h"
#include "tests/mcu/device_host.h"

namespace grid::mcu {
namespace {

BareHost<kLimits, kCells> host;

}  // namespace

DeviceHost& device_host() { return host; }
Node* open_device(const ChipOptions& options, std::string_view (*)(std::string_view)) { return host.open(options); }
Status cannot_open() { return host.status(); }
std::size_t tls_bytes_most() { return 0; }

}  // namespace grid::mcu
