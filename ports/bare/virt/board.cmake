# SPDX-License-Identifier: Apache-2.0
#
# QEMU's virt: the sources that only it has, and its memory.

set(board_sources virt/card.cc virt/chance.cc virt/clock.cc virt/uart_link.cc virt/virtio.cc)
set(board_memory __flash=0x80000000 __flash_size=0x200000 __ram=0x80200000 __ram_size=0x80000)
