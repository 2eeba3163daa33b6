# SPDX-License-Identifier: Apache-2.0
"""Looking into a real device with a real gridctl: over its Unix socket, and over what stands for a serial line."""
import concurrent.futures
import os
import pathlib
import socket
import stat
import subprocess

import harness
import line
import load


class Inspect(harness.GridTest):
    def device(self, name="B", server="ws://127.0.0.1:1", env=None):
        """A device of the demo: it samples, writes, and finds no gateway unless it is given one. Its socket's path."""
        store, path = self.path(name), self.path(name + ".sock")
        command = [harness.program("grid_demo"), "--device", name, store, server]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                 text=True, env={**os.environ, **(env or {})})
        self.addCleanup(lambda: (child.kill(), child.wait(), child.stdin.close(), child.stderr.close()))
        harness.wait_until(lambda: self.run_gridctl("--target", "unix:" + path, "get", "now", "load").code == 0,
                           "a device that has taken a reading")
        child.stdin.write("hold\n")
        child.stdin.flush()
        self.child = child
        return path

    def cable(self, path, *options):
        cable = line.Cable(path, *options)
        self.addCleanup(cable.pull)
        return cable

    def refused(self, store):
        """Why a device with this store does not start."""
        done = subprocess.run([harness.program("grid_demo"), "--device", "X", store, "ws://127.0.0.1:1"],
                              input="", capture_output=True, text=True, check=False, timeout=harness.DEADLINE_SECONDS)
        self.assertEqual(done.returncode, 1, done.stderr)
        return done.stderr

    def ask(self, target, *arguments):
        return self.gridctl("--target", target, *arguments)

    def check_all(self, target):
        """Every verb, with what a device that was never synced has to say."""
        outcome = self.run_gridctl("--target", target, "status")
        self.assertEqual((outcome.code, outcome.err), (0, ""))
        status = outcome.json()
        self.assertEqual((status["app"], status["protocol"], status["durable"]), ("default", 1, 0))
        self.assertRegex(status["node"], r"\A[0-9a-f]{16}\Z")
        self.assertGreater(status["ops_pending"], 0)
        self.assertEqual(status["cells"], 0, "what is pending is not what others can have")
        self.assertGreater(status["memory_free_bytes"], 0)
        clock = self.run_gridctl("--target", target, "clock").json()
        self.assertEqual(clock["quality"], status["clock"])
        rows = self.run_gridctl("--target", target, "ls", "now").lines()
        self.assertEqual([row["key"] for row in rows], sorted(row["key"] for row in rows))
        value = self.run_gridctl("--target", target, "get", "now", "load").json()
        self.assertIn({"key": "load", "value": value}, rows)
        prefixed = self.run_gridctl("--target", target, "ls", "now", "lo").lines()
        self.assertEqual([row["key"] for row in prefixed], ["load"])
        log = self.run_gridctl("--target", target, "oplog").lines()
        self.assertEqual(len(log), status["ops_pending"])
        self.assertEqual([one["seq"] for one in log], sorted(one["seq"] for one in log))
        self.assertEqual({one["state"] for one in log}, {"waiting"})
        self.gridctl_fails(3, "--target", target, "get", "now", "nothing")
        return rows

    def test_a_device_is_looked_into_over_its_socket(self):
        path = self.device()
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        rows = self.check_all("unix:" + path)
        self.assertEqual(self.gridctl("--target", "unix:" + path, "ls", "now", "-o", "raw").split(),
                         [row["key"] for row in rows])

    def test_a_device_is_looked_into_over_a_serial_line(self):
        cable = self.cable(self.device())
        self.check_all("serial:" + cable.name)
        self.check_all(f"serial:{cable.name}@9600")

    def test_noise_on_the_line_costs_time_and_nothing_else(self):
        def disturb(data, number):
            if number % 3 == 1:
                return data[:len(data) // 2] + b"boot: ok\r\n\0\xff\x55" + data[len(data) // 2:]
            return b"\x7f\x7f\0\0\x03" + data

        cable = self.cable(self.device(), disturb)
        outcome = self.run_gridctl("--target", "serial:" + cable.name, "ls", "now")
        self.assertEqual((outcome.code, outcome.err), (0, ""))
        self.assertGreater(len(outcome.lines()), 1)

    def disturbed(self, path, rate, seed, *verb):
        """What gridctl makes of a line that is so noisy, both ways."""
        cable = self.cable(path, line.Noise(seed, rate), line.Noise(~seed, rate))
        outcome = self.run_gridctl("--target", "serial:" + cable.name, *verb)
        cable.pull()
        return f"seed {seed}, {rate}: {outcome}", outcome

    def device_with_rows(self, count):
        """Its path, and what a good line shows of the map `many`."""
        self.gridctl("--store", self.path("B"), "--offline", "import", "many", self.numbers(count))
        path = self.device()
        return path, {verb: self.ask("unix:" + path, *verb) for verb in (("ls", "many"), ("get", "many", "7"))}

    # BND-1
    def test_a_line_that_hits_one_byte_in_a_thousand_shows_every_row_as_it_is(self):
        path, good = self.device_with_rows(200)
        first = load.seeded().getrandbits(32)
        runs = [(rate, first + n, *verb) for n, rate in enumerate((0.0001, 0.001, 0.001)) for verb in good]
        with concurrent.futures.ThreadPoolExecutor(3) as pool:  # A device takes four guests.
            done = list(pool.map(lambda run: (run[2:], *self.disturbed(path, *run)), runs))
        for verb, what, outcome in done:
            self.assertEqual((outcome.code, outcome.err, outcome.out), (0, "", good[verb]), what)

    # BND-1
    def test_a_hopeless_line_ends_in_time_and_shows_nothing_wrong(self):
        path, good = self.device_with_rows(40)
        first = load.seeded().getrandbits(32)
        runs = [(rate, first + n, *verb) for n, rate in enumerate((0.01, 0.03, 0.05)) for verb in (*good, ("status",))]
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            done = list(pool.map(lambda run: (run[2:], *self.disturbed(path, *run)), runs))
        for verb, what, outcome in done:
            self.assertIn(outcome.code, (0, 6), what)
            if verb != ("status",):
                self.assertTrue(good[verb].startswith(outcome.out), what)
                self.assertEqual(outcome.code == 0, outcome.out == good[verb], what)
            if outcome.code == 6:
                sentence = r"\Agridctl: [^\n]*(within 5 s|has taken 60 s)[^\n]*noise[^\n]*\n\Z"
                self.assertRegex(outcome.err, sentence, what)

    def test_what_was_synced_counts_as_the_gateway_counts_it(self):
        server = self.server()
        path = self.device(server=server.url)
        target = "unix:" + path

        def settled():
            status = self.run_gridctl("--target", target, "status").json()
            return status if status["ops_pending"] == 0 and status["state"] == "realtime" else None

        status = harness.wait_until(settled, "a device that is in sync")
        of_gateway = self.run_gridctl("--target", server.url, "merkle").lines()
        self.assertEqual(status["cells"], sum(one["cells"] for one in of_gateway))
        self.assertEqual(int(status["root"], 16), sum(int(one["root"], 16) for one in of_gateway) % 2**64)
        self.assertEqual(self.gridctl("--target", target, "oplog"), "")

    def test_thousands_of_rows_come_in_pages(self):
        store = self.path("B")
        self.gridctl("--store", store, "--offline", "import", "many", self.numbers(5_000))
        rows = self.run_gridctl("--target", "unix:" + self.device(), "ls", "many").lines()
        self.assertEqual(sorted(int(row["key"]) for row in rows), list(range(5_000)))

    def test_writing_is_refused_with_a_sentence(self):
        target = "unix:" + self.path("nobody.sock")
        for verb in (("put", "m", "k", "1"), ("rm", "m", "k"), ("import", "m", "f"), ("sync",), ("watch", "m")):
            self.assertIn("looked into", self.gridctl_fails(2, "--target", target, *verb).err)
        self.gridctl_fails(2, "--target", target, "--store", self.path("x"), "status")

    def test_another_app_is_not_shown(self):
        path = self.device()
        self.assertIn("default", self.gridctl_fails(5, "--target", "unix:" + path, "--app", "farm", "status").err)

    def test_a_socket_left_by_the_dead_is_replaced_and_one_of_the_living_is_not(self):
        path = self.device()
        self.child.kill()
        self.child.wait()
        self.assertTrue(os.path.exists(path))
        self.assertIn("does the device run?", self.gridctl_fails(6, "--target", "unix:" + path, "status").err)
        self.assertEqual(self.device(), path)
        pathlib.Path(self.path("C.sock")).write_text("not a socket")
        os.symlink(path, self.path("D.sock"))  # It leads to a socket, and is none.
        os.rename(path, self.path("E.sock"))   # This one has somebody behind it.
        for name in "CDE":
            self.assertIn("the inspection socket", self.refused(self.path(name)))
        self.ask("unix:" + self.path("E.sock"), "status")

    def test_a_path_that_no_socket_can_have_is_named(self):
        self.assertIn("the limit is 107", self.refused(self.path("x" * 120)))

    def test_more_than_four_at_a_time_are_turned_away_and_served_later(self):
        path = self.device()
        guests = []
        for _ in range(5):
            guests.append(socket.socket(socket.AF_UNIX))
            guests[-1].connect(path)
        self.assertEqual(guests[4].recv(1), b"")
        for guest in guests:
            guest.close()
        harness.wait_until(lambda: self.run_gridctl("--target", "unix:" + path, "status").code == 0, "a free place")


if __name__ == "__main__":
    harness.main()
