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

# What a device is made of besides, of Grid's own: its store, its link, its loop, and what lets gridctl look into it.
DEVICE_LIBRARIES = {
    "flash": "storage/libgrid_flash_store.a",
    "websocket": "transport/websocket/libgrid_websocket.a",
    "chip": "ports/chip/libgrid_chip.a",
    "api": "runtime/grid/libgrid_api.a",
    "inspect": "runtime/libgrid_inspect.a",
    "inspect_service": "ports/inspect/libgrid_inspect_service.a",
    "inspect_line": "ports/inspect/libgrid_inspect_line.a",
    "stream": "transport/stream/libgrid_stream.a",
    "query": "crdt/libgrid_query.a",
    "channels": "runtime/libgrid_channels.a",
    "wire_channel": "transport/libgrid_wire_channel.a",
    "datalog": "crdt/datalog/libgrid_datalog.a",
    "datalog_text": "crdt/datalog/libgrid_datalog_text.a",
    "number_text": "crdt/datalog/libgrid_number_text.a",
    "query_maker": "crdt/datalog/libgrid_query_maker.a",
    "small_datalog": "runtime/grid/libgrid_small_datalog.a",
}
# In place of another one.
OTHER_LIBRARIES = {"datalog_lean": "crdt/datalog/libgrid_datalog_lean.a"}
DEVICE = "device"

# What each object of the base device is there for; those that stand nowhere are counted as their library.
CAPABILITIES = {
    "cells": ("cell", "clock", "stamp", "value", "value_writer", "hash_small", "partition", "scan", "scope"),
    "op log": ("oplog", "oplog_identity", "timekeeper"),
    "session": ("sync_session", "sync_write", "pulls", "replica", "names", "wire_ops", "wire_control", "walk",
                "grid.pb.c"),
    "comparison": ("merkle", "merkle_walk", "wire_digests"),
    "watches": ("watches",),
}

# The base device of a profile, linked to be weighed: weigh.cc. Its code may come to this on each machine.
WEIGHED = {"chip": "weigh_chip", "pico": "weigh_pico", "nano": "weigh_nano"}
BASE_BYTES_MAX = {"rv32imc": 88 * 1024, "cortex-m3": 83 * 1024}

# The same with a part that a device links only if it uses it, and what that may add. A new part is a block in
# weigh.cc, a name in chip.cmake, and a line here.
PARTS = {"inspect": 8 * 1024 + 256, "sets": 7 * 1024, "counters": 7 * 1024, "batch": 7 * 1024,
         "predicates": 12 * 1024, "channels": 8 * 1024, "facts": 13 * 1024,
         "datalog_lean": 40 * 1024, "datalog": 53 * 1024, "datalog_text": 91 * 1024}
# Those that are something only beside another one, whose code is not theirs.
BESIDE = {"datalog_lean": "facts", "datalog": "facts", "datalog_text": "facts"}
# What each of these draws from the compiler's library and the C library, for double precision: a limit.
DRAWN_BYTES_MAX = 13 * 1024

# Firmware that is asked about its facts (asking.h): what is the most that a question may take of lent memory, and the
# question itself; and how deep the stack may get.
ASKED = {
    "made": {"memory": 11 * 1024 + 512, "query": 1536, "stack": 5 * 1024 + 512},
    "read": {"memory": 11 * 1024 + 512, "query": 4 * 1024, "stack": 5 * 1024 + 512},
    "lean": {"memory": 10 * 1024, "query": 1536, "stack": 5 * 1024 + 512},
}

# The same device with TLS, and what of it is there for that: most of it mbedTLS.
TLS_DEVICE = "device_tls"
TLS_LIBRARIES = {
    "mbedtls": "transport/tls/libgrid_mbedtls.a",
    "tls": "transport/tls/libgrid_tls.a",
    "bare_tls": "ports/bare/libgrid_bare_tls.a",
}

# Profile of crdt/base/limits.h -> the firmware that plays a device of it.
FIRMWARE = {"chip": "replica_chip", "pico": "replica_pico", "nano": "replica_nano"}

# Archives that are a part by themselves: what all of them may come to.
EXTRAS = {"inspect": (("runtime/libgrid_inspect.a", "ports/inspect/libgrid_inspect_service.a"), 4 * 1024 + 256)}
