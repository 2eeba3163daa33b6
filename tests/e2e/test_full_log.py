# SPDX-License-Identifier: Apache-2.0
"""A full log of unsent writes under each strategy: what is refused, dropped, or waits, and what arrives."""
import socket

import harness

LOG = 20
ROWS = 60


class FullLog(harness.GridTest):
    def run_it(self, strategy, is_up_to):
        """Runs the device without a gateway until `is_up_to(lines)`, then with one; returns its lines, the server."""
        with socket.create_server(("127.0.0.1", 0)) as probe:
            listen = f"127.0.0.1:{probe.getsockname()[1]}"
        device = harness.Process([harness.program("grid_full_log"), self.path("device"), f"ws://{listen}", strategy,
                                  str(ROWS)])
        self.addCleanup(lambda: device.child.poll() is None and device.child.kill())
        harness.wait_until(lambda: is_up_to(device.lines), f"{strategy}: {device.lines}")
        server = self.server(listen=listen)
        self.assertEqual(device.ended(), 0, device.errors)
        self.assertEqual(device.lines[-1], "settled")
        return device.lines, server

    def numbers_at(self, server):
        rows = self.run_gridctl("--target", server.url, "-o", "ndjson", "ls", "load").lines()
        return sorted(row["value"]["n"] for row in rows)

    def taken(self, lines):
        """The order in which the gateway had them on disk, by sequence."""
        return [int(line.split()[0]) for line in lines if line.endswith(" durable")]

    def test_refuse_keeps_what_it_took_and_says_full(self):
        lines, server = self.run_it("refuse", lambda lines: f"{ROWS - 1} full" in lines)
        self.assertEqual(lines[:ROWS], [f"{n} {'ok' if n < LOG else 'full'}" for n in range(ROWS)])
        self.assertEqual(self.numbers_at(server), list(range(LOG)))
        self.assertEqual(len(self.taken(lines)), LOG)
        self.assertIn(f"high {LOG}", lines)

    def test_drop_oldest_keeps_the_newest_and_tells_which_it_dropped(self):
        lines, server = self.run_it("drop_oldest", lambda lines: f"{ROWS - 1} ok" in lines)
        self.assertEqual(self.numbers_at(server), list(range(ROWS - LOG, ROWS)))
        self.assertEqual(len([line for line in lines if line.endswith(" dropped")]), ROWS - LOG)
        self.assertEqual(len(self.taken(lines)), LOG)

    def test_pause_waits_and_loses_nothing_and_keeps_the_order(self):
        lines, server = self.run_it("pause", lambda lines: f"high {LOG}" in lines)
        self.assertFalse([line for line in lines if line.endswith("full")])
        before = lines[:lines.index(f"high {LOG}")]
        self.assertEqual(before, [f"{n} ok" for n in range(LOG)])  # And the next one waited.
        self.assertEqual(self.numbers_at(server), list(range(ROWS)))
        taken = self.taken(lines)
        self.assertEqual((len(taken), taken), (ROWS, sorted(taken)))
        self.assertTrue([line for line in lines if line.startswith("low ")], lines)


if __name__ == "__main__":
    harness.main()
