# SPDX-License-Identifier: Apache-2.0
"""The drill: yesterday's backup is restored, and the devices bring what came after it. And what a backup refuses."""
import json
import os
import secrets
import shutil
import signal
import subprocess

import harness


class Backup(harness.GridTest):
    def device(self, store, url, *arguments):
        return self.gridctl("--target", url, "--store", self.path(store), *arguments)

    def rows(self, *context):
        lines = self.gridctl(*context, "-o", "ndjson", "ls", "m").splitlines()
        return {row["key"]: row["value"] for row in map(json.loads, lines)}

    def backup(self, data="gateway", file="b.grid", **options):
        out = self.gridctl("server", "backup", self.path(file), "--data", self.path(data), **options)
        return [json.loads(line) for line in out.splitlines()]

    def restore(self, data="restored", file="b.grid"):
        out = self.gridctl("server", "restore", self.path(file), "--data", self.path(data))
        return [json.loads(line) for line in out.splitlines()]

    def restore_fails(self, code, *arguments, data="restored", file="b.grid"):
        return self.gridctl_fails(code, "server", "restore", self.path(file), "--data", self.path(data), *arguments).err

    # PROTOCOL P12, P17 to P19; SYN-3
    def test_the_drill(self):
        gateway = self.server()
        listen = gateway.listen()
        for number in range(10):
            self.device("a", gateway.url, "put", "m", f"early{number}", str(number))
        self.device("a", gateway.url, "rm", "m", "early0")
        self.device("b", gateway.url, "sync", "--map", "m")
        self.device("absent", gateway.url, "sync", "--map", "m")
        self.gridctl("--offline", "--store", self.path("absent"), "put", "m", "absent", "7")

        report, = self.backup()
        self.assertEqual((report["app"], report["head"]), ("default", 11))

        self.device("a", gateway.url, "put", "m", "late", "1")
        self.device("a", gateway.url, "put", "m", "early1", "100")
        self.device("a", gateway.url, "rm", "m", "early2")
        self.device("b", gateway.url, "put", "m", "late of b", "2")
        self.device("b", gateway.url, "rm", "m", "early3")
        for store in "a", "b":
            self.device(store, gateway.url, "sync", "--map", "m")
        before = self.rows("--target", gateway.url)
        harness.wait_until(lambda: self.database("gateway").get("early3", 0) is None, "the database to have it all")
        gateway.stop(signal.SIGKILL)
        shutil.move(self.path("gateway"), self.path("burnt"))

        restored, = self.restore("gateway")
        self.assertEqual((restored["cells"], restored["deletions"], restored["head"]), (10, 1, 11))
        gateway = self.server(listen=listen)
        self.assertNotIn("late", self.rows("--target", gateway.url))
        for store in "b", "a", "absent", "b", "a":
            self.device(store, gateway.url, "sync", "--map", "m")

        expected = {**before, "absent": 7}
        self.assertEqual(set(expected), {"late", "late of b", "absent", "early1"} | {f"early{n}" for n in range(4, 10)})
        self.assertEqual(self.rows("--target", gateway.url), expected)
        healed = [device["healed"] for device in self.devices(gateway.url).values()]
        self.assertEqual((sum(healed) > 0, sum(healed)), (True, self.status(gateway.url)["cells_healed"]))
        said = [line for line in gateway.errors if "is given back by device" in line]
        self.assertEqual(len(said), len([cells for cells in healed if cells]), said)
        for store in "a", "b", "absent":
            self.assertEqual(self.rows("--offline", "--store", self.path(store)), expected)
        deleted = dict.fromkeys(("early0", "early2", "early3"))
        harness.wait_until(lambda: self.database("gateway") == {**expected, **deleted}, "the database to follow")
        self.assertEqual(gateway.stop(), 0, gateway.errors)

    def status(self, url):
        return json.loads(self.gridctl("--target", url, "status", "--server"))

    def devices(self, url):
        lines = self.gridctl("--target", url, "server", "devices").splitlines()
        return {device["node"]: device for device in map(json.loads, lines)}

    # PROTOCOL P18
    def test_a_gateway_tells_of_each_device_whether_deletions_are_kept_for_it(self):
        gateway = self.server(arguments=("--enroll-lapse", "1s"))
        node = {}
        for store in "a", "b":
            self.device(store, gateway.url, "put", "m", store, "1")
            self.device(store, gateway.url, "sync", "--map", "m")
            node[store] = json.loads(self.gridctl("--offline", "--store", self.path(store), "status"))["node"]
        self.device("writer", gateway.url, "put", "m", "w", "1")
        watching = self.start("--target", gateway.url, "--store", self.path("a"), "watch", "m")
        watching.first_line()
        harness.wait_until(lambda: self.devices(gateway.url)[node["b"]]["standing"] == "lapsed", "b to lapse")
        devices = self.devices(gateway.url)
        self.assertEqual(list(devices), sorted(devices))
        self.assertEqual(len(devices), 3)
        a, b = devices[node["a"]], devices[node["b"]]
        self.assertEqual((a["linked"], a["standing"]), (True, "enrolled"))
        self.assertEqual((b["linked"], b["standing"]), (False, "lapsed"))
        self.assertGreater(b["behind"], 0)
        self.assertIn("$timestamp", b["heard"])
        harness.wait_until(lambda: self.devices(gateway.url)[node["a"]]["behind"] == 0, "a to have seen it all")
        self.assertEqual(watching.stop(), 0)

    # STO-1
    def test_each_backup_of_a_gateway_at_work_is_a_moment_of_it(self):
        gateway = self.server()
        store = ("--target", gateway.url, "--store", self.path("device"))
        self.gridctl(*store, "import", "m", self.numbers(20_000))
        busy = self.start(*store, "sync", "--map", "m")
        heads = []
        while busy.child.poll() is None or not heads:
            report = self.backup(file=f"{len(heads)}.grid")
            heads.append(report[0]["head"] if report else 0)
        self.assertEqual(busy.ended(), 0, busy.errors)
        heads.append(self.backup(file=f"{len(heads)}.grid")[0]["head"])
        self.assertEqual(heads, sorted(heads))
        self.assertEqual(heads[-1], 20_000)
        self.assertEqual(gateway.stop(), 0, gateway.errors)
        for number in {len(heads) // 2, len(heads) - 1}:
            data = f"restored{number}"
            cells = sum(app["cells"] for app in self.restore(data, f"{number}.grid"))
            self.assertGreaterEqual(cells, heads[number])
            gateway = self.server(data)
            self.assertEqual(len(self.rows("--target", gateway.url)), cells)
            self.assertEqual(gateway.stop(), 0, gateway.errors)

    def made(self):
        """A backup of a gateway with two apps that has ended."""
        gateway = self.server()
        self.gridctl("--target", gateway.url, "put", "m", "k", "1")
        self.gridctl("--target", gateway.url, "--app", "farm", "put", "m", "k", "2")
        self.assertEqual(gateway.stop(), 0, gateway.errors)
        self.assertEqual([app["app"] for app in self.backup()], ["default", "farm"])
        return self.folder / "b.grid"

    def test_a_damaged_backup_changes_nothing(self):
        file = self.made()
        whole = file.read_bytes()
        for at in 12, 100, len(whole) // 2, len(whole) - 1:
            file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
            self.assertIn("is damaged at byte", self.restore_fails(7))
        for cut in whole[:-1], whole[:len(whole) // 2], whole[:20], whole + b"x":
            file.write_bytes(cut)
            self.assertIn("is damaged at byte", self.restore_fails(7))
        file.write_bytes(b"something else")
        self.assertIn("no backup of a gateway", self.restore_fails(1))
        file.write_bytes(whole[:8] + b"\2" + whole[9:])
        self.assertIn("restore it with a newer release", self.restore_fails(1))
        self.assertIn("none.grid", self.restore_fails(3, file="none.grid"))
        self.assertFalse((self.folder / "restored").exists())
        file.write_bytes(whole)
        self.assertEqual(len(self.restore()), 2)

    def test_a_directory_in_use_is_left_alone(self):
        self.made()
        self.assertIn("is not empty", self.restore_fails(1, data="gateway"))
        gateway = self.server("fresh")
        self.assertIn("belongs to a running gridd", self.restore_fails(1, data="fresh"))
        self.assertEqual(gateway.stop(), 0, gateway.errors)
        self.restore("fresh")
        (self.folder / "photos").mkdir()
        (self.folder / "photos" / "beach.jpg").write_bytes(b"not a gateway")
        self.assertIn("beach.jpg", self.restore_fails(1, data="photos"))
        self.assertEqual([path.name for path in (self.folder / "photos").iterdir()], ["beach.jpg"])

    def test_a_restore_that_was_cut_off_keeps_gridd_from_starting_and_is_run_again(self):
        self.made()
        journal = self.folder / "restored" / "restoring" / "apps" / "default" / "journal"
        journal.mkdir(parents=True)
        (journal / "data.mdb").write_bytes(b"half of it")
        gateway = harness.Process([harness.program("gridd"), "--dev", "--listen", "127.0.0.1:0", "--data",
                                   self.path("restored")])
        self.assertEqual(gateway.ended(), 1)
        self.assertIn("was cut off: run it again", "".join(gateway.errors))
        self.restore()
        self.assertEqual(self.rows("--target", self.server("restored").url), {"k": 1})

    def test_a_backup_that_finds_no_room_leaves_the_one_before(self):
        file = self.made()
        whole = file.read_bytes()
        command = (f"ulimit -f 8; trap '' XFSZ; exec {harness.program('gridctl')} server backup {file} "
                   f"--data {self.path('gateway')}")
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False,
                              timeout=harness.DEADLINE_SECONDS)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("can't be written", done.stderr)
        self.assertEqual(file.read_bytes(), whole)
        self.assertFalse((self.folder / "b.grid.part").exists())
        self.gridctl_fails(3, "server", "backup", self.path("x.grid"), "--data", self.path("nothing"))
        self.assertFalse((self.folder / "x.grid").exists())

    def test_a_backup_beyond_the_horizon_says_that_deletions_may_return(self):
        self.made()
        err = self.run_gridctl("server", "restore", self.path("b.grid"), "--data", self.path("restored")).err
        self.assertNotIn("may return", err)
        err = self.run_gridctl("server", "restore", self.path("b.grid"), "--data", self.path("again"),
                               "--backup-horizon", "1ms").err
        self.assertIn("what was deleted since and is collected may return", err)

    # ENC-1
    def test_an_encrypted_journal_stays_so_in_its_backup(self):
        key = self.file("key", secrets.token_hex(32))
        os.chmod(key, 0o600)
        gateway = self.server(arguments=("--key-file", key))
        self.gridctl("--target", gateway.url, "put", "m", "Grete", '"insulin"')
        self.assertEqual(gateway.stop(), 0, gateway.errors)
        self.backup()
        data = (self.folder / "b.grid").read_bytes()
        for secret in (b"Grete", b"insulin"):
            self.assertNotIn(secret, data)
        restored, = self.restore()
        self.assertEqual((restored["encrypted"], restored["cells"], restored["newest"]), (True, 1, None))
        gateway = self.server("restored", arguments=("--key-file", key))
        self.assertEqual(self.rows("--target", gateway.url), {"Grete": "insulin"})


if __name__ == "__main__":
    harness.main()
