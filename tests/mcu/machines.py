# SPDX-License-Identifier: Apache-2.0
"""The machines that ./dev mcu measures, the libraries of a device, and its firmware, as data."""
from dataclasses import dataclass

_SEMIHOSTING = ("-display", "none", "-monitor", "none", "-serial", "null",
                "-semihosting-config", "enable=on,target=native,arg=firmware")


@dataclass(frozen=True)
class Machine:
    """`name` is that of its preset and of its tree under build/."""

    name: str
    tools: str  # What the names of its tools begin with.
    ld: tuple
    emulator: tuple

    def tool(self, name):
        return self.tools + name


MACHINES = (
    Machine("rv32imc", "riscv64-unknown-elf-", ("-m", "elf32lriscv"),
            ("qemu-system-riscv32", "-M", "virt", "-bios", "none", *_SEMIHOSTING)),
    Machine("cortex-m3", "arm-none-eabi-", (), ("qemu-system-arm", "-M", "mps2-an385", *_SEMIHOSTING)),
)

# The chip core: name -> archive in the tree. A library that a device is made of is added here.
LIBRARIES = {
    "crdt": "crdt/libgrid_crdt.a",
    "runtime": "runtime/libgrid_runtime.a",
    "wire": "transport/libgrid_wire.a",
    "proto": "transport/libgrid_proto.a",
    "nanopb": "libnanopb.a",
}

# What a device is made of besides, of Grid's own: its store, its link, its loop, and what lets
# gridctl look into it. Counted where a whole device is
# built.
DEVICE_LIBRARIES = {
    "flash": "storage/libgrid_flash_store.a",
    "websocket": "transport/websocket/libgrid_websocket.a",
    "chip": "ports/chip/libgrid_chip.a",
    "api": "runtime/grid/libgrid_api.a",
    "inspect": "runtime/libgrid_inspect.a",
    "inspect_service": "ports/inspect/libgrid_inspect_service.a",
    "inspect_line": "ports/inspect/libgrid_inspect_line.a",
    "stream": "transport/stream/libgrid_stream.a",
}
DEVICE = "device"

# The same device with TLS, and what of it is there for that: most of it mbedTLS.
TLS_DEVICE = "device_tls"
TLS_LIBRARIES = {
    "mbedtls": "transport/tls/libgrid_mbedtls.a",
    "tls": "transport/tls/libgrid_tls.a",
    "bare_tls": "ports/bare/libgrid_bare_tls.a",
}

# Profile of crdt/base/limits.h -> the firmware that plays a device of it.
FIRMWARE = {"chip": "replica_chip", "pico": "replica_pico"}

# What is linked only when it is used: name -> archives in the tree, and what they may come to.
EXTRAS = {"inspect": (("runtime/libgrid_inspect.a", "ports/inspect/libgrid_inspect_service.a"), 4 * 1024)}
