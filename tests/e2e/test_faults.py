# SPDX-License-Identifier: Apache-2.0
"""Disks that fall ill under the real programs (tests/faults/sick_disk.cc is preloaded): a sync that failed is the end
of the one who asked for it, a full disk is not, and what was acknowledged durable is there afterwards."""
import os
import pathlib
import signal
import unittest

import harness
import load


class SickDisk(load.LoadTest):
    def setUp(self):
        super().setUp()
        library = pathlib.Path(os.environ["GRID_BIN"]).parent / "tests" / "libgrid_sick_disk.so"
        if not library.exists():
            raise unittest.SkipTest(f"{library} is not built")
        self.order = self.folder / "order"
        # A sanitizer wants to be the first library of its program, and can do without.
        sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        self.sick = {"LD_PRELOAD": str(library), "GRID_SICK_DISK": str(self.order), "ASAN_OPTIONS": sanitizer}

    def fall_ill(self, how, where):
        part = self.folder / "part"
        part.write_text(f"{how} {where}\n")
        part.rename(self.order)

    def start_that_hangs(self):
        """A gridd whose app never gets an answer to its first write: whoever looks for an order reads from a FIFO."""
        (self.folder / "gateway/apps/default").mkdir(parents=True)
        os.mkfifo(self.order)
        order = os.open(self.order, os.O_RDWR)
        self.addCleanup(os.close, order)
        os.write(order, b"none nothing\n")  # For the process, which writes its number into the data directory first.
        gateway = harness.Process([harness.program("gridd"), "--dev", "--listen", "127.0.0.1:0", "--data",
                                   self.path("gateway")], self.sick)
        self.addCleanup(lambda: gateway.child.poll() is None and gateway.stop(signal.SIGKILL))
        return gateway

    def test_a_start_that_hangs_on_its_disk_can_be_ended(self):
        gateway = self.start_that_hangs()
        harness.wait_until(lambda: (self.folder / "gateway/apps/default/journal").exists(), "its app is being opened")
        self.assertEqual(gateway.stop(), 0, gateway.errors)
        self.assertEqual(gateway.lines, [])

    def test_a_start_that_fails_waits_for_no_app_that_hangs(self):
        (self.folder / "gateway/apps/broken").mkdir(parents=True)
        self.file("gateway/apps/broken/journal", "no folder")
        gateway = self.start_that_hangs()
        self.assertEqual(gateway.ended(), 1, gateway.errors)
        self.assertIn("app broken: ", gateway.errors[-1])

    def assert_ends_and_keeps_its_promises(self, how, where):
        gateway = self.server(env=self.sick)
        loaders = {name: self.loader(name, gateway.url) for name in "ab"}
        self.wait_for_durable(300, *loaders.values())
        self.fall_ill(how, where)
        self.assertEqual(gateway.ended(), 1, gateway.errors)
        self.assertEqual(self.order.read_text(), "done\n")
        reason = "gridd: ends: app default: a disk has failed: "
        said = [line for line in gateway.errors if line.startswith(reason)]
        self.assertEqual(len(said), 1, gateway.errors)
        self.assertIn(where, said[0])
        self.assertIn("all that was acknowledged durable is kept", said[0])
        written = {name: self.stop_loader(loader) for name, loader in loaders.items()}
        ledgers = {name: load.durable(loader) for name, loader in loaders.items()}
        gateway = self.server()
        self.assert_holds(gateway.url, ledgers)
        self.assert_converged(gateway.url, "ab")
        self.assert_holds(gateway.url, written)

    # ACK-1
    def test_a_failed_sync_of_the_journal_ends_the_gateway_and_costs_nothing_durable(self):
        self.assert_ends_and_keeps_its_promises("sync", "journal")

    # ACK-1
    def test_a_failed_write_of_the_journal_ends_the_gateway_and_costs_nothing_durable(self):
        self.assert_ends_and_keeps_its_promises("write", "journal")

    def test_a_failed_sync_of_the_database_ends_the_gateway_and_costs_nothing_durable(self):
        self.assert_ends_and_keeps_its_promises("sync", "cells.sqlite")

    def test_a_full_disk_makes_the_gateway_wait_and_costs_nothing(self):
        gateway = self.server(env=self.sick)
        loader = self.loader("a", gateway.url)
        self.wait_for_durable(100, loader)
        self.fall_ill("full", "journal")
        harness.wait_until(lambda: any("No space left" in line for line in gateway.errors), "the gateway to say so")
        self.assertIsNone(gateway.child.poll())
        self.order.unlink()
        self.wait_for_durable(100, loader)
        written = self.stop_loader(loader)
        self.assertEqual(gateway.stop(), 0, gateway.errors)
        gateway = self.server()
        self.gridctl("--store", self.path("a"), "--target", gateway.url, "sync")
        self.assert_holds(gateway.url, {"a": written})

    # STO-1
    def test_a_failed_sync_ends_a_device_and_its_store_opens_again(self):
        gateway = self.server()
        loader = self.loader("a", gateway.url, env=self.sick)
        self.wait_for_durable(100, loader)
        self.fall_ill("sync", "data.mdb")
        self.assertEqual(loader.ended(), 1, loader.errors)
        self.assertTrue(any("the node has stopped: store " in line for line in loader.errors), loader.errors)
        self.assert_holds(gateway.url, {"a": load.durable(loader)})
        rows = self.gridctl("--store", self.path("a"), "--offline", "export", "load")
        self.assertGreaterEqual(rows.count('"a/'), load.durable(loader))
        self.assert_converged(gateway.url, "a")


if __name__ == "__main__":
    harness.main()
