// SPDX-License-Identifier: Apache-2.0
//
// A 16550.

#include "ports/bare/uart_link.h"

#include <algorithm>

#include "ports/bare/registers.h"
#include "ports/bare/virt/virt.h"

namespace grid::bare {
namespace {

// Registers are a byte each. The first two are the divisor's halves while kDivisorBit is set.
constexpr std::uintptr_t kDataAt = kUartAt, kInterruptsAt = kUartAt + kUartInterrupts, kQueueAt = kUartAt + 2,
                         kFormatAt = kUartAt + 3, kStateAt = kUartAt + 5;
constexpr std::uint8_t kDivisorBit = 0x80, kEightBits = 0x03;
constexpr std::uint8_t kDivisor = 2;       // Of a clock of 3.6864 MHz: 115,200 baud.
constexpr std::uint8_t kQueueBoth = 0x07;  // On, and emptied; it tells of each byte.
constexpr std::size_t kQueueBytes = 16;
constexpr std::uint8_t kHasBytes = 0x01, kTakesBytes = 0x20;  // State.
constexpr std::uint8_t kOnBytes = 0x01, kOnRoom = 0x02;       // What interrupts.

bool is(std::uint8_t state) { return (load_byte(kStateAt) & state) != 0; }

void interrupt_on(std::uint8_t what) {
  store_byte(kInterruptsAt, static_cast<std::uint8_t>(load_byte(kInterruptsAt) | what));
}

}  // namespace

void UartLink::open() {
  store_byte(kInterruptsAt, 0);
  store_byte(kFormatAt, kDivisorBit | kEightBits);
  store_byte(kDataAt, kDivisor);
  store_byte(kInterruptsAt, 0);
  store_byte(kFormatAt, kEightBits);
  store_byte(kQueueAt, kQueueBoth);
  listen_to_devices();
  interrupt_on(kOnBytes);
}

// Also where bytes are left behind: then the next rest ends at once.
Result<std::size_t> UartLink::read(MutBytes room) {
  std::size_t size = 0;
  while (size < room.size() && is(kHasBytes)) room[size++] = load_byte(kDataAt);
  interrupt_on(kOnBytes);
  return size;
}

// The queue is known to be empty or not, and nothing in between.
Result<std::size_t> UartLink::write(Bytes bytes) {
  std::size_t size = 0;
  while (size < bytes.size() && is(kTakesBytes)) {
    for (const std::uint8_t byte : bytes.subspan(size, std::min(kQueueBytes, bytes.size() - size))) {
      store_byte(kDataAt, byte);
      ++size;
    }
  }
  if (size < bytes.size()) interrupt_on(kOnRoom);
  return size;
}

}  // namespace grid::bare
