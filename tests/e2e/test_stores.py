# SPDX-License-Identifier: Apache-2.0
"""Stores that can't be opened: each with a sentence that names it, and nothing of it changed."""
import os
import pathlib
import pwd
import shutil
import subprocess
import unittest

import harness


class Stores(harness.GridTest):
    def test_a_folder_of_other_things_is_no_store(self):
        folder = self.folder / "photos"
        folder.mkdir()
        (folder / "beach.jpg").write_bytes(b"not a store")
        outcome = self.gridctl_fails(1, "--store", folder, "--offline", "put", "m", "k", "1")
        self.assertIn(str(folder), outcome.err)
        self.assertEqual([path.name for path in folder.iterdir()], ["beach.jpg"])

    def test_a_file_is_no_store(self):
        path = self.file("notes.txt", "hello")
        outcome = self.gridctl_fails(1, "--store", path, "--offline", "put", "m", "k", "1")
        self.assertIn(path, outcome.err)
        self.assertEqual(pathlib.Path(path).read_text(), "hello")

    def test_a_damaged_store_is_told_and_left_as_it_is(self):
        store = self.folder / "store"
        self.gridctl("--store", store, "--offline", "import", "m", self.numbers(2_000))
        data = store / "data.mdb"
        whole = data.read_bytes()
        for damaged, code in ((whole[: len(whole) // 2], 7), (b"\xa5" * len(whole), 1)):
            data.write_bytes(damaged)
            self.assertIn(str(store), self.gridctl_fails(code, "--store", store, "--offline", "get", "m", "1").err)
            self.assertEqual(data.read_bytes(), damaged)
        data.write_bytes(whole)
        self.gridctl("--store", store, "--offline", "get", "m", "1")

    # PROTOCOL P12, P27
    def test_a_database_that_has_outlived_its_journal_gives_it_its_rows_back(self):
        def put_by_way_of(gateway, store, first, count):
            rows = self.file("rows.csv", "id\n" + "".join(f"{number}\n" for number in range(first, first + count)))
            self.gridctl("--store", self.path(store), "--target", gateway.url, "import", "m", rows)
            self.gridctl("--store", self.path(store), "--target", gateway.url, "sync")
            self.assertEqual(gateway.stop(), 0, gateway.errors)

        def rows_of(gateway):
            return len(self.gridctl("--target", gateway.url, "ls", "m").splitlines())

        put_by_way_of(self.server(), "a", 0, 100)
        put_by_way_of(self.server(), "a", 0, 100)
        journal, = self.folder.glob("gateway/**/journal")
        shutil.copytree(journal, self.folder / "backup")
        shutil.rmtree(journal)
        gateway = self.server()
        self.assertEqual(rows_of(gateway), 100)
        put_by_way_of(gateway, "b", 100, 50)
        # The backup is of another life of the journal, which was longer: the same position means something else there.
        shutil.rmtree(journal)
        shutil.copytree(self.folder / "backup", journal)
        gateway = self.server()
        self.assertEqual(rows_of(gateway), 150)
        self.assertIn("outlived its journal", "".join(gateway.errors))

    def test_a_store_in_use_by_a_running_process_says_so(self):
        store = self.path("store")
        self.gridctl("--store", store, "--offline", "put", "m", "k", "1")
        watching = self.start("--store", store, "--offline", "watch", "m")
        watching.first_line()
        outcome = self.gridctl_fails(1, "--store", store, "--offline", "put", "m", "k", "1")
        self.assertIn(store, outcome.err)
        self.assertIn("another process", outcome.err)
        self.assertEqual(watching.stop(), 0)
        self.gridctl("--store", store, "--offline", "put", "m", "k", "2")

    @unittest.skipIf(os.geteuid() == 0 and not pathlib.Path("/usr/bin/setpriv").exists(), "root may write everywhere")
    def test_a_read_only_store_says_so(self):
        store = self.folder / "store"
        self.gridctl("--store", store, "--offline", "put", "m", "k", "1")
        self.folder.chmod(0o755)
        for path in [*store.iterdir(), store]:
            path.chmod(0o555 if path.is_dir() else 0o444)
        command = [harness.program("gridctl"), "--store", str(store), "--offline", "put", "m", "k", "2"]
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            command = ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups", *command]
        done = subprocess.run(command, capture_output=True, text=True, timeout=harness.DEADLINE_SECONDS, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(str(store), done.stderr)
        store.chmod(0o755)
        for path in store.iterdir():
            path.chmod(0o644)
        self.assertEqual(self.gridctl("--store", store, "--offline", "get", "m", "k"), "1\n")

    def test_a_store_of_another_app_is_not_mixed_up(self):
        store = self.path("store")
        self.gridctl("--store", store, "--offline", "--app", "farm", "put", "m", "k", "1")
        outcome = self.run_gridctl("--store", store, "--offline", "--app", "home", "get", "m", "k")
        self.assertNotEqual(outcome.code, 0, str(outcome))

    def test_a_disk_that_fills_keeps_what_fitted_and_goes_on_with_more_room(self):
        lines = "".join(f"{i},row number {i} of a file too large\n" for i in range(100_000))
        rows = self.file("a.csv", "id,note\n" + lines)
        gridctl = f"{harness.program('gridctl')} --store {self.path('disk')}/store --offline"
        script = f"""
            mkdir {self.path('disk')} && mount -t tmpfs -o size=6m none {self.path('disk')} || exit 77
            {gridctl} put m first 1 || exit 1
            {gridctl} import m {rows}; echo "import $?"
            {gridctl} get m first; echo "get $?"
            mount -o remount,size=200m {self.path('disk')}
            {gridctl} import m {rows}; echo "import $?"
            {gridctl} ls m -o raw | wc -l
        """
        done = subprocess.run(["unshare", "--map-root-user", "--mount", "bash", "-c", script], capture_output=True,
                              text=True, timeout=harness.DEADLINE_SECONDS, check=False)
        if done.returncode == 77 or "unshare" in done.stderr:
            self.skipTest("a small disk can't be mounted here")
        self.assertEqual(done.stdout.split("\n"), ["import 8", "1", "get 0", "import 0", "100001", ""], done.stderr)
        self.assertIn(self.path("disk"), done.stderr)

    def test_killed_while_it_imports_leaves_a_store_that_opens(self):
        store = self.path("store")
        rows = self.file("a.csv", "id,v\n" + "".join(f"{i},{i}\n" for i in range(200_000)))
        importing = self.start("--store", store, "--offline", "import", "m", rows)
        begun = pathlib.Path(store)
        harness.wait_until(lambda: begun.exists() or importing.child.poll() is not None, "the store is there")
        importing.stop(harness.signal.SIGKILL)
        kept = self.gridctl("--store", store, "--offline", "ls", "m", "-o", "raw").split()
        self.gridctl("--store", store, "--offline", "import", "m", rows)
        self.assertEqual(len(self.gridctl("--store", store, "--offline", "ls", "m", "-o", "raw").split()), 200_000)
        self.assertLessEqual(len(kept), 200_000)


if __name__ == "__main__":
    harness.main()
