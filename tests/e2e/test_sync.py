# SPDX-License-Identifier: Apache-2.0
"""Devices and a gateway: what is written on one side arrives on the other, whatever happened between."""
import json
import signal

import harness

NOWHERE = "ws://127.0.0.1:1"  # Nothing listens on port 1.


class Sync(harness.GridTest):
    def device(self, name, server):
        """The options that make gridctl act as this device."""
        url = server if isinstance(server, str) else server.url
        return ("--store", self.path(name), "--target", url)

    def sync(self, device, *options):
        return json.loads(self.gridctl(*device, "sync", "-o", "json", *options))

    def export(self, device, *options, name="m"):
        return self.gridctl(*device, "export", name, *options)

    def test_a_row_travels_from_one_device_to_another(self):
        gateway = self.server()
        a, b = self.device("a", gateway), self.device("b", gateway)
        outcome = self.gridctl_fails(0, *a, "put", "m", "bench/3", '{"temp":21.5}', "-o", "json")
        self.assertEqual(outcome.json()["outcome"], "durable", str(outcome))
        self.assertEqual(outcome.err, "")
        self.assertEqual(self.gridctl(*b, "get", "m", "bench/3"), '{"temp":21.5}\n')

    def test_sync_reports_what_moved(self):
        gateway = self.server()
        a, b = self.device("a", gateway), self.device("b", gateway)
        for key in "abc":
            self.gridctl(*a, "--offline", "put", "m", key, "1")
        names = ("converged", "cells_pushed", "cells_pulled", "ops_pending")
        up = self.sync(a)
        self.assertEqual([up[name] for name in names], [True, 3, 0, 0])
        down = self.sync(b)
        self.assertEqual([down[name] for name in names], [True, 0, 3, 0])
        self.assertEqual(list(down), [*names, "bytes_sent", "bytes_received", "round_trips", "ms"])
        again = self.sync(b)
        self.assertEqual((again["cells_pushed"], again["cells_pulled"]), (0, 0))

    def test_what_was_put_with_no_server_travels_later(self):
        a = self.device("a", NOWHERE)
        outcome = self.gridctl_fails(0, *a, "put", "m", "k", "1")
        self.assertEqual(outcome.err, "gridctl: kept, not sent\n")
        gateway = self.server()
        self.assertEqual(self.sync(self.device("a", gateway))["cells_pushed"], 1)
        self.assertEqual(self.gridctl("--target", gateway.url, "get", "m", "k"), "1\n")

    def test_the_later_write_wins_on_every_side(self):
        gateway = self.server()
        a, b = self.device("a", gateway), self.device("b", gateway)
        self.gridctl(*a, "put", "m", "k", '"first"')
        self.sync(b)
        self.gridctl(*a, "--offline", "put", "m", "k", '"from a"')
        self.gridctl(*b, "--offline", "put", "m", "k", '"from b, later"')
        for device in (b, a, b):
            self.assertTrue(self.sync(device)["converged"])
        for device in (a, b):
            self.assertEqual(self.gridctl(*device, "--offline", "get", "m", "k"), '"from b, later"\n')
        self.assertEqual(self.gridctl("--target", gateway.url, "get", "m", "k"), '"from b, later"\n')

    def test_a_removed_row_is_removed_everywhere(self):
        gateway = self.server()
        a, b = self.device("a", gateway), self.device("b", gateway)
        self.gridctl(*a, "put", "m", "k", "1")
        self.gridctl(*a, "put", "m", "stays", "1")
        self.sync(b)
        self.gridctl(*b, "rm", "m", "k")
        self.gridctl_fails(3, *a, "get", "m", "k")
        self.assertEqual(self.export(a), self.export(b))
        self.assertEqual(self.export(a), '{"key":"stays","value":1}\n')

    def test_exports_are_the_same_bytes_on_every_side(self):
        gateway = self.server()
        a, b = self.device("a", gateway), self.device("b", gateway)
        for name, device in (("a", a), ("b", b)):
            rows = "".join(f"{name if i % 10 else 'both'}/{i},{i},{name}\n" for i in range(2_000))
            self.gridctl(*device, "--offline", "import", "m", self.file(name + ".csv", "id,n,who\n" + rows))
        for device in (a, b, a):
            self.assertTrue(self.sync(device)["converged"])
        exported = self.export(a, "--offline")
        self.assertEqual(len(exported.splitlines()), 2 * 1_800 + 200)
        self.assertEqual(self.export(b, "--offline"), exported)
        self.assertEqual(self.gridctl("--target", gateway.url, "export", "m"), exported)
        roots = [self.gridctl(*device, "--offline", "merkle", "m") for device in (a, b)]
        self.assertEqual(roots[0], roots[1])
        self.assertEqual(self.gridctl("--target", gateway.url, "merkle", "m"), roots[0])

    def test_only_the_maps_asked_for_are_pulled(self):
        gateway = self.server()
        a, b = self.device("a", gateway), self.device("b", gateway)
        for name in ("one", "two", "three"):
            self.gridctl(*a, "put", name, "k", "1")
        self.assertEqual(self.sync(b, "--map", "one", "--map", "two")["cells_pulled"], 2)
        self.assertEqual(self.export(b, "--offline", name="three"), "")
        self.assertEqual(self.sync(b)["cells_pulled"], 1)

    def test_reads_sync_first_unless_offline(self):
        gateway = self.server()
        a, b = self.device("a", gateway), self.device("b", gateway)
        self.gridctl(*a, "put", "m", "k", "1")
        self.gridctl_fails(3, *b, "--offline", "get", "m", "k")
        self.assertEqual(self.gridctl(*b, "ls", "m"), '{"key":"k","value":1}\n')
        self.assertEqual(self.gridctl(*b, "--offline", "get", "m", "k"), "1\n")

    def test_reads_push_what_is_owed_too(self):
        gateway = self.server()
        a = self.device("a", gateway)
        self.gridctl(*a, "--offline", "put", "other", "k", "1")
        self.gridctl_fails(3, *a, "get", "m", "k")
        self.assertEqual(self.gridctl("--target", gateway.url, "get", "other", "k"), "1\n")

    def test_reads_go_on_without_the_server_and_say_so(self):
        gateway = self.server()
        a = self.device("a", gateway)
        self.gridctl(*a, "put", "m", "k", "1")
        gateway.stop()
        outcome = self.gridctl_fails(0, *a, "get", "m", "k")
        self.assertEqual(outcome.out, "1\n")
        self.assertIn("gridctl: not synced: cannot reach", outcome.err)

    def test_a_target_without_a_store_keeps_nothing_here(self):
        gateway = self.server()
        target = ("--target", gateway.url)
        self.gridctl(*target, "put", "m", "a/1", "1")
        self.gridctl(*target, "import", "m", self.file("a.csv", "id,v\na/2,2\nb/3,3\n"))
        self.assertEqual(self.gridctl(*target, "ls", "m", "a/", "-o", "raw"), "a/1\na/2\n")
        self.gridctl(*target, "rm", "m", "a/1")
        self.gridctl_fails(3, *target, "get", "m", "a/1")
        self.assertEqual(self.gridctl(*target, "get", "m", "a/2"), '{"id":"a/2","v":2}\n')
        self.assertFalse((self.folder / "share").exists())

    def test_an_unreachable_server(self):
        for verb in (("get", "m", "k"), ("put", "m", "k", "1"), ("rm", "m", "k"), ("ls", "m"), ("export", "m"),
                     ("status",), ("watch", "m"), ("import", "m", self.file("a.csv", "id\n1\n"))):
            with self.subTest(verb=verb):
                self.assertIn(NOWHERE, self.gridctl_fails(6, "--target", NOWHERE, *verb).err)
        self.assertIn(NOWHERE, self.gridctl_fails(6, *self.device("a", NOWHERE), "sync").err)
        stranger = "ws://no-such-host.invalid:1"
        self.assertIn(stranger, self.gridctl_fails(6, "--target", stranger, "get", "m", "k").err)

    def test_a_server_that_never_answers_is_given_up(self):
        import socket
        with socket.create_server(("127.0.0.1", 0)) as deaf:
            url = f"ws://127.0.0.1:{deaf.getsockname()[1]}"
            self.gridctl_fails(6, "--target", url, "get", "m", "k")
            outcome = self.gridctl_fails(0, *self.device("a", url), "put", "m", "k", "1")
            self.assertEqual(outcome.err, "gridctl: kept, not sent\n")
            self.gridctl_fails(6, *self.device("a", url), "sync", "--timeout", "1s")

    def test_status_says_whether_the_server_is_there(self):
        gateway = self.server()
        a = self.device("a", gateway)
        self.gridctl(*a, "put", "m", "k", "1")
        status = json.loads(self.gridctl(*a, "status"))
        self.assertEqual((status["reachable"], status["ops_pending"], status["cells"]), (True, 0, 1))
        gateway.stop()
        status = json.loads(self.gridctl(*a, "status"))
        self.assertEqual((status["reachable"], status["ops_pending"], status["cells"]), (False, 0, 1))

    def test_apps_share_a_gateway_and_see_nothing_of_each_other(self):
        gateway = self.server()
        self.gridctl("--target", gateway.url, "--app", "farm", "put", "m", "k", '"farm"')
        self.gridctl("--target", gateway.url, "--app", "home", "put", "m", "k", '"home"')
        self.assertEqual(self.gridctl("--target", gateway.url, "--app", "farm", "get", "m", "k"), '"farm"\n')
        self.gridctl_fails(3, "--target", gateway.url, "get", "m", "k")

    # ACK-1
    def test_the_gateway_keeps_what_it_acknowledged_across_a_kill(self):
        gateway = self.server()
        a = self.device("a", gateway)
        self.gridctl(*a, "put", "m", "k", "1")
        gateway.stop(signal.SIGKILL)
        again = self.server(listen=gateway.listen())
        self.assertEqual(self.gridctl("--target", again.url, "get", "m", "k"), "1\n")
        self.gridctl(*a, "put", "m", "l", "2")
        self.assertTrue(self.sync(a)["converged"])

    def vanish(self, gateway, syncing, has_begun):
        """Kills the gateway once `has_begun`, and lets it come back at the same address."""
        harness.wait_until(lambda: has_begun() or syncing.child.poll() is not None, "the sync has begun")
        gateway.stop(signal.SIGKILL)
        again = self.server(listen=gateway.listen())
        self.assertEqual(syncing.ended(), 0, syncing.errors)
        return again

    @staticmethod
    def size_of(folder):
        try:
            return sum(path.stat().st_size for path in harness.pathlib.Path(folder).rglob("*"))
        except FileNotFoundError:  # A file went away between being listed and being looked at.
            return 0

    def test_a_gateway_that_vanishes_in_the_middle_of_a_push_and_of_a_pull_is_found_again(self):
        gateway = self.server()
        a, b = self.device("a", gateway), self.device("b", gateway)
        self.gridctl(*a, "--offline", "import", "m", self.numbers(50_000))
        gateway = self.vanish(gateway, self.start(*a, "sync"), lambda: self.size_of(self.path("gateway")) > 500_000)
        self.vanish(gateway, self.start(*b, "sync"), lambda: self.size_of(self.path("b")) > 500_000)
        self.assertTrue(self.sync(b)["converged"])
        self.assertTrue(self.export(a, "--offline") == self.export(b, "--offline"), "the exports differ")
        self.assertEqual(len(self.export(b, "--offline").splitlines()), 50_000)

    def test_a_device_store_that_is_deleted_comes_back_from_the_gateway(self):
        gateway = self.server()
        a = self.device("a", gateway)
        self.gridctl(*a, "import", "m", self.file("a.csv", "id\n" + "".join(f"{i}\n" for i in range(500))))
        exported = self.export(a)
        harness.shutil.rmtree(self.path("a"))
        self.assertEqual(self.sync(a)["cells_pulled"], 500)
        self.assertEqual(self.export(a, "--offline"), exported)

    def test_a_gateway_that_lost_its_data_gets_it_back_from_the_device(self):
        gateway = self.server()
        a = self.device("a", gateway)
        self.gridctl(*a, "import", "m", self.file("a.csv", "id\n" + "".join(f"{i}\n" for i in range(500))))
        self.sync(a)
        exported = self.export(a)
        gateway.stop()
        harness.shutil.rmtree(self.path("gateway"))
        again = self.server(listen=gateway.listen())
        self.assertTrue(self.sync(a)["converged"])
        self.assertEqual(self.gridctl("--target", again.url, "export", "m"), exported)


if __name__ == "__main__":
    harness.main()
