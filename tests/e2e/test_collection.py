# SPDX-License-Identifier: Apache-2.0
"""Deletions that are collected, and devices that come back from before: with gridd and gridctl as people run them."""
import json
import shutil
import signal

import harness

SHORT = ("--retention", "1s", "--enroll-lapse", "1s", "--backup-horizon", "0s")


class Collection(harness.GridTest):
    def rows(self, data="gateway"):
        """What the gateway's database has: key, and whether it is there as a removal."""
        return {key: value is None for key, value in self.database(data).items()}

    def sync(self, store, url, *arguments):
        return self.gridctl("--target", url, "--store", self.path(store), *arguments)

    def offline(self, store, url, *arguments):
        return self.gridctl("--offline", "--target", url, "--store", self.path(store), *arguments)

    def figures(self, gateway):
        return json.loads(self.gridctl("--target", gateway.url, "status", "--server"))

    def wait_until_collected(self, gateway, count):
        """That a row is not in the database may also be since it has not come there yet."""
        harness.wait_until(lambda: self.figures(gateway)["cells_collected"] == count, f"{count} collected removals")

    # SYN-3
    def test_a_device_from_before_the_floor_brings_its_new_rows_and_no_deleted_ones(self):
        gateway = self.server(arguments=SHORT)
        self.sync("stale", gateway.url, "put", "m", "deleted", "1")
        self.sync("stale", gateway.url, "put", "m", "changed", "1")
        self.sync("stale", gateway.url, "sync", "--map", "m")
        self.offline("stale", gateway.url, "put", "m", "changed", "2")
        self.offline("stale", gateway.url, "put", "m", "new", "3")
        for key in "deleted", "changed":
            self.sync("other", gateway.url, "rm", "m", key)
        self.sync("other", gateway.url, "sync", "--map", "m")
        self.wait_until_collected(gateway, 2)
        harness.wait_until(lambda: not self.rows(), "the removals to go from the database")

        figures = self.figures(gateway)
        self.assertEqual((figures["app"], figures["cells_collected"], figures["tombstones"]), ("default", 2, 0))
        self.assertGreater(figures["floor"], 0)

        # The late change of a row that is deleted is refused, and said to be.
        failed = self.gridctl_fails(8, "--target", gateway.url, "--store", self.path("stale"), "sync", "--map", "m")
        sentence = "the row was deleted meanwhile, for good: read it, and write it anew if it is to be"
        self.assertIn("1 write rejected (gridctl deadletter ls shows it): the server rejected a write of m/changed: "
                      "collected: " + sentence, failed.err)
        letter = json.loads(self.offline("stale", gateway.url, "deadletter", "ls"))
        self.assertEqual((letter["key"], letter["reason"], letter["sentence"]), ("changed", "collected", sentence))
        self.sync("other", gateway.url, "sync", "--map", "m")

        for store in "stale", "other":
            self.assertEqual(self.offline(store, gateway.url, "-o", "ndjson", "ls", "m").count("\n"), 1)
            self.assertIn("3", self.offline(store, gateway.url, "get", "m", "new"))
        harness.wait_until(lambda: self.rows() == {"new": 0}, "the new row to be in the database, and nothing else")

    # PROTOCOL P12, P19
    def test_a_restored_backup_gets_back_what_it_lost_and_nothing_that_was_deleted(self):
        gateway = self.server(arguments=SHORT)
        self.sync("a", gateway.url, "put", "m", "deleted", "1")
        self.sync("a", gateway.url, "put", "m", "kept", "1")
        self.sync("stale", gateway.url, "sync", "--map", "m")
        self.sync("a", gateway.url, "rm", "m", "deleted")
        self.wait_until_collected(gateway, 1)
        harness.wait_until(lambda: "deleted" not in self.rows(), "the removal to go from the database")
        listen = gateway.listen()
        gateway.stop()
        shutil.copytree(self.path("gateway"), self.path("backup"))
        gateway = self.server(listen=listen, arguments=SHORT)
        self.sync("a", gateway.url, "put", "m", "lost", "2")
        self.sync("a", gateway.url, "sync", "--map", "m")
        gateway.stop(signal.SIGKILL)
        gateway = self.server("backup", listen=listen, arguments=SHORT)

        for store in "stale", "a", "stale":
            self.sync(store, gateway.url, "sync", "--map", "m")

        for store in "stale", "a":
            keys = self.offline(store, gateway.url, "-o", "ndjson", "ls", "m")
            self.assertEqual(keys.count("\n"), 2, keys)
            self.assertIn("2", self.offline(store, gateway.url, "get", "m", "lost"))

    def test_a_store_and_a_gateway_tell_of_what_they_keep_for_others(self):
        gateway = self.server()
        for key, *ttl in ("removed",), ("expired", "--ttl", "1ms"), ("kept",):
            self.sync("a", gateway.url, "put", "m", key, "1", *ttl)
        self.sync("a", gateway.url, "rm", "m", "removed")
        self.assertEqual(json.loads(self.sync("a", gateway.url, "status", "-o", "json"))["tombstones"], 2)
        for _ in range(2):
            figures = json.loads(self.gridctl("--target", gateway.url, "status", "--server", "-o", "json"))
            self.assertEqual((figures["tombstones"], figures["cells_collected"], figures["floor"]), (2, 0, 0))
        gateway.stop()
        failed = self.gridctl_fails(6, "--target", gateway.url, "status", "--server")
        self.assertIn("cannot reach " + gateway.url, failed.err)
        failed = self.gridctl_fails(2, "--offline", "--store", self.path("a"), "status", "--server")
        self.assertIn("--server asks a server, on the net", failed.err)
        self.gridctl_fails(2, "--target", "unix:" + self.path("nobody"), "status", "--server")

    def test_spans_have_units(self):
        for wrong in "30", "30x", "-1d":
            with self.subTest(wrong):
                gateway = harness.Process([harness.program("gridd"), "--dev", "--check-config", "--retention", wrong])
                self.assertEqual(gateway.ended(), 2)
        gateway = harness.Process([harness.program("gridd"), "--dev", "--check-config", "--retention", "36h"])
        self.assertEqual(gateway.ended(), 0)


if __name__ == "__main__":
    harness.main()
