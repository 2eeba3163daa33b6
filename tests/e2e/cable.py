# SPDX-License-Identifier: Apache-2.0
"""Two network namespaces and a bad cable between them.

Each end of the cable is a TUN device, and this process carries packets from one to the other: it loses, delays,
reorders and doubles them as it is told, or carries none: what `tc netem` does, but on every kernel. gridd --dev listens
on loopback addresses only, so both ends have one: the namespaces route them to each other.
"""
import contextlib
import ctypes
import fcntl
import heapq
import os
import select
import struct
import subprocess
import threading
import time
import unittest

NEAR, FAR = "127.77.0.1", "127.77.0.2"

_CLONE_NEWNET = 0x40000000
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
_PACKET_BYTES = 65536


def _ip(*arguments):
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise unittest.SkipTest(f"no network namespaces here: ip {' '.join(arguments)}: {done.stderr.strip()}")


class End:
    """A namespace with an address, and the end of the cable in it."""

    def __init__(self, name, address, chance_of_name):
        self.name = f"grid-{name}-{chance_of_name}"
        _ip("netns", "add", self.name)
        try:
            self.file = self._within(self._open_tun)
            _ip("-n", self.name, "address", "add", f"{address}/24", "dev", "cable")
            _ip("-n", self.name, "link", "set", "cable", "up")
        except BaseException:
            self.close()
            raise

    @staticmethod
    def _open_tun():
        file = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.ioctl(file, _TUNSETIFF, struct.pack("16sH22x", b"cable", _IFF_TUN | _IFF_NO_PI))
        for scope in ("all", "cable"):
            with open(f"/proc/sys/net/ipv4/conf/{scope}/route_localnet", "w", encoding="ascii") as setting:
                setting.write("1")
        return file

    def _within(self, work):
        """Does `work` on a thread in the namespace."""
        result = []

        def run():
            try:
                with open(f"/run/netns/{self.name}", encoding="ascii") as place:
                    if ctypes.CDLL(None, use_errno=True).setns(place.fileno(), _CLONE_NEWNET) != 0:
                        raise OSError(ctypes.get_errno(), "setns")
                result.append(work())
            except OSError as error:
                result.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        if isinstance(result[0], OSError):
            raise unittest.SkipTest(f"no TUN device in a network namespace here: {result[0]}")
        return result[0]

    def command(self, *command):
        return ["ip", "netns", "exec", self.name, *command]

    def close(self):
        with contextlib.suppress(AttributeError):
            os.close(self.file)
        subprocess.run(["ip", "netns", "delete", self.name], capture_output=True, check=False)


class Cable:
    """Carries packets both ways until it is closed. Rates are of 1; times are in seconds."""

    def __init__(self, chance):
        if os.geteuid() != 0:
            raise unittest.SkipTest("network namespaces need root")
        self.chance = chance
        self.loss = self.doubling = self.reordering = 0.0
        self.delay = self.jitter = 0.0
        self.is_cut = False
        self.carried = self.lost = self.doubled = self.reordered = 0
        name = f"{os.getpid()}-{chance.randrange(10**6)}"
        self.near = End("near", NEAR, name)
        try:
            self.far = End("far", FAR, name)
        except BaseException:
            self.near.close()
            raise
        self._ends_at, self._end = os.pipe()
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def close(self):
        os.close(self._end)
        self._thread.join()
        os.close(self._ends_at)
        self.near.close()
        self.far.close()

    def _carry(self):
        other = {self.near.file: self.far.file, self.far.file: self.near.file}
        on_the_way, number = [], 0
        while True:
            wait = max(0.0, on_the_way[0][0] - time.monotonic()) if on_the_way else None
            ready, _, _ = select.select([self._ends_at, *other], [], [], wait)
            if self._ends_at in ready:
                return
            for file in ready:
                packet = os.read(file, _PACKET_BYTES)
                for at in self._arrivals():
                    number += 1
                    heapq.heappush(on_the_way, (at, number, other[file], packet))
            while on_the_way and on_the_way[0][0] <= time.monotonic():
                _, _, file, packet = heapq.heappop(on_the_way)
                with contextlib.suppress(OSError):  # A device that is down takes nothing.
                    os.write(file, packet)

    def _arrivals(self):
        """When this packet arrives: once, twice, or not at all."""
        if self.is_cut or self.chance.random() < self.loss:
            self.lost += 1
            return []
        self.carried += 1
        at = time.monotonic() + self.delay + self.chance.random() * self.jitter
        if self.chance.random() < self.reordering:
            self.reordered += 1
            at += self.delay + 0.01
        if self.chance.random() >= self.doubling:
            return [at]
        self.doubled += 1
        return [at, at + self.chance.random() * 0.02]
