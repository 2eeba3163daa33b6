// SPDX-License-Identifier: Apache-2.0
//
// From a virtio-rng device: the generator of the machine around this one.

#include "ports/bare/chance.h"

#include <algorithm>

#include "crdt/base/check.h"
#include "ports/bare/registers.h"
#include "ports/bare/virt/virtio.h"

namespace grid::bare {
namespace {

VirtioQueue queue;
std::uint8_t buffer[64];
bool is_open = false;

void open() {
  if (is_open) return;
  const std::uintptr_t device = find_virtio(kVirtioEntropy, 0);
  if (device == 0) panic("there is no generator: start QEMU with -device virtio-rng-device");
  queue.open(device, 0);
  begin_virtio(device);
  is_open = true;
}

}  // namespace

void draw(MutBytes out) {
  open();
  while (!out.empty()) {
    queue.lend(0, MutBytes(buffer).first(std::min(sizeof(buffer), out.size())), true);
    std::optional<VirtioQueue::Used> used;
    while (!(used = queue.take())) order_memory();
    out = copy(Bytes(buffer).first(used->bytes), out);
  }
}

}  // namespace grid::bare
