# SPDX-License-Identifier: Apache-2.0
#
# QEMU's mps2-an385: the sources that only it has, and its memory.

set(board_sources mps2_an385/card.cc mps2_an385/chance.cc mps2_an385/clock.cc mps2_an385/uart_link.cc)
set(board_memory __flash=0 __flash_size=0x400000 __ram=0x20000000 __ram_size=0x80000)
