// SPDX-License-Identifier: Apache-2.0
//
// A CMSDK UART, with a byte of room each way.

#include "ports/bare/uart_link.h"

#include "ports/bare/mps2_an385/an385.h"
#include "ports/bare/registers.h"

namespace grid::bare {
namespace {

constexpr std::uintptr_t kDataAt = kUartAt, kStateAt = kUartAt + 0x04, kControlAt = kUartAt + 0x08,
                         kDivisorAt = kUartAt + 0x10;
constexpr std::uint32_t kIsFull = 0x01, kHasByte = 0x02;  // State.
constexpr std::uint32_t kOn = 0x03, kInterrupts = 0x0c;   // Both ways.
constexpr std::uint32_t kBaud = 115'200;

bool is(std::uint32_t state) { return (load_register(kStateAt) & state) != 0; }

}  // namespace

void UartLink::open() {
  store_register(kDivisorAt, kClockHz / kBaud);
  listen_to(Interrupt::uart_arrived);
  listen_to(Interrupt::uart_left);
  store_register(kControlAt, kOn | kInterrupts);
}

// Where a byte is left behind, the next rest ends at once.
Result<std::size_t> UartLink::read(MutBytes room) {
  std::size_t size = 0;
  while (size < room.size() && is(kHasByte)) room[size++] = static_cast<std::uint8_t>(load_register(kDataAt));
  if (is(kHasByte)) raise(Interrupt::uart_arrived);
  return size;
}

// Each byte that has left ends a rest, so also the one that makes room.
Result<std::size_t> UartLink::write(Bytes bytes) {
  std::size_t size = 0;
  while (size < bytes.size() && !is(kIsFull)) store_register(kDataAt, bytes[size++]);
  return size;
}

}  // namespace grid::bare
