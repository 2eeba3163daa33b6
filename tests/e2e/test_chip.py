# SPDX-License-Identifier: Apache-2.0
"""A device on a bare machine (tests/mcu/device.cc), in an emulator with a network card and a flash in a file, and a
real gateway. GRID_CHIP_BOARD says which of the boards, GRID_CHIP_TREE has its firmware. Skipped where that is not built
or there is no emulator: ./dev test builds it."""
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import time
import unittest

import harness
import line
import load

BOARDS = {
    "virt": ("qemu-system-riscv32", "-M", "virt", "-bios", "none", "-global", "virtio-mmio.force-legacy=false",
             "-device", "virtio-rng-device", "-netdev", "user,id=n0", "-device", "virtio-net-device,netdev=n0"),
    "mps2-an385": ("qemu-system-arm", "-M", "mps2-an385", "-nic", "user,model=lan9118"),
}
EMULATOR, *BOARD = BOARDS[os.environ.get("GRID_CHIP_BOARD", "virt")]
MACHINE = (*BOARD, "-display", "none", "-monitor", "none", "-chardev", "stdio,id=c")
HOST = "10.0.2.2"  # This machine, as the emulated one sees it.
KILLS = int(os.environ.get("GRID_CHIP_KILLS", "100"))
LINKS = int(os.environ.get("GRID_CHIP_LINKS", "1000"))
ROW = re.compile(r"row (\S+) (\d+) (\S+) kept")
# Lives too short to sync fill the log of unsent ops, sooner on a busy machine: that is no trouble.
TROUBLE = re.compile(r"cannot open|trouble: (?!full: the log of unsent )|grid:")


class Device(harness.Process):
    """A machine that was switched on. What it keeps is in the image."""

    def __init__(self, elf, image, **words):
        words = {"store": image, "sensor": "/proc/loadavg", **words}
        arguments = "".join(f",arg={name}={value}" for name, value in words.items())
        self.serial = words.pop("serial", None)  # The socket that its serial line ends in.
        serial = f"unix:{self.serial},server=on,wait=off" if self.serial else "null"
        super().__init__([EMULATOR, *MACHINE, "-serial", serial, "-semihosting-config",
                          f"enable=on,target=native,chardev=c,arg=device{arguments}", "-kernel", elf])

    def rows(self):
        """{key: (n, load)} of what it has said to have kept, the newest of each key."""
        found = (ROW.fullmatch(line) for line in list(self.lines))
        return {row[1]: (int(row[2]), float(row[3])) for row in found if row}

    def newest(self):
        """The number of the newest row that it has said to have kept."""
        return max((n for n, _ in self.rows().values()), default=0)

    def line(self, word):
        """The last line that begins with `word`."""
        return next((line for line in reversed(list(self.lines)) if line.startswith(word + " ")), None)


class ChipTest(harness.GridTest):
    """A test with a machine whose firmware is `firmware`."""

    firmware = "device"

    def setUp(self):
        super().setUp()
        self.elf = pathlib.Path(os.environ["GRID_CHIP_TREE"]) / "bin" / f"{self.firmware}.elf"
        if not self.elf.exists() or shutil.which(EMULATOR) is None:
            raise unittest.SkipTest(f"{self.elf} or {EMULATOR} is not there: ./dev mcu makes them")
        self.image = self.path("flash.img")

    def device(self, gateway, **words):
        port = gateway.url.rsplit(":", 1)[1]
        device = Device(str(self.elf), self.image, server=f"ws://{HOST}:{port}", **words)
        self.addCleanup(lambda: device.child.poll() is None and device.stop(signal.SIGKILL))
        return device

    def watched(self, gateway, period):
        """A device that samples so often, and the target at which it is looked into."""
        device = self.device(gateway, mode="sample", period=period, serial=self.path("serial.sock"))
        harness.wait_until(device.rows, "a row")
        return device, "unix:" + device.serial

    def ask(self, target, *arguments):
        """The lines of an answer; nothing was worth a word on stderr."""
        outcome = self.run_gridctl("--target", target, "--app", "farm", *arguments)
        self.assertEqual((outcome.code, outcome.err), (0, ""), outcome)
        return outcome.lines()

    def finish(self, device, code=0):
        self.assertEqual(device.ended(), code, f"{device.lines} {device.errors}")
        return device

    def at_gateway(self, gateway):
        rows = self.gridctl("--target", gateway.url, "--app", "farm", "export", "climate").splitlines()
        return {row["key"]: row["value"] for row in map(json.loads, rows)}

    def assert_has_all(self, gateway, kept):
        """A newer row of a key is no loss: a kill may come between a commit and the word of it."""
        rows = self.at_gateway(gateway)
        lost = {key: row for key, row in kept.items()
                if key not in rows or rows[key]["n"] < row[0] or
                (rows[key]["n"] == row[0] and rows[key]["load"] != row[1])}
        self.assertEqual(lost, {}, f"{len(lost)} of {len(kept)} rows that were kept are not at the gateway")


class Chip(ChipTest):
    def test_a_device_that_knows_no_time_gets_it_and_so_do_its_first_writes(self):
        gateway = self.server()
        before_ms = time.time() * 1000
        device = self.finish(self.device(gateway, mode="once", rows=5))
        self.assertEqual(device.line("synced")[:8], "synced 1")
        self.assertIn(" clock 2 ", device.line("status"))
        self.assert_has_all(gateway, device.rows())
        watch = self.gridctl("--target", gateway.url, "--app", "farm", "-o", "json", "watch", "climate", "--count", 5)
        for line in watch.splitlines():
            stamp = json.loads(line)["stamp"]
            written = time.mktime(time.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
            self.assertLess(abs(written * 1000 - before_ms), 60_000, stamp)

    def test_what_is_written_while_the_gateway_is_down_arrives_when_it_is_back(self):
        gateway = self.server()
        device = self.device(gateway, mode="sample", period=5)
        harness.wait_until(lambda: len(self.at_gateway(gateway)) >= 5, "rows at the gateway")
        gateway.stop(signal.SIGKILL)
        kept = len(device.rows())
        harness.wait_until(lambda: len(device.rows()) >= kept + 50, "50 rows without a gateway")
        gateway = self.server(listen=gateway.listen())
        last = max(device.rows())
        harness.wait_until(lambda: last in self.at_gateway(gateway), "the rows to arrive")
        device.stop(signal.SIGKILL)
        self.finish(self.device(gateway, mode="once"))
        self.assert_has_all(gateway, device.rows())

    def assert_goes_on(self, device, kept):
        """Its life began with every row that earlier ones have kept: a lost one would come again, and not be missed."""
        opened = re.fullmatch(r"opened with (\d+) rows", device.line("opened") or "")  # A kill may tear it.
        if opened and kept:
            self.assertGreaterEqual(int(opened[1]), max(n for n, _ in kept.values()), opened)

    # STO-1
    def test_no_row_that_was_kept_is_lost_by_kill_9_at_any_moment(self):
        chance = load.seeded()
        gateway = self.server()
        kept = {}
        for _ in range(KILLS):
            device = self.device(gateway, mode="sample", period=chance.choice((0, 1, 10)))
            time.sleep(chance.uniform(0.03, 0.35))  # The moment is the dice's, no verdict depends on it.
            device.stop(signal.SIGKILL)
            self.assertFalse(any(map(TROUBLE.match, device.lines)), device.lines)
            self.assert_goes_on(device, kept)
            kept.update(device.rows())
        device = self.finish(self.device(gateway, mode="once"))
        self.assert_goes_on(device, kept)
        print(f"{KILLS} kills, {len(kept)} keys kept, the last row is {max(n for n, _ in kept.values())}", flush=True)
        self.assertGreater(len(kept), KILLS)
        self.assertIn(" pending 0 ", device.line("status"))
        self.assert_has_all(gateway, kept)

    # SYN-1
    def test_a_device_and_a_client_on_linux_hold_the_same_to_the_byte(self):
        gateway = self.server()
        here = ("--store", self.path("here"), "--target", gateway.url, "--app", "farm")
        device = self.device(gateway, mode="sample", period=20)
        harness.wait_until(lambda: len(device.rows()) >= 10, "rows")
        self.gridctl(*here, "put", "climate", "fan/3", '{"on": true}')
        harness.wait_until(lambda: "fan fan/3 1" in device.lines, "the device to hear of the fan")
        device.stop(signal.SIGKILL)
        device = self.finish(self.device(gateway, mode="once", rows=3))
        self.gridctl(*here, "sync", "--map", "climate")
        merkle = json.loads(self.gridctl(*here, "-o", "json", "--offline", "merkle", "climate"))[0]
        self.assertEqual(device.line("digest"), f"digest {merkle['root']} {merkle['cells']}")
        self.assertGreater(merkle["cells"], 13)

    def test_a_device_that_wakes_for_one_sync_gives_up_at_its_deadline_and_keeps_its_rows(self):
        gateway = self.server()
        gateway.stop(signal.SIGKILL)
        device = self.finish(self.device(gateway, mode="once", rows=4, deadline=500), code=1)
        waited = re.fullmatch(r"synced 0 after (\d+) ms", device.line("synced"))
        self.assertTrue(500 <= int(waited[1]) < 1500, waited[0])
        self.assertIn(" pending 4 ", device.line("status"))
        gateway = self.server(listen=gateway.listen())
        self.finish(self.device(gateway, mode="once"))
        self.assert_has_all(gateway, device.rows())

    # BND-1
    def test_a_log_that_fills_without_a_gateway_says_so_and_loses_nothing_that_was_kept(self):
        gateway = self.server()
        gateway.stop(signal.SIGKILL)
        device = self.finish(self.device(gateway, mode="once", rows=1_100), code=1)
        self.assertRegex(device.lines[-1], r"trouble: full: \S.*")
        self.assertEqual(len(device.rows()), 1_024)
        gateway = self.server(listen=gateway.listen())
        self.finish(self.device(gateway, mode="once"))
        self.assert_has_all(gateway, device.rows())

    # BND-1
    def test_a_thousand_links_leave_nothing_behind(self):
        gateway = self.server()
        device = self.finish(self.device(gateway, mode="reconnect", rows=LINKS))
        print(device.line("links"), flush=True)
        self.assertRegex(device.line("links"), rf"links {LINKS} most \d+ left 0")
        self.assert_has_all(gateway, device.rows())

    def test_a_flash_full_of_noise_is_refused_with_a_sentence_and_left_as_it_is(self):
        noise = load.seeded().randbytes(64 * 4096)
        self.file("flash.img", noise)
        gateway = self.server()
        device = self.finish(self.device(gateway, mode="once"), code=1)
        self.assertRegex(device.lines[-1], r"cannot open: corrupt: \S.*")
        self.assertEqual(pathlib.Path(self.image).read_bytes(), noise)

    def assert_wears(self, status):
        self.assertEqual((status["flash_sectors"], status["flash_sectors_good"]), (64, 64))
        self.assertGreaterEqual(status["flash_erases_sum"], 64)
        self.assertGreaterEqual(status["flash_erases_max"], 1)

    def test_gridctl_looks_into_it_over_its_serial_line_and_finds_what_the_gateway_has(self):
        gateway = self.server()
        self.finish(self.device(gateway, mode="once", rows=300))
        device, target = self.watched(gateway, period=600_000)

        def settled():
            status = self.ask(target, "status")[0]
            return status if status["ops_pending"] == 0 and status["state"] == "realtime" else None

        status = harness.wait_until(settled, "a device that is in sync")
        self.assertEqual((status["app"], status["clock"], status["cells"]), ("farm", "server", 301))
        self.assertGreater(status["stack_free_bytes"], 0)
        self.assert_wears(status)
        merkle = self.run_gridctl("--target", gateway.url, "--app", "farm", "merkle", "climate").lines()[0]
        self.assertEqual((status["root"], status["cells"]), (merkle["root"], merkle["cells"]))
        rows = {row["key"]: row["value"] for row in self.ask(target, "ls", "climate")}
        self.assertEqual(rows, self.at_gateway(gateway))
        self.assertEqual(self.ask(target, "get", "climate", "bench/0301"), [rows["bench/0301"]])
        self.assertEqual(self.ask(target, "oplog"), [])
        clock = self.ask(target, "clock")[0]
        self.assertEqual(clock["quality"], "server")
        self.assertEqual(len(device.rows()), 1, "looking costs no row")
        self.gridctl_fails(3, "--target", target, "get", "climate", "nobody")
        self.gridctl_fails(5, "--target", target, "--app", "other", "status")

    def test_gridctl_sees_what_is_pending_while_there_is_no_gateway(self):
        gateway = self.server()
        gateway.stop(signal.SIGKILL)
        self.finish(self.device(gateway, mode="once", rows=4, deadline=300), code=1)
        _, target = self.watched(gateway, period=600_000)
        status = self.ask(target, "status")[0]
        self.assertEqual((status["ops_pending"], status["cells"], status["clock"]), (5, 0, "unknown"))
        self.assertIn(status["state"], ("backoff", "connecting"))
        self.assert_wears(status)
        log = self.ask(target, "oplog")
        self.assertEqual([(one["key"], one["state"]) for one in log],
                         [(f"bench/{n:04}", "waiting") for n in range(1, 6)])
        rows = self.ask(target, "ls", "climate")
        self.assertEqual([(row["key"], row["value"]) for row in rows], [(one["key"], one["value"]) for one in log])
        self.assertEqual(self.ask(target, "get", "climate", "bench/0004"), [rows[3]["value"]])
        self.assertEqual(self.ask(target, "clock")[0]["quality"], "unknown")
        self.server(listen=gateway.listen())
        harness.wait_until(lambda: self.ask(target, "oplog") == [], "a log that was sent")
        self.assertEqual(self.ask(target, "status")[0]["durable"], 5)

    # BND-1
    def test_noise_on_its_serial_line_costs_no_row_and_no_answer(self):
        chance = load.seeded()
        gateway = self.server()
        device, target = self.watched(gateway, period=5)
        begun = line.packet(line.OPEN, 7, 0, b"\x01")
        junk = (chance.randbytes(5_000), b"\xff" * 20_000, begun[:-3], begun + line.packet(line.FRAME, 7, 0, b"\xff"),
                begun + line.packet(line.FRAME, 7, 1, b"\x08\x01"), b"login: \r\n")
        for one in junk:
            with socket.socket(socket.AF_UNIX) as wire:
                wire.connect(device.serial)
                wire.sendall(one)
            self.assertEqual(self.ask(target, "status")[0]["app"], "farm")

        carried = 0

        def disturb(data, _):
            """Noise, and a byte lost, in the very first bytes and in the middle of an answer."""
            nonlocal carried
            before, carried = carried, carried + len(data)
            is_hit = before == 0 or before < 1_500 <= carried
            return data[1:] + b"boot: ok\r\n\0\xff\x55" if is_hit else data

        cable = line.Cable(device.serial, disturb)
        self.addCleanup(cable.pull)
        rows = self.ask("serial:" + cable.name, "ls", "climate")
        self.assertGreater(len(rows), 0)
        before = device.newest()  # Not the count of rows: a device that has gone on for long writes no new key.
        harness.wait_until(lambda: device.newest() > before, "a row after all that")
        device.stop(signal.SIGKILL)
        self.finish(self.device(gateway, mode="once"))
        self.assert_has_all(gateway, device.rows())


if __name__ == "__main__":
    harness.main()
